package io.github.kpconvx.layer.function;

import io.github.kpconvx.dtype.DType;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.keras.config.DTypePolicy;
import io.github.kpconvx.keras.weights.ClassNames;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.linalg.Qr;
import org.tensorflow.types.TFloat32;

/**
 * The classes of {@code keras.initializers}.
 *
 * <p>Those of tensorflow-framework are of little use here: its VarianceScaling counts one dimension
 * twice in the fans of a weight of rank 3 and more and draws uniform numbers from [0, limit)
 * instead of [-limit, limit); its Orthogonal leaves such a weight a matrix; and none of its random
 * ones takes the counter that Keras's seed generators add to a seed.
 */
final class Initializers {
  /** The standard deviation of a standard normal distribution cut at two standard deviations. */
  private static final double TRUNCATED_DEVIATION = 0.8796256610342398;

  static final ObjectRegistry<Initializer> REGISTRY = new ObjectRegistry<>("initializer");

  static {
    add("Zeros", config -> filled(config, 0), "zero");
    add("Ones", config -> filled(config, 1), "one");
    add("Constant", Initializers::constant);
    add("Identity", Initializers::identity, "IdentityInitializer");
    add("RandomNormal", Initializers::normal, "normal");
    add("TruncatedNormal", Initializers::truncatedNormal);
    add("RandomUniform", Initializers::uniform, "uniform");
    add("VarianceScaling", Initializers::varianceScaling);
    add("GlorotNormal", config -> scaling(config, 1, "fan_avg", "truncated_normal"));
    add("GlorotUniform", config -> scaling(config, 1, "fan_avg", "uniform"));
    add("HeNormal", config -> scaling(config, 2, "fan_in", "truncated_normal"));
    add("HeUniform", config -> scaling(config, 2, "fan_in", "uniform"));
    add("LecunNormal", config -> scaling(config, 1, "fan_in", "truncated_normal"));
    add("LecunUniform", config -> scaling(config, 1, "fan_in", "uniform"));
    add("Orthogonal", Initializers::orthogonal, "OrthogonalInitializer", "orthogonal_initializer");
    for (String name : List.of("STFT", "stft", "STFTInitializer")) {
      REGISTRY.refuse(name, "makes the kernels of spectrograms, which no layer here computes");
    }
  }

  private static void add(
      String className, Function<ConfigReader, Initializer> factory, String... aliases) {
    // Keras 2 reads each name with this ending too.
    Stream<String> keras2 =
        Stream.of(className, ClassNames.toSnakeCase(className)).map(name -> name + "V2");
    REGISTRY.addClass(
        className, factory, Stream.concat(Stream.of(aliases), keras2).toArray(String[]::new));
  }

  private Initializers() {}

  /** Keras 2 writes a data type too, which is the layer's or of no account. */
  private static void allowOnly(ConfigReader config, String... keys) {
    List<String> known = new ArrayList<>(List.of(keys));
    known.add("dtype");
    config.allowOnly(known);
    DTypePolicy.of(config, DType.FLOATS);
  }

  private static Initializer filled(ConfigReader config, double value) {
    allowOnly(config);
    return fill(value);
  }

  private static Initializer constant(ConfigReader config) {
    allowOnly(config, "value");
    if (!config.has("value") || !config.isList("value")) {
      return fill(config.number("value", 0));
    }
    List<Double> numbers = config.numbers("value", List.of());
    float[] values = new float[numbers.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = numbers.get(i).floatValue();
    }
    return (tf, shape, seed) -> {
      int last = shape.numDimensions() - 1;
      if (last < 0 || (values.length != 1 && shape.get(last) != values.length)) {
        throw config.invalid(
            "value",
            config.json("value"),
            "a number",
            "as many as the weight of " + shape + " has");
      }
      return tf.broadcastTo(tf.constant(values), tf.constant(shape));
    };
  }

  static Initializer fill(double value) {
    return (tf, shape, seed) -> tf.fill(tf.constant(shape), tf.constant((float) value));
  }

  private static Initializer identity(ConfigReader config) {
    allowOnly(config, "gain");
    float gain = (float) config.number("gain", 1);
    return (tf, shape, seed) -> {
      if (shape.numDimensions() != 2) {
        throw config.invalid("shape of the weight", shape, "a matrix");
      }
      int rows = (int) shape.get(0);
      int columns = (int) shape.get(1);
      return Matrices.diagonal(tf, rows, columns, gain);
    };
  }

  private static Initializer normal(ConfigReader config) {
    allowOnly(config, "mean", "stddev", "seed");
    double mean = config.number("mean", 0);
    double deviation = config.number("stddev", 0.05, 0);
    RandomNumbers random = RandomNumbers.of(config);
    return (tf, shape, seed) -> random.normal(tf, shape, seed, mean, deviation);
  }

  private static Initializer truncatedNormal(ConfigReader config) {
    allowOnly(config, "mean", "stddev", "seed");
    double mean = config.number("mean", 0);
    double deviation = config.number("stddev", 0.05, 0);
    RandomNumbers random = RandomNumbers.of(config);
    return (tf, shape, seed) -> random.truncatedNormal(tf, shape, seed, mean, deviation);
  }

  private static Initializer uniform(ConfigReader config) {
    allowOnly(config, "minval", "maxval", "seed");
    double least = config.number("minval", -0.05);
    double most = config.number("maxval", 0.05, least);
    RandomNumbers random = RandomNumbers.of(config);
    return (tf, shape, seed) -> random.uniform(tf, shape, seed, least, most);
  }

  static Initializer uniform(double least, double most) {
    return (tf, shape, seed) -> RandomNumbers.UNSEEDED.uniform(tf, shape, seed, least, most);
  }

  private static Initializer varianceScaling(ConfigReader config) {
    allowOnly(config, "scale", "mode", "distribution", "seed", "input_axes", "output_axes");
    double scale = config.number("scale", 1);
    if (scale <= 0) {
      throw config.invalid("scale", config.json("scale"), "a number greater than 0");
    }
    String mode = config.text("mode", "fan_in");
    if (!List.of("fan_in", "fan_out", "fan_avg").contains(mode)) {
      throw config.invalid("mode", config.json("mode"), "\"fan_in\"", "\"fan_out\"", "\"fan_avg\"");
    }
    String name = config.text("distribution", "truncated_normal").toLowerCase(Locale.ROOT);
    String distribution = name.equals("normal") ? "truncated_normal" : name;
    if (!List.of("uniform", "truncated_normal", "untruncated_normal").contains(distribution)) {
      throw config.invalid(
          "distribution",
          config.json("distribution"),
          "\"uniform\"",
          "\"truncated_normal\" (also called \"normal\")",
          "\"untruncated_normal\"");
    }
    return scaled(config, scale, mode, distribution);
  }

  private static Initializer scaling(
      ConfigReader config, double scale, String mode, String distribution) {
    allowOnly(config, "seed", "input_axes", "output_axes");
    return scaled(config, scale, mode, distribution);
  }

  private static Initializer scaled(
      ConfigReader config, double scale, String mode, String distribution) {
    boolean axesGiven = !config.json("input_axes").isNull() && !config.json("output_axes").isNull();
    Axes inputs = Axes.of(config, "input_axes", 0);
    Axes outputs = Axes.of(config, "output_axes", 0);
    RandomNumbers random = RandomNumbers.of(config);
    return (tf, shape, seed) -> {
      int rank = shape.numDimensions();
      double fanIn = axesGiven ? size(shape, inputs.of(rank)) : fan(shape, rank - 2);
      double fanOut = axesGiven ? size(shape, outputs.of(rank)) : fan(shape, rank - 1);
      double fan =
          switch (mode) {
            case "fan_in" -> fanIn;
            case "fan_out" -> fanOut;
            default -> (fanIn + fanOut) / 2;
          };
      double variance = scale / Math.max(1, fan);
      return switch (distribution) {
        case "uniform" -> {
          double limit = Math.sqrt(3 * variance);
          yield random.uniform(tf, shape, seed, -limit, limit);
        }
        case "untruncated_normal" -> random.normal(tf, shape, seed, 0, Math.sqrt(variance));
        default ->
            random.truncatedNormal(tf, shape, seed, 0, Math.sqrt(variance) / TRUNCATED_DEVIATION);
      };
    };
  }

  /** The length of an axis times those of all axes before the last two, as of a convolution. */
  private static double fan(Shape shape, int axis) {
    int rank = shape.numDimensions();
    return rank == 0
        ? 1
        : shape.get(Math.max(axis, 0)) * size(shape, IntStream.range(0, rank - 2).toArray());
  }

  private static double size(Shape shape, int[] axes) {
    return IntStream.of(axes).mapToDouble(shape::get).reduce(1, (a, b) -> a * b);
  }

  private static Initializer orthogonal(ConfigReader config) {
    allowOnly(config, "gain", "seed");
    float gain = (float) config.number("gain", 1);
    RandomNumbers random = RandomNumbers.of(config);
    return (tf, shape, seed) -> {
      int rank = shape.numDimensions();
      if (rank < 2) {
        throw config.invalid("shape of the weight", shape, "at least two dimensions");
      }
      long columns = shape.get(rank - 1);
      long rows = (long) size(shape, IntStream.range(0, rank - 1).toArray());
      Shape tall = Shape.of(Math.max(rows, columns), Math.min(rows, columns));
      Qr<TFloat32> factors =
          tf.linalg.qr(random.normal(tf, tall, seed, 0, 1), Qr.fullMatrices(false));
      Operand<TFloat32> signs =
          tf.math.sign(tf.linalg.matrixDiagPart(factors.r(), tf.constant(0), tf.constant(0f)));
      // The signs make the distribution uniform over all orthogonal matrices.
      Operand<TFloat32> matrix = tf.math.mul(factors.q(), signs);
      if (rows < columns) {
        matrix = tf.linalg.transpose(matrix, tf.array(1, 0));
      }
      return tf.math.mul(tf.constant(gain), tf.reshape(matrix, tf.constant(shape)));
    };
  }
}
