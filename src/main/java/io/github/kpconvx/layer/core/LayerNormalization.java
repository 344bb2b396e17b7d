package io.github.kpconvx.layer.core;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.weights.WeightSpec;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.LayerCall;
import io.github.kpconvx.layer.WeightRules;
import io.github.kpconvx.layer.function.Axes;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.family.TNumber;

/**
 * Keras's {@code LayerNormalization}: {@code (x − mean) / √(variance + epsilon) · gamma + beta} of
 * the mean and the biased variance of each element of the batch along {@code axis}. With Keras 3's
 * {@code rms_scaling} it is {@code x / √(variance + epsilon) · gamma}. The output has the input's
 * shape.
 *
 * <p>Weights: {@code gamma} (if {@code scale} or {@code rms_scaling}) and {@code beta} (if {@code
 * center} and not {@code rms_scaling}), of the sizes of the axes in the order in which they are
 * given.
 *
 * @see <a
 *     href="https://keras.io/api/layers/normalization_layers/layer_normalization/">LayerNormalization
 *     in Keras</a>
 */
public final class LayerNormalization extends Layer {
  private final Axes axes;
  private final double epsilon;
  private final boolean scale;
  private final boolean center;
  private final boolean rmsScaling;
  private final WeightRules gamma;
  private final WeightRules beta;

  /**
   * Reads a serialized layer.
   *
   * @param object the serialized layer
   * @throws KerasException if a key is unknown or a value is not allowed
   */
  public LayerNormalization(KerasObject object) {
    super(object);
    ConfigReader config = object.config();
    config.rejectUnknownKeys(
        List.of(
            "axis",
            "epsilon",
            "center",
            "scale",
            "rms_scaling",
            "beta_initializer",
            "gamma_initializer",
            "beta_regularizer",
            "gamma_regularizer",
            "beta_constraint",
            "gamma_constraint"));
    this.axes = Axes.of(config, "axis", -1);
    if (config.has("axis") && config.json("axis").isNull()) {
      throw config.invalid("axis", "null", "an axis", "a list of axes");
    }
    this.epsilon = config.number("epsilon", 1e-3, 0);
    this.rmsScaling = config.bool("rms_scaling", false);
    this.scale = config.bool("scale", true) || rmsScaling;
    this.center = config.bool("center", true) && !rmsScaling;
    this.gamma = WeightRules.of(object, "gamma_", "ones");
    this.beta = WeightRules.of(object, "beta_", "zeros");
  }

  @Override
  protected void createWeights(Ops tf, List<Shape> inputs) {
    long[] sizes = axes.sizes(inputs.get(0));
    if (scale) {
      addWeight(tf, WeightSpec.of("gamma", true, sizes), gamma);
    }
    if (center) {
      addWeight(tf, WeightSpec.of("beta", true, sizes), beta);
    }
  }

  @Override
  protected List<Operand<?>> compute(Ops tf, LayerCall call) {
    return List.of(normalize(tf, onlyInput(call)));
  }

  private <T extends TNumber> Operand<T> normalize(Ops tf, Operand<T> x) {
    Moments<T> moments = Moments.of(tf, x, axes.of(x.shape().numDimensions()));
    if (rmsScaling) {
      Operand<T> scaled = tf.math.mul(x, moments.inverseDeviation(tf, epsilon));
      return tf.math.mul(scaled, axes.stretch(tf, weight(tf, "gamma", x), x.shape()));
    }
    return moments.normalize(tf, x, epsilon, of(tf, "gamma", scale, x), of(tf, "beta", center, x));
  }

  private <T extends TNumber> Optional<Operand<T>> of(
      Ops tf, String weight, boolean used, Operand<T> x) {
    return used
        ? Optional.of(axes.stretch(tf, weight(tf, weight, x), x.shape()))
        : Optional.empty();
  }

  @Override
  protected Map<Integer, Operand<TBool>> computeMasks(
      Ops tf, LayerCall call, List<Operand<?>> outputs) {
    return call.masks();
  }
}
