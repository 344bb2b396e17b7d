package io.github.kpconvx.layer.core;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.weights.WeightSpec;
import io.github.kpconvx.layer.Argument;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.LayerCall;
import io.github.kpconvx.layer.Operands;
import io.github.kpconvx.layer.WeightRules;
import io.github.kpconvx.layer.function.Axes;
import io.github.kpconvx.layer.function.Initializer;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.ReduceSum;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;

/**
 * Keras's {@code BatchNormalization}. The output has the input's shape.
 *
 * <p>In inference {@code y = (x − moving_mean) · gamma / √(moving_variance + epsilon) + beta},
 * computed in the order in which Keras computes it on TensorFlow. In training the mean and the
 * biased variance of the input over all axes but {@code axis} take the place of the moving ones,
 * and {@code moving ← moving · momentum + batch · (1 − momentum)}; what a mask says does not count
 * is left out. A normalization that is not trainable does as in inference. Inputs of four and five
 * dimensions Keras 2 gives to TensorFlow's fused operation: there an epsilon is at least 1.001e-5,
 * the moving variance is of the unbiased one, and masks are ignored.
 *
 * <p>Weights: {@code gamma} (if {@code scale}), {@code beta} (if {@code center}), {@code
 * moving_mean}, {@code moving_variance}, each of the size of the axis; of several axes, which Keras
 * 2 has, of the input's shape with 1 for all others.
 *
 * @see <a
 *     href="https://keras.io/api/layers/normalization_layers/batch_normalization/">BatchNormalization
 *     in Keras</a>
 */
public final class BatchNormalization extends Layer {
  /** The Keras class name. */
  public static final String CLASS_NAME = "BatchNormalization";

  private static final String MASK = "mask";

  /** Keras's {@code backend.epsilon()}. */
  private static final float EPSILON = 1e-7f;

  /** What {@code tf.compat.v1.nn.fused_batch_norm} raises an epsilon to. */
  private static final double LEAST_FUSED_EPSILON = 1.001e-5;

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

  private Axes axes;
  private final double momentum;
  private final double epsilon;
  private final boolean center;
  private final boolean scale;
  private final boolean fused;
  private final boolean synchronous;
  private final WeightRules gamma;
  private final WeightRules beta;
  private final Initializer movingMean;
  private final Initializer movingVariance;

  /**
   * Reads a serialized layer.
   *
   * @param object the serialized layer
   * @throws KerasException if a key is unknown, a value is not allowed, or {@code renorm}, {@code
   *     virtual_batch_size} or {@code adjustment} ask for what is not supported
   */
  public BatchNormalization(KerasObject object) {
    super(object);
    ConfigReader config = object.config();
    config.rejectUnknownKeys(KEYS);
    this.axes = Axes.ofSome(config, "axis", -1);
    this.momentum = config.number("momentum", 0.99);
    this.epsilon = config.number("epsilon", 1e-3);
    this.center = config.bool("center", true);
    this.scale = config.bool("scale", true);
    this.fused = config.json("fused").isNull() || config.bool("fused", true);
    // Here there is one replica, which is in step with itself.
    this.synchronous = config.bool("synchronized", false);
    if (config.bool("renorm", false)) {
      throw config.invalid("renorm", true, "false: batch renormalization is not supported");
    }
    if (!config.json("virtual_batch_size").isNull()) {
      throw config.invalid("virtual_batch_size", config.json("virtual_batch_size"), "null");
    }
    if (!config.json("adjustment").isNull()) {
      throw config.invalid("adjustment", config.json("adjustment"), "null");
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

  @Override
  protected void createWeights(Ops tf, List<Shape> inputs) {
    Shape input = inputs.get(0);
    long[] sizes = axes.sizes(input);
    if (sizes.length != 1) {
      sizes = axes.stretchedSizes(input);
    }
    // Layers of points may call it with rows of points.
    axes = axes.fromTheLast(input.numDimensions());
    if (scale) {
      addWeight(tf, WeightSpec.of("gamma", true, sizes), gamma);
    }
    if (center) {
      addWeight(tf, WeightSpec.of("beta", true, sizes), beta);
    }
    addWeight(tf, WeightSpec.of("moving_mean", false, sizes), WeightRules.startingAt(movingMean));
    addWeight(
        tf, WeightSpec.of("moving_variance", false, sizes), WeightRules.startingAt(movingVariance));
  }

  @Override
  protected List<Operand<?>> compute(Ops tf, LayerCall call) {
    Operand<TFloat32> x = onlyInput(call);
    // A frozen normalization keeps its statistics.
    if (!call.training() || !trainable()) {
      return List.of(
          normalize(tf, x, new Moments<>(of(tf, "moving_mean", x), of(tf, "moving_variance", x))));
    }
    int[] others = axes.others(x.shape().numDimensions());
    Operand<TBool> mask = isFused(x.shape()) ? null : mask(call);
    Moments<TFloat32> moments =
        mask == null ? Moments.of(tf, x, others) : ofMasked(tf, x, mask, others);
    addUpdate(tf, "moving_mean", old -> moved(tf, old, moments.mean()));
    Operand<TFloat32> variance =
        isFused(x.shape())
            ? tf.math.mul(moments.variance(), bessel(tf, x, others))
            : moments.variance();
    addUpdate(tf, "moving_variance", old -> moved(tf, old, variance));
    return List.of(normalize(tf, x, moments));
  }

  /** That of the call or, if it is left alone, of the input; null if there is none. */
  private Operand<TBool> mask(LayerCall call) {
    return call.arguments().keywords().get(MASK) instanceof Argument.Tensor<Operand<?>> given
        ? typed(given.tensor(), TBool.class, "its mask")
        : call.masks().get(0);
  }

  @Override
  protected Set<String> keywords() {
    return Set.of(MASK);
  }

  /** Whether Keras gives inputs of that shape to FusedBatchNorm. */
  private boolean isFused(Shape shape) {
    int rank = shape.numDimensions();
    int[] along = axes.of(rank);
    return serialize().isOfKeras2()
        && fused
        && !synchronous
        && (rank == 4 || rank == 5)
        && along.length == 1
        && (along[0] == 1 || along[0] == rank - 1);
  }

  /** n / (n − 1) of n elements that a mean is of; 1 for a single one. */
  private static Operand<TFloat32> bessel(Ops tf, Operand<TFloat32> x, int[] axes) {
    Operand<TInt32> sizes = tf.gather(tf.shape(x), tf.constant(axes), tf.constant(0));
    Operand<TFloat32> n = tf.dtypes.cast(tf.reduceProd(sizes, tf.constant(0)), TFloat32.class);
    Operand<TFloat32> one = tf.constant(1f);
    return tf.math.div(n, tf.math.maximum(tf.math.sub(n, one), one));
  }

  /** Keras 3 adds an epsilon to the number of elements that count, Keras 2 does not. */
  private Moments<TFloat32> ofMasked(
      Ops tf, Operand<TFloat32> x, Operand<TBool> mask, int[] along) {
    if (mask.shape().numDimensions() != x.shape().numDimensions() - 1) {
      throw new KerasException(
          "%s: its mask has shape %s, expected one dimension less than its input %s"
              .formatted(serialize().describe(), mask.shape(), x.shape()));
    }
    Operand<TBool> counts = tf.expandDims(mask, tf.constant(-1));
    Operand<TInt32> over = tf.constant(along);
    Operand<TFloat32> zero = tf.constant(0f);
    Operand<TFloat32> ones = tf.broadcastTo(tf.dtypes.cast(counts, TFloat32.class), tf.shape(x));
    Operand<TFloat32> n = tf.reduceSum(ones, over, ReduceSum.keepDims(true));
    if (!serialize().isOfKeras2()) {
      n = tf.math.add(n, tf.constant(EPSILON));
    }
    Operand<TFloat32> sum =
        tf.reduceSum(Operands.select(tf, counts, x, zero), over, ReduceSum.keepDims(true));
    Operand<TFloat32> mean = tf.math.div(sum, n);
    Operand<TFloat32> differences = Operands.select(tf, counts, tf.math.sub(x, mean), zero);
    Operand<TFloat32> squares =
        tf.reduceSum(tf.math.square(differences), over, ReduceSum.keepDims(true));
    return new Moments<>(mean, tf.math.div(squares, n));
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
        tf.math.mul(tf.reshape(batch, tf.shape(old)), tf.constant((float) (1 - momentum))));
  }

  private Operand<TFloat32> of(Ops tf, String weight, Operand<TFloat32> x) {
    return axes.stretch(tf, weight(tf, weight, x), x.shape());
  }

  private Operand<TFloat32> normalize(Ops tf, Operand<TFloat32> x, Moments<TFloat32> moments) {
    return moments.normalize(
        tf,
        x,
        isFused(x.shape()) ? Math.max(epsilon, LEAST_FUSED_EPSILON) : epsilon,
        scale ? Optional.of(of(tf, "gamma", x)) : Optional.empty(),
        center ? Optional.of(of(tf, "beta", x)) : Optional.empty());
  }

  @Override
  protected Map<Integer, Operand<TBool>> computeMasks(
      Ops tf, LayerCall call, List<Operand<?>> outputs) {
    return call.masks();
  }
}
