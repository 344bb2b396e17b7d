package io.github.kpconvx.layer.core;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.weights.WeightSpec;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.LayerCall;
import io.github.kpconvx.layer.Operands;
import io.github.kpconvx.layer.WeightRules;
import io.github.kpconvx.layer.function.Axes;
import io.github.kpconvx.layer.function.Initializer;
import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.math.Mean;
import org.tensorflow.types.family.TNumber;

/**
 * Keras 3's {@code RMSNormalization}: {@code x / √(mean of x² along axis + epsilon) · scale}. The
 * output has the input's shape. As in Keras the weight stretches from the last axis, so that other
 * axes than the last ones fit by chance only.
 *
 * <p>Weight: {@code scale}, of the sizes of the axes.
 *
 * @see <a
 *     href="https://keras.io/api/layers/normalization_layers/rms_normalization/">RMSNormalization
 *     in Keras</a>
 */
public final class RMSNormalization extends Layer {
  private final Axes axes;
  private final double epsilon;

  /**
   * Reads a serialized layer.
   *
   * @param object the serialized layer
   * @throws KerasException if a key is unknown or a value is not allowed
   */
  public RMSNormalization(KerasObject object) {
    super(object);
    ConfigReader config = object.config();
    config.rejectUnknownKeys(List.of("axis", "epsilon"));
    this.axes = Axes.of(config, "axis", -1);
    this.epsilon = config.number("epsilon", 1e-6, 0);
  }

  @Override
  protected void createWeights(Ops tf, List<Shape> inputs) {
    addWeight(
        tf,
        WeightSpec.of("scale", true, axes.sizes(inputs.get(0))),
        WeightRules.startingAt(Initializer.constant(1)));
  }

  @Override
  protected List<Operand<?>> compute(Ops tf, LayerCall call) {
    return List.of(normalize(tf, onlyInput(call)));
  }

  private <T extends TNumber> Operand<T> normalize(Ops tf, Operand<T> x) {
    Operand<T> squares =
        tf.math.mean(
            tf.math.square(x),
            tf.constant(axes.of(x.shape().numDimensions())),
            Mean.keepDims(true));
    Operand<T> inverse = tf.math.rsqrt(tf.math.add(squares, Operands.scalar(tf, epsilon, x)));
    return tf.math.mul(tf.math.mul(x, inverse), weight(tf, "scale", x));
  }
}
