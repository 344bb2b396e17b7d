package io.github.kpconvx.layer.function;

import io.github.kpconvx.keras.config.ConfigReader;
import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.framework.regularizers.L1L2;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.ReduceSum;
import org.tensorflow.op.linalg.MatMul;
import org.tensorflow.types.TFloat32;

/** The classes of {@code keras.regularizers}. */
final class Regularizers {
  static final ObjectRegistry<Regularizer> REGISTRY =
      new ObjectRegistry<Regularizer>("regularizer")
          .addClass("L1", config -> l1l2(config, List.of("l1"), 0.01))
          .addClass("L2", config -> l1l2(config, List.of("l2"), 0.01))
          .addClass("L1L2", config -> l1l2(config, List.of("l1", "l2"), 0))
          // Keras 2's function of this name has other defaults than the class.
          .add("l1_l2", config -> l1l2(config, List.of("l1", "l2"), 0.01))
          .addClass("OrthogonalRegularizer", Regularizers::orthogonal)
          .addOther("FeaturesOrthogonalRegularizer", Regularizers::featuresOrthogonal);

  /**
   * The square of the least norm that {@code keras.ops.normalize} divides by. Bounding the square
   * before the root, not the root's reciprocal after it, keeps the gradient of a zero vector
   * finite.
   */
  private static final float LEAST_SQUARE = 1e-14f;

  private Regularizers() {}

  private static Regularizer l1l2(ConfigReader config, List<String> keys, double defaultFactor) {
    config.allowOnly(keys);
    L1L2 sum =
        new L1L2(
            keys.contains("l1") ? factor(config, "l1", defaultFactor) : 0,
            keys.contains("l2") ? factor(config, "l2", defaultFactor) : 0);
    return sum::call;
  }

  /** A factor of at least 0; null stands for the default. */
  private static float factor(ConfigReader config, String key, double defaultFactor) {
    return (float)
        (config.json(key).isNull() ? defaultFactor : config.number(key, defaultFactor, 0));
  }

  /**
   * The mean absolute cosine between different rows, or columns, of a matrix, times a factor. The
   * framework has no such class.
   */
  private static Regularizer orthogonal(ConfigReader config) {
    config.allowOnly(List.of("factor", "mode"));
    float factor = (float) config.number("factor", 0.01, 0);
    String mode = config.text("mode", "rows");
    if (!List.of("rows", "columns").contains(mode)) {
      throw config.invalid("mode", config.json("mode"), "\"rows\"", "\"columns\"");
    }
    boolean rows = mode.equals("rows");
    return (tf, weight) -> {
      Shape shape = weight.shape();
      long vectors = shape.numDimensions() == 2 ? shape.get(rows ? 0 : 1) : 0;
      if (vectors < 2) {
        throw config.invalid(
            "shape of the weight", shape, "a matrix of at least two %s".formatted(mode));
      }
      Operand<TFloat32> unit = normalize(tf, weight, rows ? 1 : 0);
      Operand<TFloat32> products =
          rows
              ? tf.linalg.matMul(unit, unit, MatMul.transposeB(true))
              : tf.linalg.matMul(unit, unit, MatMul.transposeA(true));
      int n = (int) vectors;
      Operand<TFloat32> same = Matrices.identity(tf, n);
      Operand<TFloat32> others = tf.math.mul(products, tf.math.sub(tf.constant(1f), same));
      Operand<TFloat32> sum = tf.reduceSum(tf.math.abs(others), tf.array(0, 1));
      // Each pair of vectors stands in the matrix twice.
      float pairs = vectors * (vectors - 1f);
      return tf.math.div(tf.math.mul(tf.constant(factor), sum), tf.constant(pairs));
    };
  }

  /**
   * VL3D's penalty on how far the matrices that a T-net makes, rows (B, n²), are from orthogonal:
   * {@code l2reg · Σ (T − I)²} with {@code T[b,i,c,j] = Σ_k x[b,i,k] x[c,j,k]} reshaped, not
   * transposed, to (B², n, n), so that its slices mix batch elements.
   */
  private static Regularizer featuresOrthogonal(ConfigReader config) {
    config.allowOnly(List.of("num_features", "l2reg"));
    if (!config.has("num_features")) {
      throw config.invalid("num_features", "nothing", "an integer of at least 1");
    }
    int n = config.integer("num_features", 0, 1);
    float factor = (float) config.number("l2reg", 0.001, 0);
    return (tf, activity) -> {
      Shape shape = activity.shape();
      if (shape.numDimensions() != 2 || shape.get(1) != (long) n * n) {
        throw config.invalid(
            "num_features", n, "the square root of the size of the output, of shape " + shape);
      }
      Operand<TFloat32> rows = tf.reshape(activity, tf.array(-1L, (long) n));
      Operand<TFloat32> products = tf.linalg.matMul(rows, rows, MatMul.transposeB(true));
      Operand<TFloat32> identity = Matrices.identity(tf, n);
      Operand<TFloat32> differences =
          tf.math.sub(tf.reshape(products, tf.array(-1L, (long) n, (long) n)), identity);
      return tf.math.mul(
          tf.constant(factor), tf.reduceSum(tf.math.square(differences), tf.array(0, 1, 2)));
    };
  }

  private static Operand<TFloat32> normalize(Ops tf, Operand<TFloat32> matrix, int axis) {
    Operand<TFloat32> squares =
        tf.reduceSum(tf.math.square(matrix), tf.constant(axis), ReduceSum.keepDims(true));
    return tf.math.mul(matrix, tf.math.rsqrt(tf.math.maximum(squares, tf.constant(LEAST_SQUARE))));
  }
}
