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
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/**
 * Radial basis functions of each feature, the port of VL3D's {@code RBFFeatProcessingLayer}: output
 * column d·K + k is {@code exp(−((F_d − M_kd)/Omega_kd)²)}, (B, R, D) to (B, R, D·K).
 *
 * <p>Weights, trained by {@code trainable_M} and {@code trainable_Omega}: {@code M} and {@code
 * Omega}, both (K, D); a {@code .keras} or {@code .weights.h5} of Keras 3 holds neither.
 */
public final class RBFFeatProcessingLayer extends PointLayer {
  /** The Keras class name. */
  public static final String CLASS_NAME = "RBFFeatProcessingLayer";

  private final int kernels;
  private final List<Double> means;
  private final List<Double> deviations;

  /**
   * Reads a serialized layer.
   *
   * @param object the serialized layer
   * @throws KerasException if a key is unknown or a value is not allowed
   */
  public RBFFeatProcessingLayer(KerasObject object) {
    super(object, List.of(Input.features("F", "R")));
    ConfigReader config = object.config();
    config.rejectUnknownKeys(
        List.of(
            "num_kernels",
            "means",
            "stdevs",
            "a",
            "b",
            "kernel_function_type",
            "trainable_M",
            "built_M",
            "trainable_Omega",
            "built_Omega"));
    for (String key : List.of("num_kernels", "means", "stdevs")) {
      if (!config.has(key)) {
        throw config.invalid(key, "nothing", "a value, as there is no default");
      }
    }
    this.kernels = config.integer("num_kernels", 0, 1);
    this.means = config.numbers("means", List.of());
    this.deviations = config.numbers("stdevs", List.of());
    if (means.size() != deviations.size() || means.isEmpty()) {
      throw config.invalid(
          "stdevs", config.json("stdevs"), "as many numbers as means has, " + means.size());
    }
    config.number("a", 0.01);
    config.number("b", 1);
    if (!RadialBasis.isGaussian(config)) {
      throw config.invalid(
          "kernel_function_type",
          config.json("kernel_function_type"),
          "\"Gaussian\", the only kernel that VL3D's layer can be built with");
    }
    config.bool("built_M", false);
    config.bool("built_Omega", false);
  }

  @Override
  protected void createWeights(Ops tf, List<Shape> inputs) {
    long features = checkBuilt(inputs);
    ConfigReader config = serialize().config();
    if (features != means.size()) {
      throw config.invalid("means", config.json("means"), features + " numbers, one per feature");
    }
    Shape shape = Shape.of(kernels, features);
    addWeight(
        tf,
        new WeightSpec("M", shape, config.bool("trainable_M", true), true),
        WeightRules.startingAt((ops, ofWeight, seed) -> spread(ops)));
    addWeight(
        tf,
        new WeightSpec("Omega", shape, config.bool("trainable_Omega", true), true),
        WeightRules.startingAt((ops, ofWeight, seed) -> widths(ops, config, ofWeight, seed)));
  }

  /** Evenly from three deviations below the mean to three above. */
  private Operand<TFloat32> spread(Ops tf) {
    float[] values = new float[kernels * means.size()];
    for (int k = 0; k < kernels; k++) {
      double place = kernels == 1 ? -3 : -3 + 6.0 * k / (kernels - 1);
      for (int d = 0; d < means.size(); d++) {
        values[k * means.size() + d] = (float) (means.get(d) + place * deviations.get(d));
      }
    }
    return tf.constant(Shape.of(kernels, means.size()), DataBuffers.of(values));
  }

  /** a + stdevs·(b + U(−b, b)). */
  private Operand<TFloat32> widths(Ops tf, ConfigReader config, Shape shape, long seed) {
    double b = config.number("b", 1);
    float[] factors = new float[deviations.size()];
    for (int d = 0; d < factors.length; d++) {
      factors[d] = deviations.get(d).floatValue();
    }
    Operand<TFloat32> random = Initializer.uniform(0, 2 * b).call(tf, shape, seed);
    return tf.math.add(
        tf.constant((float) config.number("a", 0.01)), tf.math.mul(tf.constant(factors), random));
  }

  @Override
  protected List<Operand<?>> compute(Ops tf, LayerCall call) {
    Operand<TFloat32> f = inputs(call).floats(0);
    long features = means.size();
    Operand<TFloat32> rows =
        tf.reshape(PointRows.matrix(tf, f, features), tf.array(-1L, features, 1L));
    Operand<TFloat32> relative =
        tf.math.div(
            tf.math.sub(rows, tf.linalg.transpose(weight("M"), tf.array(1, 0))),
            tf.linalg.transpose(weight("Omega"), tf.array(1, 0))); // (P, D, K)
    Operand<TFloat32> y = tf.math.exp(tf.math.neg(tf.math.square(relative)));
    return List.of(
        PointRows.restore(
            tf, tf.reshape(y, tf.array(-1L, features * kernels)), PointRows.batchAndPoints(tf, f)));
  }
}
