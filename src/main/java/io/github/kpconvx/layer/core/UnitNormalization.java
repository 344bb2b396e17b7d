package io.github.kpconvx.layer.core;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.LayerCall;
import io.github.kpconvx.layer.Operands;
import io.github.kpconvx.layer.function.Axes;
import java.util.List;
import java.util.Map;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.ReduceSum;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TNumber;

/**
 * Keras's {@code UnitNormalization}: divides by the L2 norm along {@code axis}. The output has the
 * input's shape. A norm is taken to be at least 1e-12, by Keras 2 1e-6.
 *
 * @see <a
 *     href="https://keras.io/api/layers/normalization_layers/unit_normalization/">UnitNormalization
 *     in Keras</a>
 */
public final class UnitNormalization extends Layer {
  private final Axes axes;

  /**
   * Reads a serialized layer.
   *
   * @param object the serialized layer
   * @throws KerasException if a key is unknown or the axes are none
   */
  public UnitNormalization(KerasObject object) {
    super(object);
    ConfigReader config = object.config();
    config.rejectUnknownKeys(List.of("axis"));
    this.axes = Axes.of(config, "axis", -1);
  }

  @Override
  protected void createWeights(Ops tf, List<Shape> inputs) {}

  @Override
  protected List<Operand<?>> compute(Ops tf, LayerCall call) {
    Operand<TFloat32> x = onlyInput(call);
    int[] along = axes.of(x.shape().numDimensions());
    return List.of(unit(tf, x, along, serialize().isOfKeras2() ? 1e-6 : 1e-12));
  }

  /**
   * A tensor divided by its norms along some axes, each at least {@code least}. The bound is one of
   * the square, so that a vector of zeros has a finite gradient.
   */
  static <T extends TNumber> Operand<T> unit(Ops tf, Operand<T> x, int[] along, double least) {
    Operand<T> squares =
        tf.reduceSum(tf.math.square(x), tf.constant(along), ReduceSum.keepDims(true));
    Operand<T> bound = Operands.scalar(tf, least * least, x);
    return tf.math.mul(x, tf.math.rsqrt(tf.math.maximum(squares, bound)));
  }

  @Override
  protected Map<Integer, Operand<TBool>> computeMasks(
      Ops tf, LayerCall call, List<Operand<?>> outputs) {
    return call.masks();
  }
}
