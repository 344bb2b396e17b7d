package io.github.kpconvx.layer.core;

import io.github.kpconvx.dtype.DType;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.LayerCall;
import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TNumber;

/**
 * Keras's {@code Add}: the sum of at least two inputs of equal rank, element by element, from left
 * to right.
 *
 * @see <a href="https://keras.io/api/layers/merging_layers/add/">Add in Keras</a>
 */
public final class Add extends Layer {

  /**
   * Reads a serialized layer.
   *
   * @param object the serialized layer
   * @throws KerasException if a key is unknown
   */
  public Add(KerasObject object) {
    super(object, DType.FLOATS);
    object.config().rejectUnknownKeys(List.of());
  }

  @Override
  protected void createWeights(Ops tf, List<Shape> inputs) {
    Shape first = inputs.get(0);
    boolean equal = inputs.stream().allMatch(shape -> shape.isCompatibleWith(first));
    if (inputs.size() < 2 || !equal) {
      throw new KerasException(
          serialize().describe() + ": expected at least two inputs of equal shapes, got " + inputs);
    }
  }

  @Override
  protected List<Operand<?>> compute(Ops tf, LayerCall call) {
    List<Operand<?>> inputs = call.inputs();
    if (!TNumber.class.isAssignableFrom(inputs.get(0).type())) {
      floats(inputs.get(0), "input 0");
    }
    return List.of(sum(tf, inputs, inputs.get(0).type().asSubclass(TNumber.class)));
  }

  private <T extends TNumber> Operand<T> sum(Ops tf, List<Operand<?>> inputs, Class<T> type) {
    Operand<T> sum = typed(inputs.get(0), type, "input 0");
    for (int i = 1; i < inputs.size(); i++) {
      sum = tf.math.add(sum, typed(inputs.get(i), type, "input " + i));
    }
    return sum;
  }
}
