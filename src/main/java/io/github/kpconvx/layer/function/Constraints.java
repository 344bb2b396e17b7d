package io.github.kpconvx.layer.function;

import io.github.kpconvx.keras.config.ConfigReader;
import java.util.List;
import java.util.function.Function;
import org.tensorflow.framework.constraints.MaxNorm;
import org.tensorflow.framework.constraints.MinMaxNorm;
import org.tensorflow.framework.constraints.UnitNorm;

/** The classes of {@code keras.constraints}. */
final class Constraints {
  private static final String NOT_IN_KERAS_3 = "is for kernels of images and is not in Keras 3";

  static final ObjectRegistry<Constraint> REGISTRY =
      new ObjectRegistry<Constraint>("constraint")
          .addClass("NonNeg", Constraints::nonNeg, "nonneg")
          .addClass("MaxNorm", Constraints::maxNorm, "maxnorm")
          .addClass("MinMaxNorm", Constraints::minMaxNorm)
          .addClass("UnitNorm", Constraints::unitNorm, "unitnorm")
          .refuse("RadialConstraint", NOT_IN_KERAS_3)
          .refuse("radial_constraint", NOT_IN_KERAS_3);

  private Constraints() {}

  /** The framework's multiplies by 0 what is negative, which gives NaN for an infinite weight. */
  private static Constraint nonNeg(ConfigReader config) {
    config.allowOnly(List.of());
    return (tf, weight) -> tf.math.maximum(weight, tf.constant(0f));
  }

  private static Constraint maxNorm(ConfigReader config) {
    config.allowOnly(List.of("max_value", "axis"));
    double most = config.number("max_value", 2, 0);
    return along(config, axes -> new MaxNorm(most, axes));
  }

  private static Constraint minMaxNorm(ConfigReader config) {
    config.allowOnly(List.of("min_value", "max_value", "rate", "axis"));
    double least = config.number("min_value", 0, 0);
    double most = config.number("max_value", 1, least);
    double rate = config.number("rate", 1, 0);
    if (rate > 1) {
      throw config.invalid("rate", config.json("rate"), "a number in [0, 1]");
    }
    return along(config, axes -> new MinMaxNorm(least, most, rate, axes));
  }

  private static Constraint unitNorm(ConfigReader config) {
    config.allowOnly(List.of("axis"));
    return along(config, UnitNorm::new);
  }

  private static Constraint along(
      ConfigReader config,
      Function<int[], org.tensorflow.framework.constraints.Constraint> constraint) {
    Axes axis = Axes.of(config, "axis", 0);
    return (tf, weight) ->
        constraint.apply(axis.of(weight.shape().numDimensions())).call(tf, weight);
  }
}
