package io.github.kpconvx.layer.core;

import io.github.kpconvx.dtype.DType;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.LayerCall;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TType;

/**
 * Keras's {@code Concatenate}: joins inputs that agree in all dimensions but one along that one.
 *
 * @see <a href="https://keras.io/api/layers/merging_layers/concatenate/">Concatenate in Keras</a>
 */
public final class Concatenate extends Layer {
  private final int axis;

  /**
   * Reads a serialized layer.
   *
   * @param object the serialized layer
   * @throws KerasException if a key is unknown or the axis is no integer
   */
  public Concatenate(KerasObject object) {
    super(object, DType.FLOATS);
    var config = object.config();
    config.rejectUnknownKeys(List.of("axis"));
    this.axis = config.integer("axis", -1, Integer.MIN_VALUE);
  }

  @Override
  protected void createWeights(Ops tf, List<Shape> inputs) {
    int rank = inputs.get(0).numDimensions();
    boolean fits = axis != 0 && axis >= -rank && axis < rank && -rank != axis;
    for (Shape shape : inputs) {
      fits &= shape.numDimensions() == rank;
      for (int d = 0; fits && d < rank; d++) {
        boolean joined = d == Math.floorMod(axis, rank);
        fits = joined || compatible(shape.get(d), inputs.get(0).get(d));
      }
    }
    if (!fits) {
      throw new KerasException(
          serialize().describe()
              + ": cannot join inputs of shapes "
              + inputs
              + " along axis "
              + axis
              + "; expected equal shapes but for that axis, which is not the batch's");
    }
  }

  private static boolean compatible(long a, long b) {
    return a == b || a == Shape.UNKNOWN_SIZE || b == Shape.UNKNOWN_SIZE;
  }

  @Override
  protected List<Operand<?>> compute(Ops tf, LayerCall call) {
    List<Operand<?>> inputs = call.inputs();
    return List.of(join(tf, inputs, inputs.get(0).type()));
  }

  private <T extends TType> Operand<T> join(Ops tf, List<Operand<?>> inputs, Class<T> type) {
    List<Operand<T>> parts = new ArrayList<>();
    for (int i = 0; i < inputs.size(); i++) {
      parts.add(typed(inputs.get(i), type, "input " + i));
    }
    return parts.size() == 1 ? parts.get(0) : tf.concat(parts, tf.constant(axis));
  }

  /**
   * An element counts if any of its features does, in Keras 2 if all do, joined as the inputs are;
   * those of an input without a mask all do.
   */
  @Override
  protected Map<Integer, Operand<TBool>> computeMasks(
      Ops tf, LayerCall call, List<Operand<?>> outputs) {
    if (call.masks().isEmpty()) {
      return Map.of();
    }
    List<Operand<TBool>> masks = new ArrayList<>();
    for (int i = 0; i < call.inputs().size(); i++) {
      Operand<?> input = call.inputs().get(i);
      Operand<TBool> mask = call.masks().get(i);
      if (mask != null && mask.shape().numDimensions() == input.shape().numDimensions()) {
        masks.add(mask);
      } else {
        Operand<TBool> elements =
            mask == null ? tf.constant(true) : tf.expandDims(mask, tf.constant(-1));
        masks.add(tf.broadcastTo(elements, tf.shape(input)));
      }
    }
    Operand<TBool> joined = tf.concat(masks, tf.constant(axis));
    Operand<TInt32> last = tf.constant(-1);
    return Map.of(
        0, serialize().isOfKeras2() ? tf.reduceAll(joined, last) : tf.reduceAny(joined, last));
  }
}
