package io.github.kpconvx.layer.vl3d;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.LayerCall;
import java.util.List;
import java.util.Locale;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.index.Indices;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Max;
import org.tensorflow.op.core.ReduceSum;
import org.tensorflow.types.TFloat32;

/**
 * Carries features from points a to other points b, the port of VL3D's {@code
 * FeaturesDownsamplingLayer} and {@code FeaturesUpsamplingLayer}, which compute the same.
 *
 * <p>Inputs are Xa (B, R_a, 3), Xb (B, R_b, 3), F (B, R_a, D), all float32, and N (B, R_b, n),
 * int32 or int64, whose indices are those of points a. The output is (B, R_b, D). With {@code g_p =
 * F[N[i,p]]}, {@code d_p = ‖Xa[N[i,p]] − Xb[i]‖} and m the largest of the n distances, the filter
 * says what comes out:
 *
 * <table>
 * <caption>Filters</caption>
 * <tr><td>mean</td><td>the mean of g_p</td></tr>
 * <tr><td>nearest</td><td>g_1, whatever the distances</td></tr>
 * <tr><td>exponential</td><td>Σ w_p g_p / Σ w_p with w_p = exp(+d_p²/m²)</td></tr>
 * <tr><td>gaussian</td><td>the same with the sign of {@link GaussianFilter}</td></tr>
 * </table>
 *
 * <p>If all distances are 0, the last two give NaN, as VL3D does. No weights.
 */
public final class FeaturesResamplingLayer extends PointLayer {
  /** The Keras class name of the one that leads to fewer points. */
  public static final String DOWNSAMPLING_CLASS_NAME = "FeaturesDownsamplingLayer";

  /** The Keras class name of the one that leads to more points. */
  public static final String UPSAMPLING_CLASS_NAME = "FeaturesUpsamplingLayer";

  private static final Logger LOG = LoggerFactory.getLogger(FeaturesResamplingLayer.class);

  private static final String GAUSSIAN = "gaussian";

  private enum Filter {
    MEAN,
    NEAREST,
    GROWING,
    FALLING
  }

  private final Filter filter;
  private long channels;

  /**
   * Reads a serialized layer.
   *
   * @param object the serialized layer
   * @param gaussian what the filter "gaussian" means
   * @throws KerasException if a key is unknown, a value is not allowed, or the filter is "gaussian"
   *     and nobody says what it means
   */
  public FeaturesResamplingLayer(KerasObject object, GaussianFilter gaussian) {
    super(
        object,
        List.of(
            Input.coordinates("Xa", "R_a"),
            Input.coordinates("Xb", "R_b"),
            Input.features("F", "R_a"),
            Input.indices("N", "R_b", "n")));
    ConfigReader config = object.config();
    config.rejectUnknownKeys(List.of("filter"));
    String word = config.text("filter", "mean");
    this.filter =
        switch (word.toLowerCase(Locale.ROOT)) {
          case "mean" -> Filter.MEAN;
          case "nearest" -> Filter.NEAREST;
          case "exponential" -> Filter.GROWING;
          case GAUSSIAN ->
              switch (gaussian) {
                case GROWING -> Filter.GROWING;
                case FALLING -> Filter.FALLING;
                case UNKNOWN ->
                    throw new KerasException(
                        object.describe()
                            + ": filter = \"gaussian\" meant weights exp(+d²/m²), growing with the"
                            + " distance, in VL3D's public version of 2024, and exp(−d²/m²), falling"
                            + " with it, in that of 2025, and the file does not tell; say which one"
                            + " trained the model (--gaussian-filter growing or falling,"
                            + " Loader.withGaussianFilter), or load the model's SavedModel, whose graph"
                            + " tells");
              };
          default ->
              throw config.invalid(
                  "filter",
                  config.json("filter"),
                  "\"mean\"",
                  "\"nearest\"",
                  "\"gaussian\"",
                  "\"exponential\"");
        };
  }

  /**
   * Whether a layer's filter is the one whose name may mean two things.
   *
   * @param object a serialized layer
   * @return true if so
   */
  public static boolean isGaussian(KerasObject object) {
    return object.configJson().path("filter").asText().toLowerCase(Locale.ROOT).equals(GAUSSIAN);
  }

  @Override
  protected void createWeights(Ops tf, List<Shape> inputs) {
    channels = checkBuilt(inputs);
    Shape indices = inputs.get(3);
    if (!isOutlined()
        && (filter == Filter.GROWING || filter == Filter.FALLING)
        && !indices.isUnknown()
        && indices.get(2) == 1) {
      LOG.warn(
          "{}: with one neighbour the filter {} gives NaN for each point that is its own neighbour,"
              + " as in VL3D",
          describe(),
          serialize().config().text("filter", ""));
    }
  }

  @Override
  protected List<Operand<?>> compute(Ops tf, LayerCall call) {
    Inputs inputs = inputs(call);
    Operand<TFloat32> xa = inputs.floats(0);
    Neighbourhood neighbourhood =
        Neighbourhood.of(tf, xa, inputs.floats(1), inputs.indices(3), call.context().shared());
    Operand<TFloat32> features =
        Neighbourhood.features(tf, inputs.floats(2), xa, List.of("F", "Xa"), channels);
    return List.of(
        PointRows.restore(
            tf, filtered(tf, neighbourhood, features), neighbourhood.batchAndCentres()));
  }

  private Operand<TFloat32> filtered(
      Ops tf, Neighbourhood neighbourhood, Operand<TFloat32> features) {
    if (filter == Filter.NEAREST) {
      return tf.gather(
          features,
          tf.stridedSlice(neighbourhood.rows(), Indices.all(), Indices.at(0)),
          tf.constant(0));
    }
    Operand<TFloat32> gathered = neighbourhood.gather(tf, features);
    if (filter == Filter.MEAN) {
      return tf.math.mean(gathered, tf.constant(1));
    }
    Operand<TFloat32> squares =
        tf.reduceSum(tf.math.square(neighbourhood.offsets(tf)), tf.constant(2));
    Operand<TFloat32> relative =
        tf.math.div(squares, tf.max(squares, tf.constant(1), Max.keepDims(true)));
    Operand<TFloat32> weights =
        tf.math.exp(filter == Filter.FALLING ? tf.math.neg(relative) : relative);
    Operand<TFloat32> shares =
        tf.math.div(weights, tf.reduceSum(weights, tf.constant(1), ReduceSum.keepDims(true)));
    return tf.reduceSum(
        tf.math.mul(gathered, tf.expandDims(shares, tf.constant(2))), tf.constant(1));
  }
}
