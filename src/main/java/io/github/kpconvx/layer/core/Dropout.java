package io.github.kpconvx.layer.core;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.LayerCall;
import io.github.kpconvx.layer.Operands;
import io.github.kpconvx.layer.RandomDrop;
import io.github.kpconvx.layer.RandomSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.index.Indices;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TNumber;

/**
 * Keras's {@code Dropout} and its kin: in training each value is 0 with the probability {@code
 * rate}, else divided by 1 − rate; where {@code noise_shape} is 1, values share their fate. In
 * inference the output is the input. The draws come from the {@link RandomSource} of the call, not
 * from {@code seed}: Python's could not be repeated.
 *
 * <p>{@code SpatialDropout1D}, {@code 2D} and {@code 3D} drop channels as a whole. {@code
 * AlphaDropout} sets values to the least one of a selu, −1.758, and then restores mean 0 and
 * variance 1.
 *
 * @see <a href="https://keras.io/api/layers/regularization_layers/dropout/">Dropout in Keras</a>
 */
public final class Dropout extends Layer {
  private static final String ALPHA = "AlphaDropout";
  private static final List<String> SPATIAL =
      List.of("SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D");

  /** The Keras class names. */
  public static final List<String> CLASS_NAMES =
      List.of("Dropout", ALPHA, SPATIAL.get(0), SPATIAL.get(1), SPATIAL.get(2));

  /** −scale · alpha of Keras's selu. */
  private static final double LEAST_SELU = -1.0507009873554805 * 1.6732632423543772;

  private final double rate;
  private final long[] noiseShape;
  private final boolean alpha;

  /**
   * Reads a serialized layer.
   *
   * @param object the serialized layer
   * @throws KerasException if a key is unknown or the rate is not in [0, 1]
   */
  public Dropout(KerasObject object) {
    super(object);
    ConfigReader config = object.config();
    this.alpha = object.className().equals(ALPHA);
    // How many dimensions lie between the batch and the channels.
    int spatial = SPATIAL.indexOf(object.className()) + 1;
    config.rejectUnknownKeys(
        spatial > 1
            ? List.of("rate", "seed", "noise_shape", "data_format")
            : List.of("rate", "seed", "noise_shape"));
    this.rate = rate(config);
    requireSeed(config);
    if (spatial > 0) {
      this.noiseShape = new long[spatial + 2];
      Arrays.fill(noiseShape, 1);
      noiseShape[0] = Shape.UNKNOWN_SIZE;
      boolean first =
          config.choice(
              "data_format", false, Map.of("channels_last", false, "channels_first", true));
      noiseShape[first ? 1 : spatial + 1] = Shape.UNKNOWN_SIZE;
    } else {
      this.noiseShape =
          config.json("noise_shape").isNull() ? new long[0] : config.sizes("noise_shape", 1);
    }
  }

  /** The probability of dropping that a configuration gives. */
  static double rate(ConfigReader config) {
    double rate = config.number("rate", 0);
    if (rate < 0 || rate > 1) {
      throw config.invalid("rate", rate, "a probability in [0, 1]");
    }
    return rate;
  }

  /** Which numbers are drawn is up to the one who trains, as with every layer. */
  static void requireSeed(ConfigReader config) {
    if (!KerasObject.isKerasObject(config.json("seed"))) {
      config.wholeNumber("seed", "a serialized SeedGenerator");
    }
  }

  @Override
  protected void createWeights(Ops tf, List<Shape> inputs) {}

  @Override
  protected List<Operand<?>> compute(Ops tf, LayerCall call) {
    if (!call.training() || rate == 0) {
      return List.copyOf(call.inputs());
    }
    Operand<TFloat32> x = onlyInput(call);
    Operand<TInt32> noise = noise(tf, x);
    RandomSource random = call.context().random();
    return List.of(
        alpha ? alphaDropped(tf, x, noise, random) : RandomDrop.apply(tf, x, noise, rate, random));
  }

  private <T extends TNumber> Operand<T> alphaDropped(
      Ops tf, Operand<T> x, Operand<TInt32> noise, RandomSource random) {
    if (rate == 1) {
      throw serialize().config().invalid("rate", 1, "a rate below 1 in training");
    }
    Operand<T> one = Operands.scalar(tf, 1, x);
    Operand<T> kept = tf.dtypes.cast(RandomDrop.kept(tf, noise, rate, random), x.type());
    Operand<T> dropped = tf.math.mul(tf.math.sub(one, kept), Operands.scalar(tf, LEAST_SELU, x));
    double factor = 1 / Math.sqrt((1 - rate) * (1 + rate * LEAST_SELU * LEAST_SELU));
    return tf.math.add(
        tf.math.mul(tf.math.add(tf.math.mul(x, kept), dropped), Operands.scalar(tf, factor, x)),
        Operands.scalar(tf, -factor * LEAST_SELU * rate, x));
  }

  /** The shape of the draws: the input's, but for the dimensions that are given. */
  private Operand<TInt32> noise(Ops tf, Operand<? extends TNumber> x) {
    Operand<TInt32> shape = tf.shape(x);
    if (noiseShape.length == 0) {
      return shape;
    }
    if (noiseShape.length != x.shape().numDimensions()) {
      throw serialize()
          .config()
          .invalid(
              "noise_shape",
              Arrays.toString(noiseShape),
              "as many dimensions as the input " + x.shape());
    }
    List<Operand<TInt32>> dimensions = new ArrayList<>();
    for (int d = 0; d < noiseShape.length; d++) {
      dimensions.add(
          noiseShape[d] == Shape.UNKNOWN_SIZE
              ? tf.stridedSlice(shape, Indices.at(d))
              : tf.constant(Math.toIntExact(noiseShape[d])));
    }
    return tf.stack(dimensions);
  }

  @Override
  protected Map<Integer, Operand<TBool>> computeMasks(
      Ops tf, LayerCall call, List<Operand<?>> outputs) {
    return call.masks();
  }
}
