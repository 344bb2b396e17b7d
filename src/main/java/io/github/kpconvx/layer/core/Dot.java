package io.github.kpconvx.layer.core;

import io.github.kpconvx.dtype.DType;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.LayerCall;
import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.train.BatchMatMul;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TFloat16;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TNumber;

/**
 * Keras's {@code Dot} of two inputs of rank 3: products of their matrices, batch element by batch
 * element, along an axis of each. (B, I, K) and (B, K, J) give (B, I, J) along {@code axes} (2, 1).
 *
 * @see <a href="https://keras.io/api/layers/merging_layers/dot/">Dot in Keras</a>
 */
public final class Dot extends Layer {
  private final List<Integer> axes;

  /**
   * Reads a serialized layer.
   *
   * @param object the serialized layer
   * @throws KerasException if a key is unknown or a value is not allowed
   */
  public Dot(KerasObject object) {
    super(object, DType.FLOATS);
    ConfigReader config = object.config();
    config.rejectUnknownKeys(List.of("axes", "normalize"));
    if (config.bool("normalize", false)) {
      throw config.invalid("normalize", true, "false");
    }
    if (config.json("axes").isNumber()) {
      int axis = config.integer("axes", 0, Integer.MIN_VALUE);
      this.axes = List.of(axis, axis);
    } else {
      this.axes = config.integers("axes", List.of(), Integer.MIN_VALUE);
    }
    if (axes.size() != 2 || axes.stream().anyMatch(axis -> axis == 0 || axis < -2 || axis > 2)) {
      throw config.invalid("axes", config.json("axes"), "one or two axes of 1, 2, -1 and -2");
    }
  }

  @Override
  protected void createWeights(Ops tf, List<Shape> inputs) {
    boolean matrices =
        inputs.size() == 2 && inputs.stream().allMatch(shape -> shape.numDimensions() == 3);
    if (!matrices || !agree(size(inputs, 0), size(inputs, 1))) {
      throw new KerasException(
          "%s: expected two inputs of rank 3 that agree in size along the axes %s, got %s"
              .formatted(serialize().describe(), axes, inputs));
    }
  }

  private long size(List<Shape> inputs, int index) {
    return inputs.get(index).get(Math.floorMod(axes.get(index), 3));
  }

  private static boolean agree(long a, long b) {
    return a == b || a == Shape.UNKNOWN_SIZE || b == Shape.UNKNOWN_SIZE;
  }

  @Override
  protected List<Operand<?>> compute(Ops tf, LayerCall call) {
    return List.of(product(tf, call.inputs(), computeType().tensor().asSubclass(TNumber.class)));
  }

  private <T extends TNumber> Operand<T> product(Ops tf, List<Operand<?>> inputs, Class<T> type) {
    Operand<T> a = typed(inputs.get(0), type, "input 0");
    Operand<T> b = typed(inputs.get(1), type, "input 1");
    if (type.equals(TFloat16.class) || type.equals(TBfloat16.class)) {
      // TensorFlow has no such product of these on a CPU.
      Class<TFloat32> wide = TFloat32.class;
      return tf.dtypes.cast(product(tf, tf.dtypes.cast(a, wide), tf.dtypes.cast(b, wide)), type);
    }
    return product(tf, a, b);
  }

  private <T extends TNumber> Operand<T> product(Ops tf, Operand<T> a, Operand<T> b) {
    return tf.train.batchMatMul(
        a,
        b,
        a.type(),
        BatchMatMul.adjX(Math.floorMod(axes.get(0), 3) == 1),
        BatchMatMul.adjY(Math.floorMod(axes.get(1), 3) == 2));
  }
}
