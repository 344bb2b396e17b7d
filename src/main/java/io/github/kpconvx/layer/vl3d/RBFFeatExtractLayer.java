package io.github.kpconvx.layer.vl3d;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.weights.WeightSpec;
import io.github.kpconvx.layer.LayerCall;
import io.github.kpconvx.layer.WeightRules;
import io.github.kpconvx.layer.function.Initializer;
import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/**
 * Radial basis functions of where points lie, the port of VL3D's {@code RBFFeatExtractLayer}:
 * {@code y_ik = exp(−‖X_i − Q_k‖²/omega_k²)} of the kernel "Gaussian", {@code exp(−‖X_i −
 * Q_k‖/omega_k²)} of "Markov".
 *
 * <p>The input is X (B, R, 3), float32, the output (B, R, K). Weights, trained by {@code
 * trainable_Q} and {@code trainable_omega}: {@code Q} (K, 3) and {@code omega} (K), of which only
 * the square counts; a {@code .keras} or {@code .weights.h5} of Keras 3 holds neither.
 */
public final class RBFFeatExtractLayer extends PointLayer {
  /** The Keras class name. */
  public static final String CLASS_NAME = "RBFFeatExtractLayer";

  private final KernelPointStructureInitializer structure;
  private final boolean gaussian;

  /**
   * Reads a serialized layer.
   *
   * @param object the serialized layer
   * @throws KerasException if a key is unknown or a value is not allowed
   */
  public RBFFeatExtractLayer(KerasObject object) {
    super(object, List.of(Input.coordinates("X", "R")));
    ConfigReader config = object.config();
    config.rejectUnknownKeys(
        List.of(
            "max_radii",
            "radii_resolution",
            "angular_resolutions",
            "kernel_function_type",
            "structure_initialization_type",
            "structure_dimensionality",
            "num_kernel_points",
            "trainable_Q",
            "built_Q",
            "trainable_omega",
            "built_omega"));
    this.structure =
        RadialBasis.structure(
            config,
            config.text(
                "structure_initialization_type",
                KernelPointStructureInitializer.CONCENTRIC_ELLIPSOIDS));
    this.gaussian = RadialBasis.isGaussian(config);
    RadialBasis.requireDerived(
        config, "num_kernel_points", structure.count(), "the points of its structure");
    config.bool("built_Q", false);
    config.bool("built_omega", false);
  }

  @Override
  protected void createWeights(Ops tf, List<Shape> inputs) {
    checkBuilt(inputs);
    ConfigReader config = serialize().config();
    addWeight(
        tf,
        new WeightSpec("Q", Shape.of(structure.count(), 3), config.bool("trainable_Q", true), true),
        WeightRules.startingAt(structure));
    addWeight(
        tf,
        new WeightSpec(
            "omega", Shape.of(structure.count()), config.bool("trainable_omega", true), true),
        WeightRules.startingAt(
            Initializer.uniform(0.01 * structure.largestRadius(), structure.largestRadius())));
  }

  @Override
  protected List<Operand<?>> compute(Ops tf, LayerCall call) {
    Operand<TFloat32> x = inputs(call).floats(0);
    Operand<TFloat32> checked =
        tf.withControlDependencies(InputGuard.finite(tf, "X", x)).identity(x);
    Operand<TFloat32> squares = Geometry.squares(tf, checked, weight("Q"));
    // The square root has no derivative at 0; the clamp makes it 0 there.
    Operand<TFloat32> distances =
        gaussian ? squares : tf.math.sqrt(tf.math.maximum(squares, tf.constant(Float.MIN_NORMAL)));
    return List.of(
        tf.math.exp(tf.math.neg(tf.math.div(distances, tf.math.square(weight("omega"))))));
  }
}
