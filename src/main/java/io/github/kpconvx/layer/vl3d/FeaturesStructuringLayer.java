package io.github.kpconvx.layer.vl3d;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.weights.WeightSpec;
import io.github.kpconvx.layer.LayerCall;
import io.github.kpconvx.layer.WeightRules;
import io.github.kpconvx.layer.function.Initializer;
import java.util.List;
import java.util.Locale;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.train.BatchMatMul;
import org.tensorflow.types.TFloat32;

/**
 * Features seen through a structure of kernel points, the port of VL3D's {@code
 * FeaturesStructuringLayer}:
 *
 * <pre>{@code
 * E_kj = exp( −‖X_j − QX_k‖² / omegaD_k² )
 * Q_F  = omegaF ⊙ (E·F) / R
 * Y    = Eᵀ · Q_F · QW
 * }</pre>
 *
 * <p>Inputs are X (B, R, 3) and F (B, R, D), both float32. The output is [F | Y], (B, R, D +
 * dim_out), of the strategy "FULL" and Y, (B, R, dim_out), of "OPAQUE". Weights, each trained by a
 * flag of the configuration: {@code QX} (K, 3), {@code omegaD} (K), {@code omegaF} (D), {@code QW}
 * (D, dim_out); a {@code .keras} or {@code .weights.h5} of Keras 3 holds none of them.
 */
public final class FeaturesStructuringLayer extends PointLayer {
  /** The Keras class name. */
  public static final String CLASS_NAME = "FeaturesStructuringLayer";

  private final KernelPointStructureInitializer structure;
  private final int outputs;
  private final boolean full;
  private long features;

  /**
   * Reads a serialized layer.
   *
   * @param object the serialized layer
   * @throws KerasException if a key is unknown or a value is not allowed
   */
  public FeaturesStructuringLayer(KerasObject object) {
    super(object, List.of(Input.coordinates("X", "R"), Input.features("F", "R")));
    ConfigReader config = object.config();
    config.rejectUnknownKeys(
        List.of(
            "max_radii",
            "radii_resolution",
            "angular_resolutions",
            "structure_dimensionality",
            "num_kernel_points",
            "dim_out",
            "concatenation_strategy",
            "num_features",
            "trainable_QX",
            "built_QX",
            "trainable_omegaD",
            "built_omegaD",
            "trainable_omegaF",
            "built_omegaF",
            "trainable_QW",
            "built_QW"));
    this.structure =
        RadialBasis.structure(config, KernelPointStructureInitializer.CONCENTRIC_ELLIPSOIDS);
    this.outputs = config.integer("dim_out", 4, 1);
    this.full =
        switch (config.text("concatenation_strategy", "FULL").toUpperCase(Locale.ROOT)) {
          case "FULL" -> true;
          case "OPAQUE" -> false;
          default ->
              throw config.invalid(
                  "concatenation_strategy",
                  config.json("concatenation_strategy"),
                  "\"FULL\"",
                  "\"OPAQUE\"");
        };
    RadialBasis.requireDerived(
        config, "num_kernel_points", structure.count(), "the points of its structure");
    for (String weight : List.of("QX", "omegaD", "omegaF", "QW")) {
      config.bool("built_" + weight, false);
    }
  }

  @Override
  protected void createWeights(Ops tf, List<Shape> inputs) {
    features = checkBuilt(inputs);
    ConfigReader config = serialize().config();
    RadialBasis.requireDerived(config, "num_features", features, "D");
    long points = structure.count();
    addWeight(
        tf,
        new WeightSpec("QX", Shape.of(points, 3), config.bool("trainable_QX", false), true),
        WeightRules.startingAt(structure));
    addWeight(
        tf,
        new WeightSpec("omegaD", Shape.of(points), config.bool("trainable_omegaD", true), true),
        WeightRules.startingAt(Initializer.constant(structure.largestRadius())));
    addWeight(
        tf,
        new WeightSpec("omegaF", Shape.of(features), config.bool("trainable_omegaF", true), true),
        WeightRules.startingAt(Initializer.constant(1)));
    addWeight(
        tf,
        new WeightSpec("QW", Shape.of(features, outputs), config.bool("trainable_QW", false), true),
        WeightRules.of(serialize(), "QW_", "glorot_uniform"));
  }

  @Override
  protected List<Operand<?>> compute(Ops tf, LayerCall call) {
    Inputs inputs = inputs(call);
    Operand<TFloat32> x = inputs.floats(0);
    List<Op> checks =
        List.of(
            InputGuard.finite(tf, "X", x),
            InputGuard.sameSizes(tf, "(B, R)", List.of("X", "F"), List.of(x, inputs.floats(1))));
    Operand<TFloat32> f = tf.withControlDependencies(checks).identity(inputs.floats(1));
    Operand<TFloat32> exponents =
        tf.math.div(Geometry.squares(tf, x, weight("QX")), tf.math.square(weight("omegaD")));
    Operand<TFloat32> e = tf.math.exp(tf.math.neg(exponents)); // (B, R, K), E transposed
    Operand<TFloat32> points = tf.dtypes.cast(InputGuard.size(tf, x), TFloat32.class);
    Operand<TFloat32> ofKernel =
        tf.math.div(tf.train.batchMatMul(e, f, TFloat32.class, BatchMatMul.adjX(true)), points);
    Operand<TFloat32> y =
        tf.train.batchMatMul(
            e, tf.math.mul(ofKernel, weight("omegaF")), TFloat32.class); // (B, R, D)
    Operand<TFloat32> rows = tf.linalg.matMul(PointRows.matrix(tf, y, features), weight("QW"));
    Operand<TFloat32> structured = PointRows.restore(tf, rows, PointRows.batchAndPoints(tf, x));
    return List.of(full ? tf.concat(List.of(f, structured), tf.constant(2)) : structured);
  }
}
