package io.github.kpconvx.layer.vl3d;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.weights.WeightSpec;
import io.github.kpconvx.layer.LayerCall;
import io.github.kpconvx.layer.WeightRules;
import io.github.kpconvx.layer.function.Activation;
import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.linalg.MatMul;
import org.tensorflow.types.TFloat32;

/**
 * A PointNet over each point's neighbours, the port of VL3D's {@code GroupingPointNetLayer}. With
 * {@code P_i = [X_i | F_i]}, coordinates as they are,
 *
 * <pre>{@code
 * z_i = max over j of H_activation( P[N[i,j]] · H_kernelᵀ )
 * y_i = gamma_activation( z_i · gamma_kernel + gamma_bias )
 * }</pre>
 *
 * <p>Inputs are X (B, R, 3), F (B, R, D), both float32, and N (B, R, κ), int32 or int64; the output
 * is (B, R, dim_out). Weights, all trained: {@code H_kernel} (dim_out, 3 + D), {@code gamma_kernel}
 * (dim_out, dim_out) and, with {@code gamma_bias_enabled}, {@code gamma_bias} (dim_out).
 *
 * @see <a href="https://doi.org/10.48550/arXiv.1706.02413">PointNet++: Deep Hierarchical Feature
 *     Learning on Point Sets in a Metric Space</a>
 */
public final class GroupingPointNetLayer extends PointLayer {
  /** The Keras class name. */
  public static final String CLASS_NAME = "GroupingPointNetLayer";

  private static final String STRUCTURE = "structure_dimensionality";
  private static final String FEATURES = "feature_dimensionality";

  private final int outputs;
  private final Activation hActivation;
  private final Activation gammaActivation;
  private final boolean biased;
  private final WeightRules h;
  private final WeightRules gamma;
  private final WeightRules bias;
  private long features;

  /**
   * Reads a serialized layer.
   *
   * @param object the serialized layer
   * @throws KerasException if a key is unknown or a value is not allowed
   */
  public GroupingPointNetLayer(KerasObject object) {
    super(
        object,
        List.of(
            Input.coordinates("X", "R"), Input.features("F", "R"), Input.indices("N", "R", "κ")));
    ConfigReader config = object.config();
    config.rejectUnknownKeys(
        List.of(
            "dim_out",
            "H_activation",
            "H_initializer",
            "H_regularizer",
            "H_constraint",
            "gamma_activation",
            "gamma_kernel_initializer",
            "gamma_kernel_regularizer",
            "gamma_kernel_constraint",
            "gamma_bias_enabled",
            "gamma_bias_initializer",
            "gamma_bias_regularizer",
            "gamma_bias_constraint",
            STRUCTURE,
            FEATURES,
            "built_H",
            "built_gamma"));
    if (!config.has("dim_out")) {
      throw config.invalid("dim_out", "nothing", "an integer of at least 1");
    }
    this.outputs = config.integer("dim_out", 0, 1);
    this.hActivation = activation(config, "H_activation");
    this.gammaActivation = activation(config, "gamma_activation");
    this.biased = config.bool("gamma_bias_enabled", true);
    this.h = WeightRules.of(object, "H_", "glorot_uniform");
    this.gamma = WeightRules.of(object, "gamma_kernel_", "glorot_uniform");
    this.bias = WeightRules.of(object, "gamma_bias_", "glorot_uniform");
    if (!config.json(STRUCTURE).isNull() && config.integer(STRUCTURE, 3, 1) != 3) {
      throw config.invalid(STRUCTURE, config.json(STRUCTURE), "3");
    }
    config.bool("built_H", false);
    config.bool("built_gamma", false);
  }

  private static Activation activation(ConfigReader config, String key) {
    JsonNode value = config.json(key);
    Activation activation = Activation.of(config.owner(), key, value);
    if (!activation.keepsShape()) {
      throw config.invalid(key, value, "one that keeps the number of channels");
    }
    return activation;
  }

  @Override
  protected void createWeights(Ops tf, List<Shape> inputs) {
    features = checkBuilt(inputs);
    ConfigReader config = serialize().config();
    if (!config.json(FEATURES).isNull() && config.integer(FEATURES, 0, 0) != features) {
      throw config.invalid(
          FEATURES, config.json(FEATURES), "D = " + features + ", the features of its input");
    }
    addWeight(tf, WeightSpec.of("H_kernel", true, outputs, 3 + features), h);
    addWeight(tf, WeightSpec.of("gamma_kernel", true, outputs, outputs), gamma);
    if (biased) {
      addWeight(tf, WeightSpec.of("gamma_bias", true, outputs), bias);
    }
  }

  @Override
  protected List<Operand<?>> compute(Ops tf, LayerCall call) {
    Inputs inputs = inputs(call);
    Operand<TFloat32> x = inputs.floats(0);
    Operand<TFloat32> f = inputs.floats(1);
    Neighbourhood neighbourhood =
        Neighbourhood.of(tf, x, inputs.indices(2), call.context().shared());
    Operand<TFloat32> points =
        tf.concat(
            List.of(
                neighbourhood.points(),
                Neighbourhood.features(tf, f, x, List.of("F", "X"), features)),
            tf.constant(1));
    // Before the gather: what a point gives is the same for each whose neighbour it is.
    Operand<TFloat32> ofPoints =
        hActivation.apply(
            tf, tf.linalg.matMul(points, weight("H_kernel"), MatMul.transposeB(true)));
    Operand<TFloat32> z = tf.max(neighbourhood.gather(tf, ofPoints), tf.constant(1));
    Operand<TFloat32> y = tf.linalg.matMul(z, weight("gamma_kernel"));
    if (biased) {
      y = tf.nn.biasAdd(y, weight("gamma_bias"));
    }
    return List.of(
        PointRows.restore(tf, gammaActivation.apply(tf, y), neighbourhood.batchAndCentres()));
  }
}
