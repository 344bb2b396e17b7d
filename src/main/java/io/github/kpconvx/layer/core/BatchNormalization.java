package io.github.kpconvx.layer.core;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.weights.WeightSpec;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.LayerCall;
import io.github.kpconvx.layer.WeightRules;
import io.github.kpconvx.layer.function.Initializer;
import java.util.List;
import java.util.stream.IntStream;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;

/**
 * Keras's {@code BatchNormalization} over the last axis.
 *
 * <p>In inference {@code y = (x − moving_mean) · gamma / √(moving_variance + epsilon) + beta},
 * computed in the order in which Keras computes it on TensorFlow. In training the mean and the
 * biased variance of the input over all axes but the last take the place of the moving ones, and
 * {@code moving ← moving · momentum + batch · (1 − momentum)}; a normalization that is not
 * trainable does as in inference. Weights: {@code gamma} (if {@code scale}), {@code beta} (if
 * {@code center}), {@code moving_mean}, {@code moving_variance}, each of shape (C) for inputs of
 * shape (…, C).
 *
 * @see <a
 *     href="https://keras.io/api/layers/normalization_layers/batch_normalization/">BatchNormalization
 *     in Keras</a>
 */
public final class BatchNormalization extends Layer {
  /** The Keras class name. */
  public static final String CLASS_NAME = "BatchNormalization";

  private static final List<String> KEYS =
      List.of(
          "axis",
          "momentum",
          "epsilon",
          "center",
          "scale",
          "beta_initializer",
          "gamma_initializer",
          "moving_mean_initializer",
          "moving_variance_initializer",
          "beta_regularizer",
          "gamma_regularizer",
          "beta_constraint",
          "gamma_constraint",
          "synchronized",
          "renorm",
          "renorm_clipping",
          "renorm_momentum",
          "fused",
          "virtual_batch_size",
          "adjustment");

  private final int axis;
  private final double momentum;
  private final double epsilon;
  private final boolean center;
  private final boolean scale;
  private final WeightRules gamma;
  private final WeightRules beta;
  private final Initializer movingMean;
  private final Initializer movingVariance;

  /**
   * Reads a serialized layer.
   *
   * @param object the serialized layer
   * @throws KerasException if a key is unknown, a value is not allowed, or {@code renorm}, {@code
   *     synchronized} or {@code virtual_batch_size} ask for what is not supported
   */
  public BatchNormalization(KerasObject object) {
    super(object);
    ConfigReader config = object.config();
    config.rejectUnknownKeys(KEYS);
    this.axis = axis(config);
    this.momentum = config.number("momentum", 0.99);
    this.epsilon = config.number("epsilon", 1e-3);
    this.center = config.bool("center", true);
    this.scale = config.bool("scale", true);
    for (String key : List.of("renorm", "synchronized")) {
      if (config.bool(key, false)) {
        throw config.invalid(key, true, "false: the layer supports plain batch normalization only");
      }
    }
    if (!config.json("virtual_batch_size").isNull()) {
      throw config.invalid("virtual_batch_size", config.json("virtual_batch_size"), "null");
    }
    if (epsilon < 0) {
      throw config.invalid("epsilon", epsilon, "a number of at least 0");
    }
    if (momentum < 0 || momentum > 1) {
      throw config.invalid("momentum", momentum, "a number in [0, 1]");
    }
    this.gamma = WeightRules.of(object, "gamma_", "ones");
    this.beta = WeightRules.of(object, "beta_", "zeros");
    this.movingMean = WeightRules.of(object, "moving_mean_", "zeros").initializer();
    this.movingVariance = WeightRules.of(object, "moving_variance_", "ones").initializer();
  }

  /**
   * A normalization with Keras's defaults but for the momentum.
   *
   * @param name its name
   * @param momentum of the moving statistics
   * @return the layer
   */
  public static BatchNormalization withMomentum(String name, double momentum) {
    ObjectNode config = JsonNodeFactory.instance.objectNode();
    config.put("name", name).put("axis", -1).put("momentum", momentum).put("epsilon", 1e-3);
    config.put("center", true).put("scale", true);
    return new BatchNormalization(KerasObject.of("keras.layers", CLASS_NAME, null, config));
  }

  /**
   * How much of the moving statistics one training step keeps.
   *
   * @return Keras's {@code momentum}
   */
  public double momentum() {
    return momentum;
  }

  /** Keras 2 writes the axis as a list of one. */
  private static int axis(ConfigReader config) {
    if (!config.json("axis").isArray()) {
      return config.integer("axis", -1, Integer.MIN_VALUE);
    }
    List<Integer> axes = config.integers("axis", List.of(), Integer.MIN_VALUE);
    if (axes.size() != 1) {
      throw config.invalid("axis", config.json("axis"), "an integer", "a list of one");
    }
    return axes.get(0);
  }

  @Override
  protected void createWeights(Ops tf, List<Shape> inputs) {
    Shape input = inputs.get(0);
    int rank = input.numDimensions();
    if (axis != -1 && axis != rank - 1) {
      throw new KerasException(
          serialize().describe()
              + ": axis = "
              + axis
              + ", expected -1 or "
              + (rank - 1)
              + ", the last of "
              + input);
    }
    long channels = input.get(rank - 1);
    if (channels == Shape.UNKNOWN_SIZE) {
      throw new KerasException(
          serialize().describe() + ": the last dimension of its input " + input + " is unknown");
    }
    if (scale) {
      addWeight(tf, WeightSpec.of("gamma", true, channels), gamma);
    }
    if (center) {
      addWeight(tf, WeightSpec.of("beta", true, channels), beta);
    }
    addWeight(
        tf, WeightSpec.of("moving_mean", false, channels), WeightRules.startingAt(movingMean));
    addWeight(
        tf,
        WeightSpec.of("moving_variance", false, channels),
        WeightRules.startingAt(movingVariance));
  }

  @Override
  protected List<Operand<?>> compute(Ops tf, LayerCall call) {
    Operand<TFloat32> x = onlyInput(call);
    // A frozen normalization keeps its statistics.
    if (!call.training() || !trainable()) {
      return List.of(normalize(tf, x, weight("moving_mean"), weight("moving_variance")));
    }
    int[] axes = IntStream.range(0, x.shape().numDimensions() - 1).toArray();
    Operand<TInt32> allButTheLast = tf.constant(axes);
    Operand<TFloat32> mean = tf.math.mean(x, allButTheLast);
    Operand<TFloat32> variance =
        tf.math.mean(tf.math.squaredDifference(x, tf.stopGradient(mean)), allButTheLast);
    addUpdate(tf, "moving_mean", old -> moved(tf, old, mean));
    addUpdate(tf, "moving_variance", old -> moved(tf, old, variance));
    return List.of(normalize(tf, x, mean, variance));
  }

  /** {@code y = factor · x + shift}. */
  public record Affine(double factor, double shift) {}

  /** What this one does in inference to channel c, of its frozen weights, in double precision. */
  public Affine affine(int c) {
    double factor =
        (scale ? frozen("gamma").getFloat(c) : 1)
            / Math.sqrt(frozen("moving_variance").getFloat(c) + epsilon);
    double beta = center ? frozen("beta").getFloat(c) : 0;
    return new Affine(factor, beta - frozen("moving_mean").getFloat(c) * factor);
  }

  private Operand<TFloat32> moved(Ops tf, Operand<TFloat32> old, Operand<TFloat32> batch) {
    return tf.math.add(
        tf.math.mul(old, tf.constant((float) momentum)),
        tf.math.mul(batch, tf.constant((float) (1 - momentum))));
  }

  private Operand<TFloat32> normalize(
      Ops tf, Operand<TFloat32> x, Operand<TFloat32> mean, Operand<TFloat32> variance) {
    Operand<TFloat32> factor = tf.math.rsqrt(tf.math.add(variance, tf.constant((float) epsilon)));
    if (scale) {
      factor = tf.math.mul(factor, weight("gamma"));
    }
    Operand<TFloat32> offset = tf.math.mul(mean, factor);
    Operand<TFloat32> shift = center ? tf.math.sub(weight("beta"), offset) : tf.math.neg(offset);
    return tf.math.add(tf.math.mul(x, factor), shift);
  }
}
