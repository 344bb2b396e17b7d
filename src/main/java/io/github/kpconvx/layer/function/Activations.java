package io.github.kpconvx.layer.function;

import static io.github.kpconvx.layer.Operands.scalar;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.framework.activations.GELU;
import org.tensorflow.framework.activations.HardSigmoid;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.index.Indices;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Gather;
import org.tensorflow.op.core.ReduceMax;
import org.tensorflow.op.core.ReduceSum;
import org.tensorflow.op.nn.LeakyRelu;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TNumber;

/**
 * The functions of {@code keras.activations} and Keras's activation layers without weights.
 *
 * <p>Where Keras selects between branches, this multiplies by zeros and ones or clamps, so that at
 * each kink the gradient is that of the branch that Keras takes: TensorFlow has no C++ gradient of
 * SelectV2.
 */
public final class Activations {
  static final Activation LINEAR = new Elementary(Activations::linear);
  static final Activation KERAS_2_HARD_SIGMOID = Activations::hardSigmoidOfKeras2;

  static final ObjectRegistry<Activation> REGISTRY = new ObjectRegistry<>("activation");

  static {
    function("linear", LINEAR);
    function("relu", new Elementary(Activations::relu));
    function("relu6", new Elementary(Activations::relu6));
    function("leaky_relu", leakyRelu(0.2));
    function("elu", new Elementary(Activations::elu));
    function("celu", Activations::celu);
    function("selu", Activations::selu);
    function("gelu", Activations::gelu);
    function("silu", Activations::silu);
    function("swish", Activations::silu);
    function("mish", Activations::mish);
    function("glu", new GatedLinearUnit());
    function("sigmoid", Activations::sigmoid);
    function("log_sigmoid", Activations::logSigmoid);
    function("hard_sigmoid", Activations::hardSigmoid);
    function("hard_silu", Activations::hardSilu);
    function("hard_swish", Activations::hardSilu);
    function("sparse_sigmoid", Activations::sparseSigmoid);
    function("tanh", Activations::tanh);
    function("tanh_shrink", Activations::tanhShrink);
    function("hard_tanh", Activations::hardTanh);
    function("softplus", Activations::softplus);
    function("sparse_plus", Activations::sparsePlus);
    function("squareplus", Activations::squarePlus);
    function("softsign", Activations::softsign);
    function("soft_shrink", Activations::softShrink);
    function("hard_shrink", Activations::hardShrink);
    function("exponential", Activations::exponential);
    function("softmax", Activations::softmax);
    function("log_softmax", Activations::logSoftmax);
    function("sparsemax", Activations::sparsemax);
    REGISTRY.refuse(
        "threshold", "needs two arguments, threshold and default_value, that a name cannot give");

    REGISTRY.add("Activation", Activations::activation);
    REGISTRY.add("ReLU", Activations::relu);
    REGISTRY.add("LeakyReLU", Activations::leakyRelu);
    REGISTRY.add("ELU", Activations::elu);
    REGISTRY.add("Softmax", Activations::softmax);
    REGISTRY.add("ThresholdedReLU", Activations::thresholdedRelu);
    REGISTRY.add("Identity", Activations::identity);
    REGISTRY.refuse("PReLU", "has weights; expected a function without any");
  }

  /** An operation of its own, which TensorFlow can compute together with a matrix product. */
  private record Elementary(Activation operation) implements Activation {
    @Override
    public <T extends TNumber> Operand<T> apply(Ops tf, Operand<T> x) {
      return operation.apply(tf, x);
    }
  }

  private Activations() {}

  /**
   * Whether TensorFlow has a kernel for a matrix product followed by this. Of others, such as gelu,
   * it makes operations that only oneDNN computes, in places where oneDNN is not used.
   */
  public static boolean isElementary(Activation activation) {
    return activation instanceof Elementary;
  }

  private static void function(String name, Activation function) {
    REGISTRY.add(
        name,
        config -> {
          config.allowOnly(List.of());
          return function;
        });
  }

  /** 1 where the condition holds, else 0. */
  private static <T extends TNumber> Operand<T> where(
      Ops tf, Operand<TBool> condition, Operand<T> like) {
    return tf.dtypes.cast(condition, like.type());
  }

  private record LeakySlope(float slope) implements Activation {
    @Override
    public <T extends TNumber> Operand<T> apply(Ops tf, Operand<T> x) {
      return tf.nn.leakyRelu(x, LeakyRelu.alpha(slope));
    }
  }

  private static Activation leakyRelu(double slope) {
    return new Elementary(new LeakySlope((float) slope));
  }

  private static <T extends TNumber> Operand<T> linear(Ops tf, Operand<T> x) {
    return x;
  }

  private static <T extends TNumber> Operand<T> relu(Ops tf, Operand<T> x) {
    return tf.nn.relu(x);
  }

  private static <T extends TNumber> Operand<T> relu6(Ops tf, Operand<T> x) {
    return tf.nn.relu6(x);
  }

  private static <T extends TNumber> Operand<T> elu(Ops tf, Operand<T> x) {
    return tf.nn.elu(x);
  }

  private static <T extends TNumber> Operand<T> selu(Ops tf, Operand<T> x) {
    return tf.nn.selu(x);
  }

  private static <T extends TNumber> Operand<T> mish(Ops tf, Operand<T> x) {
    return tf.math.mul(x, tf.math.tanh(tf.math.softplus(x)));
  }

  private static <T extends TNumber> Operand<T> sigmoid(Ops tf, Operand<T> x) {
    return tf.math.sigmoid(x);
  }

  private static <T extends TNumber> Operand<T> logSigmoid(Ops tf, Operand<T> x) {
    return tf.math.neg(tf.math.softplus(tf.math.neg(x)));
  }

  private static <T extends TNumber> Operand<T> hardSilu(Ops tf, Operand<T> x) {
    return tf.math.mul(x, hardSigmoid(tf, x));
  }

  private static <T extends TNumber> Operand<T> tanh(Ops tf, Operand<T> x) {
    return tf.math.tanh(x);
  }

  private static <T extends TNumber> Operand<T> tanhShrink(Ops tf, Operand<T> x) {
    return tf.math.sub(x, tf.math.tanh(x));
  }

  private static <T extends TNumber> Operand<T> hardTanh(Ops tf, Operand<T> x) {
    return clip(tf, x, 1);
  }

  private static <T extends TNumber> Operand<T> softplus(Ops tf, Operand<T> x) {
    return tf.math.softplus(x);
  }

  private static <T extends TNumber> Operand<T> softsign(Ops tf, Operand<T> x) {
    return tf.nn.softsign(x);
  }

  private static <T extends TNumber> Operand<T> exponential(Ops tf, Operand<T> x) {
    return tf.math.exp(x);
  }

  private static <T extends TNumber> Operand<T> softmax(Ops tf, Operand<T> x) {
    return tf.nn.softmax(x);
  }

  /** The framework's constants are of float32. */
  private static <T extends TNumber> Operand<T> gelu(Ops tf, Operand<T> x) {
    if (x.type().equals(TFloat32.class)) {
      return GELU.gelu(tf, x);
    }
    Operand<T> erf = tf.math.erf(tf.math.div(x, scalar(tf, Math.sqrt(2), x)));
    return tf.math.mul(tf.math.mul(scalar(tf, 0.5, x), x), tf.math.add(scalar(tf, 1, x), erf));
  }

  private static <T extends TNumber> Operand<T> hardSigmoidOfKeras2(Ops tf, Operand<T> x) {
    if (x.type().equals(TFloat32.class)) {
      return HardSigmoid.hardSigmoid(tf, x);
    }
    Operand<T> line = tf.math.add(tf.math.mul(scalar(tf, 0.2, x), x), scalar(tf, 0.5, x));
    return tf.math.minimum(tf.math.maximum(line, scalar(tf, 0, x)), scalar(tf, 1, x));
  }

  private static <T extends TNumber> Operand<T> celu(Ops tf, Operand<T> x) {
    Operand<T> zero = scalar(tf, 0, x);
    return tf.math.add(tf.math.maximum(x, zero), tf.math.expm1(tf.math.minimum(x, zero)));
  }

  private static <T extends TNumber> Operand<T> silu(Ops tf, Operand<T> x) {
    return tf.math.mul(x, tf.math.sigmoid(x));
  }

  private static <T extends TNumber> Operand<T> hardSigmoid(Ops tf, Operand<T> x) {
    return tf.math.div(tf.nn.relu6(tf.math.add(x, scalar(tf, 3, x))), scalar(tf, 6, x));
  }

  /** x cut to [−most, most]. */
  private static <T extends TNumber> Operand<T> clip(Ops tf, Operand<T> x, double most) {
    return tf.math.maximum(tf.math.minimum(x, scalar(tf, most, x)), scalar(tf, -most, x));
  }

  /** 0 up to −1, (x + 1) / 2 up to 1, then 1; of no slope at −1 and 1. */
  private static <T extends TNumber> Operand<T> sparseSigmoid(Ops tf, Operand<T> x) {
    Operand<T> one = scalar(tf, 1, x);
    Operand<T> line = tf.math.mul(scalar(tf, 0.5, x), tf.math.add(clip(tf, x, 1), one));
    Operand<T> inside = where(tf, tf.math.less(tf.math.abs(x), one), x);
    return tf.math.add(tf.math.mul(inside, line), where(tf, tf.math.greaterEqual(x, one), x));
  }

  /** 0 up to −1, (x + 1)² / 4 up to 1, then x. */
  private static <T extends TNumber> Operand<T> sparsePlus(Ops tf, Operand<T> x) {
    Operand<T> one = scalar(tf, 1, x);
    Operand<T> parabola =
        tf.math.mul(scalar(tf, 0.25, x), tf.math.square(tf.math.add(clip(tf, x, 1), one)));
    return tf.math.add(parabola, tf.nn.relu(tf.math.sub(x, one)));
  }

  /** (x + √(x² + 4)) / 2. */
  private static <T extends TNumber> Operand<T> squarePlus(Ops tf, Operand<T> x) {
    // Beyond this it is relu(x) in float32, and the square would overflow.
    Operand<T> c = clip(tf, x, 1e18);
    Operand<T> root = tf.math.sqrt(tf.math.add(tf.math.square(c), scalar(tf, 4, x)));
    Operand<T> y = tf.math.div(tf.math.add(c, root), scalar(tf, 2, x));
    return tf.math.add(y, tf.nn.relu(tf.math.sub(x, c)));
  }

  /** x less 0.5 towards 0, 0 within. */
  private static <T extends TNumber> Operand<T> softShrink(Ops tf, Operand<T> x) {
    Operand<T> half = scalar(tf, 0.5, x);
    return tf.math.sub(
        tf.nn.relu(tf.math.sub(x, half)), tf.nn.relu(tf.math.sub(tf.math.neg(x), half)));
  }

  /** x, but 0 within 0.5 of 0. */
  private static <T extends TNumber> Operand<T> hardShrink(Ops tf, Operand<T> x) {
    return tf.math.mul(x, where(tf, tf.math.greater(tf.math.abs(x), scalar(tf, 0.5, x)), x));
  }

  /**
   * Sparsemax along the last axis as Keras 3.15 computes it: where more than one element stays
   * above 0 its threshold sums partial sums, and the output does not sum to 1 as in the paper.
   *
   * @see <a href="https://arxiv.org/abs/1602.02068">From Softmax to Sparsemax</a>
   */
  private static <T extends TNumber> Operand<T> sparsemax(Ops tf, Operand<T> x) {
    int batchDimensions = x.shape().numDimensions() - 1;
    Operand<TInt32> last = tf.constant(batchDimensions);
    Operand<T> one = scalar(tf, 1, x);
    Operand<TInt32> size = tf.stridedSlice(tf.shape(x), Indices.at(-1));
    // TopKV2 has no C++ gradient, gathering by its indices has.
    Operand<TInt32> order = tf.nn.topK(tf.stopGradient(x), size, TInt32.class).indices();
    Operand<T> sorted = tf.gather(x, order, last, Gather.batchDims((long) batchDimensions));
    Operand<T> sums = tf.math.cumsum(sorted, last);
    Operand<T> ranks =
        tf.dtypes.cast(
            tf.range(tf.constant(1), tf.math.add(size, tf.constant(1)), tf.constant(1)), x.type());
    Operand<T> bounds = tf.math.div(tf.math.sub(sums, one), ranks);
    Operand<T> support =
        where(tf, tf.math.greater(tf.math.sub(sorted, bounds), scalar(tf, 0, x)), x);
    Operand<T> count = sum(tf, support, last);
    Operand<T> threshold =
        tf.math.div(tf.math.sub(sum(tf, tf.math.mul(sums, support), last), one), count);
    return tf.math.maximum(tf.math.sub(x, threshold), scalar(tf, 0, x));
  }

  /**
   * Like Keras's; TensorFlow's C++ gradient of LogSoftmax sums along axis 1, be it the last or not.
   */
  private static <T extends TNumber> Operand<T> logSoftmax(Ops tf, Operand<T> x) {
    Operand<TInt32> last = tf.constant(-1);
    Operand<T> z = tf.math.sub(x, greatest(tf, x, last));
    return tf.math.sub(z, tf.math.log(sum(tf, tf.math.exp(z), last)));
  }

  private static <T extends TNumber> Operand<T> sum(Ops tf, Operand<T> x, Operand<TInt32> axes) {
    return tf.reduceSum(x, axes, ReduceSum.keepDims(true));
  }

  private static <T extends TNumber> Operand<T> greatest(
      Ops tf, Operand<T> x, Operand<TInt32> axes) {
    return tf.stopGradient(tf.reduceMax(x, axes, ReduceMax.keepDims(true)));
  }

  /** The first half of the last dimension times the sigmoid of the second. */
  private static final class GatedLinearUnit implements Activation {
    @Override
    public <T extends TNumber> Operand<T> apply(Ops tf, Operand<T> x) {
      Shape shape = x.shape();
      long size = shape.numDimensions() < 1 ? 1 : shape.get(shape.numDimensions() - 1);
      if (size == Shape.UNKNOWN_SIZE || size % 2 != 0) {
        throw new KerasException(
            "Activation glu: its input has shape "
                + shape
                + ", expected a last dimension that is known and even, for its two halves");
      }
      Operand<T> values = tf.stridedSlice(x, Indices.ellipsis(), Indices.sliceTo((int) size / 2));
      Operand<T> gates = tf.stridedSlice(x, Indices.ellipsis(), Indices.sliceFrom((int) size / 2));
      return tf.math.mul(values, tf.math.sigmoid(gates));
    }

    @Override
    public boolean keepsShape() {
      return false;
    }
  }

  private static void layer(ConfigReader config, String... keys) {
    config.rejectUnknownKeys(List.of(keys));
  }

  private static Activation identity(ConfigReader config) {
    layer(config);
    return LINEAR;
  }

  private static Activation activation(ConfigReader config) {
    layer(config, "activation");
    if (!config.has("activation")) {
      throw config.invalid("activation", "nothing", "a name", "a serialized Keras object");
    }
    return Activation.of(config.owner(), "activation", config.json("activation"));
  }

  /** Keras 3 calls the slope negative_slope, Keras 2 alpha; both default to 0.3. */
  private static Activation leakyRelu(ConfigReader config) {
    layer(config, "negative_slope", "alpha");
    return leakyRelu(config.number(config.has("alpha") ? "alpha" : "negative_slope", 0.3, 0));
  }

  private static Activation elu(ConfigReader config) {
    layer(config, "alpha");
    double alpha = config.number("alpha", 1);
    return alpha == 1 ? Activations::elu : new ScaledElu(alpha);
  }

  private record ScaledElu(double alpha) implements Activation {
    @Override
    public <T extends TNumber> Operand<T> apply(Ops tf, Operand<T> x) {
      Operand<T> negative = tf.nn.elu(tf.math.minimum(x, scalar(tf, 0, x)));
      return tf.math.add(tf.nn.relu(x), tf.math.mul(scalar(tf, alpha, x), negative));
    }
  }

  private static Activation softmax(ConfigReader config) {
    layer(config, "axis");
    return new SoftmaxAlong(Axes.of(config, "axis", -1));
  }

  private record SoftmaxAlong(Axes axis) implements Activation {
    @Override
    public <T extends TNumber> Operand<T> apply(Ops tf, Operand<T> x) {
      int rank = x.shape().numDimensions();
      int[] axes = axis.of(rank);
      if (axes.length == 1 && axes[0] == rank - 1) {
        return tf.nn.softmax(x);
      }
      Operand<TInt32> along = tf.constant(axes);
      Operand<T> powers = tf.math.exp(tf.math.sub(x, greatest(tf, x, along)));
      return tf.math.div(powers, sum(tf, powers, along));
    }
  }

  private static Activation relu(ConfigReader config) {
    layer(config, "max_value", "negative_slope", "threshold");
    double slope = config.number("negative_slope", 0, 0);
    double threshold = config.number("threshold", 0, 0);
    boolean bounded = !config.json("max_value").isNull();
    double most = bounded ? config.number("max_value", 0, 0) : Double.POSITIVE_INFINITY;
    return !bounded && threshold == 0 && slope != 0
        ? leakyRelu(slope)
        : new BoundedRelu(most, slope, threshold);
  }

  /** x above the threshold, at most {@code most}; slope · (x − threshold) below it. */
  private record BoundedRelu(double most, double slope, double threshold) implements Activation {
    @Override
    public <T extends TNumber> Operand<T> apply(Ops tf, Operand<T> x) {
      Operand<T> y = tf.nn.relu(x);
      if (threshold != 0) {
        y = tf.math.mul(y, where(tf, tf.math.greater(x, scalar(tf, threshold, x)), x));
      } else if (most == 6) {
        y = tf.nn.relu6(x);
      }
      if (most != Double.POSITIVE_INFINITY) {
        y = tf.math.minimum(y, scalar(tf, most, x));
      }
      if (slope != 0) {
        Operand<T> below = tf.nn.relu(tf.math.sub(scalar(tf, threshold, x), x));
        y = tf.math.sub(y, tf.math.mul(scalar(tf, slope, x), below));
      }
      return y;
    }
  }

  /** Keras 2's. */
  private static Activation thresholdedRelu(ConfigReader config) {
    layer(config, "theta");
    return new ThresholdedRelu(config.number("theta", 1, 0));
  }

  /** x above theta, else 0. */
  private record ThresholdedRelu(double theta) implements Activation {
    @Override
    public <T extends TNumber> Operand<T> apply(Ops tf, Operand<T> x) {
      return tf.math.mul(tf.nn.relu(x), where(tf, tf.math.greater(x, scalar(tf, theta, x)), x));
    }
  }
}
