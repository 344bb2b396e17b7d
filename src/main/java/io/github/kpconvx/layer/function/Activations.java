package io.github.kpconvx.layer.function;

import io.github.kpconvx.dtype.DType;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.keras.config.DTypePolicy;
import java.util.List;
import java.util.Set;
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

/**
 * The functions of {@code keras.activations} and Keras's activation layers without weights.
 *
 * <p>Where Keras selects between branches, this multiplies by zeros and ones or clamps, so that at
 * each kink the gradient is that of the branch that Keras takes: TensorFlow has no C++ gradient of
 * SelectV2.
 */
public final class Activations {
  static final Activation LINEAR = new Elementary((tf, x) -> x);
  static final Activation KERAS_2_HARD_SIGMOID = HardSigmoid::hardSigmoid;

  static final ObjectRegistry<Activation> REGISTRY = new ObjectRegistry<>("activation");

  static {
    function("linear", LINEAR);
    function("relu", new Elementary((tf, x) -> tf.nn.relu(x)));
    function("relu6", new Elementary((tf, x) -> tf.nn.relu6(x)));
    function("leaky_relu", leakyRelu(0.2));
    function("elu", new Elementary((tf, x) -> tf.nn.elu(x)));
    function("celu", Activations::celu);
    function("selu", (tf, x) -> tf.nn.selu(x));
    function("gelu", GELU::gelu);
    function("silu", Activations::silu);
    function("swish", Activations::silu);
    function("mish", (tf, x) -> tf.math.mul(x, tf.math.tanh(tf.math.softplus(x))));
    function("glu", new GatedLinearUnit());
    function("sigmoid", (tf, x) -> tf.math.sigmoid(x));
    function("log_sigmoid", (tf, x) -> tf.math.neg(tf.math.softplus(tf.math.neg(x))));
    function("hard_sigmoid", Activations::hardSigmoid);
    function("hard_silu", (tf, x) -> tf.math.mul(x, hardSigmoid(tf, x)));
    function("hard_swish", (tf, x) -> tf.math.mul(x, hardSigmoid(tf, x)));
    function("sparse_sigmoid", Activations::sparseSigmoid);
    function("tanh", (tf, x) -> tf.math.tanh(x));
    function("tanh_shrink", (tf, x) -> tf.math.sub(x, tf.math.tanh(x)));
    function("hard_tanh", (tf, x) -> clip(tf, x, 1));
    function("softplus", (tf, x) -> tf.math.softplus(x));
    function("sparse_plus", Activations::sparsePlus);
    function("squareplus", Activations::squarePlus);
    function("softsign", (tf, x) -> tf.nn.softsign(x));
    function("soft_shrink", Activations::softShrink);
    function("hard_shrink", Activations::hardShrink);
    function("exponential", (tf, x) -> tf.math.exp(x));
    function("softmax", (tf, x) -> tf.nn.softmax(x));
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
    public Operand<TFloat32> apply(Ops tf, Operand<TFloat32> x) {
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
  private static Operand<TFloat32> where(Ops tf, Operand<TBool> condition) {
    return tf.dtypes.cast(condition, TFloat32.class);
  }

  private static Activation leakyRelu(double slope) {
    return new Elementary((tf, x) -> tf.nn.leakyRelu(x, LeakyRelu.alpha((float) slope)));
  }

  private static Operand<TFloat32> celu(Ops tf, Operand<TFloat32> x) {
    Operand<TFloat32> zero = tf.constant(0f);
    return tf.math.add(tf.math.maximum(x, zero), tf.math.expm1(tf.math.minimum(x, zero)));
  }

  private static Operand<TFloat32> silu(Ops tf, Operand<TFloat32> x) {
    return tf.math.mul(x, tf.math.sigmoid(x));
  }

  private static Operand<TFloat32> hardSigmoid(Ops tf, Operand<TFloat32> x) {
    return tf.math.div(tf.nn.relu6(tf.math.add(x, tf.constant(3f))), tf.constant(6f));
  }

  /** x cut to [−most, most]. */
  private static Operand<TFloat32> clip(Ops tf, Operand<TFloat32> x, float most) {
    return tf.math.maximum(tf.math.minimum(x, tf.constant(most)), tf.constant(-most));
  }

  /** 0 up to −1, (x + 1) / 2 up to 1, then 1; of no slope at −1 and 1. */
  private static Operand<TFloat32> sparseSigmoid(Ops tf, Operand<TFloat32> x) {
    Operand<TFloat32> one = tf.constant(1f);
    Operand<TFloat32> line = tf.math.mul(tf.constant(0.5f), tf.math.add(clip(tf, x, 1), one));
    Operand<TFloat32> inside = where(tf, tf.math.less(tf.math.abs(x), one));
    return tf.math.add(tf.math.mul(inside, line), where(tf, tf.math.greaterEqual(x, one)));
  }

  /** 0 up to −1, (x + 1)² / 4 up to 1, then x. */
  private static Operand<TFloat32> sparsePlus(Ops tf, Operand<TFloat32> x) {
    Operand<TFloat32> one = tf.constant(1f);
    Operand<TFloat32> parabola =
        tf.math.mul(tf.constant(0.25f), tf.math.square(tf.math.add(clip(tf, x, 1), one)));
    return tf.math.add(parabola, tf.nn.relu(tf.math.sub(x, one)));
  }

  /** (x + √(x² + 4)) / 2. */
  private static Operand<TFloat32> squarePlus(Ops tf, Operand<TFloat32> x) {
    // Beyond this it is relu(x) in float32, and the square would overflow.
    Operand<TFloat32> c = clip(tf, x, (float) 1e18);
    Operand<TFloat32> root = tf.math.sqrt(tf.math.add(tf.math.square(c), tf.constant(4f)));
    Operand<TFloat32> y = tf.math.div(tf.math.add(c, root), tf.constant(2f));
    return tf.math.add(y, tf.nn.relu(tf.math.sub(x, c)));
  }

  /** x less 0.5 towards 0, 0 within. */
  private static Operand<TFloat32> softShrink(Ops tf, Operand<TFloat32> x) {
    Operand<TFloat32> half = tf.constant(0.5f);
    return tf.math.sub(
        tf.nn.relu(tf.math.sub(x, half)), tf.nn.relu(tf.math.sub(tf.math.neg(x), half)));
  }

  /** x, but 0 within 0.5 of 0. */
  private static Operand<TFloat32> hardShrink(Ops tf, Operand<TFloat32> x) {
    return tf.math.mul(x, where(tf, tf.math.greater(tf.math.abs(x), tf.constant(0.5f))));
  }

  /**
   * Sparsemax along the last axis as Keras 3.15 computes it: where more than one element stays
   * above 0 its threshold sums partial sums, and the output does not sum to 1 as in the paper.
   *
   * @see <a href="https://arxiv.org/abs/1602.02068">From Softmax to Sparsemax</a>
   */
  private static Operand<TFloat32> sparsemax(Ops tf, Operand<TFloat32> x) {
    int batchDimensions = x.shape().numDimensions() - 1;
    Operand<TInt32> last = tf.constant(batchDimensions);
    Operand<TFloat32> one = tf.constant(1f);
    Operand<TInt32> size = tf.stridedSlice(tf.shape(x), Indices.at(-1));
    // TopKV2 has no C++ gradient, gathering by its indices has.
    Operand<TInt32> order = tf.nn.topK(tf.stopGradient(x), size, TInt32.class).indices();
    Operand<TFloat32> sorted = tf.gather(x, order, last, Gather.batchDims((long) batchDimensions));
    Operand<TFloat32> sums = tf.math.cumsum(sorted, last);
    Operand<TFloat32> ranks =
        tf.dtypes.cast(
            tf.range(tf.constant(1), tf.math.add(size, tf.constant(1)), tf.constant(1)),
            TFloat32.class);
    Operand<TFloat32> bounds = tf.math.div(tf.math.sub(sums, one), ranks);
    Operand<TFloat32> support =
        where(tf, tf.math.greater(tf.math.sub(sorted, bounds), tf.constant(0f)));
    Operand<TFloat32> count = sum(tf, support, last);
    Operand<TFloat32> threshold =
        tf.math.div(tf.math.sub(sum(tf, tf.math.mul(sums, support), last), one), count);
    return tf.math.maximum(tf.math.sub(x, threshold), tf.constant(0f));
  }

  /**
   * Like Keras's; TensorFlow's C++ gradient of LogSoftmax sums along axis 1, be it the last or not.
   */
  private static Operand<TFloat32> logSoftmax(Ops tf, Operand<TFloat32> x) {
    Operand<TInt32> last = tf.constant(-1);
    Operand<TFloat32> z = tf.math.sub(x, greatest(tf, x, last));
    return tf.math.sub(z, tf.math.log(sum(tf, tf.math.exp(z), last)));
  }

  private static Operand<TFloat32> sum(Ops tf, Operand<TFloat32> x, Operand<TInt32> axes) {
    return tf.reduceSum(x, axes, ReduceSum.keepDims(true));
  }

  private static Operand<TFloat32> greatest(Ops tf, Operand<TFloat32> x, Operand<TInt32> axes) {
    return tf.stopGradient(tf.reduceMax(x, axes, ReduceMax.keepDims(true)));
  }

  /** The first half of the last dimension times the sigmoid of the second. */
  private static final class GatedLinearUnit implements Activation {
    @Override
    public Operand<TFloat32> apply(Ops tf, Operand<TFloat32> x) {
      Shape shape = x.shape();
      long size = shape.numDimensions() < 1 ? 1 : shape.get(shape.numDimensions() - 1);
      if (size == Shape.UNKNOWN_SIZE || size % 2 != 0) {
        throw new KerasException(
            "Activation glu: its input has shape "
                + shape
                + ", expected a last dimension that is known and even, for its two halves");
      }
      Operand<TFloat32> values =
          tf.stridedSlice(x, Indices.ellipsis(), Indices.sliceTo((int) size / 2));
      Operand<TFloat32> gates =
          tf.stridedSlice(x, Indices.ellipsis(), Indices.sliceFrom((int) size / 2));
      return tf.math.mul(values, tf.math.sigmoid(gates));
    }

    @Override
    public boolean keepsShape() {
      return false;
    }
  }

  private static void layer(ConfigReader config, String... keys) {
    config.rejectUnknownKeys(List.of(keys));
    DTypePolicy.of(config, Set.of(DType.FLOAT32));
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
    float alpha = (float) config.number("alpha", 1);
    if (alpha == 1) {
      return (tf, x) -> tf.nn.elu(x);
    }
    return (tf, x) -> {
      Operand<TFloat32> negative = tf.nn.elu(tf.math.minimum(x, tf.constant(0f)));
      return tf.math.add(tf.nn.relu(x), tf.math.mul(tf.constant(alpha), negative));
    };
  }

  private static Activation softmax(ConfigReader config) {
    layer(config, "axis");
    Axes axis = Axes.of(config, "axis", -1);
    return (tf, x) -> {
      int rank = x.shape().numDimensions();
      int[] axes = axis.of(rank);
      if (axes.length == 1 && axes[0] == rank - 1) {
        return tf.nn.softmax(x);
      }
      Operand<TInt32> along = tf.constant(axes);
      Operand<TFloat32> powers = tf.math.exp(tf.math.sub(x, greatest(tf, x, along)));
      return tf.math.div(powers, sum(tf, powers, along));
    };
  }

  /** x above the threshold, at most max_value; negative_slope · (x − threshold) below it. */
  private static Activation relu(ConfigReader config) {
    layer(config, "max_value", "negative_slope", "threshold");
    float slope = (float) config.number("negative_slope", 0, 0);
    float threshold = (float) config.number("threshold", 0, 0);
    boolean bounded = !config.json("max_value").isNull();
    float most = bounded ? (float) config.number("max_value", 0, 0) : Float.POSITIVE_INFINITY;
    if (!bounded && threshold == 0 && slope != 0) {
      return leakyRelu(slope);
    }
    return (tf, x) -> {
      Operand<TFloat32> y = tf.nn.relu(x);
      if (threshold != 0) {
        y = tf.math.mul(y, where(tf, tf.math.greater(x, tf.constant(threshold))));
      } else if (most == 6) {
        y = tf.nn.relu6(x);
      }
      if (bounded) {
        y = tf.math.minimum(y, tf.constant(most));
      }
      if (slope != 0) {
        Operand<TFloat32> below = tf.nn.relu(tf.math.sub(tf.constant(threshold), x));
        y = tf.math.sub(y, tf.math.mul(tf.constant(slope), below));
      }
      return y;
    };
  }

  /** Keras 2's: x above theta, else 0. */
  private static Activation thresholdedRelu(ConfigReader config) {
    layer(config, "theta");
    float theta = (float) config.number("theta", 1, 0);
    return (tf, x) -> tf.math.mul(tf.nn.relu(x), where(tf, tf.math.greater(x, tf.constant(theta))));
  }
}
