package io.github.kpconvx.layer.vl3d;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.weights.WeightSpec;
import io.github.kpconvx.layer.WeightRules;
import java.util.List;
import java.util.Map;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.op.train.BatchMatMul;
import org.tensorflow.types.TFloat32;

/**
 * Kernel point convolution, the port of VL3D's {@code KPConvLayer} and {@code StridedKPConvLayer}.
 *
 * <pre>{@code y_i = Σ_k ( Σ_j h_ijk f_j ) W_k}</pre>
 *
 * <p>Inputs are X (B, R, 3), F (B, R, D), both float32, and N (B, R, κ), int32 or int64; of a
 * strided one Xa (B, R_a, 3), Xb (B, R_b, 3), F (B, R_a, D) and ND (B, R_b, κ), whose indices are
 * those of points a. The output is (B, R, Dout), or (B, R_b, Dout).
 *
 * <p>Weights: {@code Q} (m_q, 3), trained if {@code deformable}, and {@code W} (m_q, D, Dout). A
 * {@code .keras} or {@code .weights.h5} of Keras 3 does not hold Q.
 *
 * @see <a href="https://doi.org/10.48550/arXiv.1904.08889">KPConv: Flexible and Deformable
 *     Convolution for Point Clouds</a>
 */
public final class KPConvLayer extends KernelPointConvolution implements KernelLayer {
  /** The Keras class name. */
  public static final String CLASS_NAME = "KPConvLayer";

  /** The Keras class name of the strided one. */
  public static final String STRIDED_CLASS_NAME = "StridedKPConvLayer";

  private KPConvLayer(KerasObject object, boolean strided) {
    super(object, strided, List.of());
  }

  /**
   * Reads a serialized {@code KPConvLayer}.
   *
   * @param object the serialized layer
   * @return the layer
   * @throws KerasException if a key is unknown or a value is not allowed
   */
  public static KPConvLayer of(KerasObject object) {
    return new KPConvLayer(object, false);
  }

  /**
   * Reads a serialized {@code StridedKPConvLayer}.
   *
   * @param object the serialized layer
   * @return the layer
   * @throws KerasException if a key is unknown or a value is not allowed
   */
  public static KPConvLayer strided(KerasObject object) {
    return new KPConvLayer(object, true);
  }

  @Override
  public List<String> kernelWeights() {
    return List.of("W");
  }

  @Override
  void createWeights(Ops tf, WeightRules w) {
    addWeight(tf, WeightSpec.of("W", true, kernelPoints(), features(), outputFeatures()), w);
  }

  @Override
  Operand<TFloat32> combine(
      Ops tf, Operand<TFloat32> h, Operand<TFloat32> f, Map<String, Operand<TFloat32>> kernel) {
    // (P, m_q, D), then one matrix product for all kernel points.
    Operand<TFloat32> weighted = tf.train.batchMatMul(h, f, TFloat32.class, BatchMatMul.adjX(true));
    long columns = kernelPoints() * features();
    return tf.linalg.matMul(
        tf.reshape(weighted, tf.array(-1L, columns)),
        tf.reshape(kernel.get("W"), tf.array(columns, (long) outputFeatures())));
  }
}
