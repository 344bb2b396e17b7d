package io.github.kpconvx.layer.vl3d;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.weights.WeightSpec;
import io.github.kpconvx.layer.WeightRules;
import java.util.List;
import java.util.Map;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/**
 * Light kernel point convolution, the port of VL3D's {@code LightKPConvLayer} and {@code
 * StridedLightKPConvLayer}: each kernel point weighs the features, one matrix mixes them.
 *
 * <pre>{@code y_i = ( Σ_j ( Σ_k h_ijk A_k ) ⊙ f_j ) W}</pre>
 *
 * <p>Inputs and output are those of {@link KPConvLayer}. Weights: {@code Q} (m_q, 3), trained if
 * {@code deformable}; {@code W} (D, Dout); {@code A} (m_q, D), trained if {@code A_trainable}. A
 * {@code .keras} or {@code .weights.h5} of Keras 3 does not hold Q.
 *
 * @see <a href="https://doi.org/10.48550/arXiv.2405.13194">KPConvX: Modernizing Kernel Point
 *     Convolution with Kernel Attention</a>
 */
public final class LightKPConvLayer extends KernelPointConvolution implements KernelLayer {
  /** The Keras class name. */
  public static final String CLASS_NAME = "LightKPConvLayer";

  /** The Keras class name of the strided one. */
  public static final String STRIDED_CLASS_NAME = "StridedLightKPConvLayer";

  private final boolean trainsA;
  private final WeightRules a;

  private LightKPConvLayer(KerasObject object, boolean strided) {
    super(
        object,
        strided,
        List.of("A_trainable", "A_initializer", "A_regularizer", "A_constraint", "built_A"));
    this.trainsA = object.config().bool("A_trainable", true);
    this.a =
        WeightRules.of(
            object, "A_", object.config().has("A_initializer") ? "glorot_uniform" : "ones");
    object.config().bool("built_A", false);
  }

  /**
   * Reads a serialized {@code LightKPConvLayer}.
   *
   * @param object the serialized layer
   * @return the layer
   * @throws KerasException if a key is unknown or a value is not allowed
   */
  public static LightKPConvLayer of(KerasObject object) {
    return new LightKPConvLayer(object, false);
  }

  /**
   * Reads a serialized {@code StridedLightKPConvLayer}.
   *
   * @param object the serialized layer
   * @return the layer
   * @throws KerasException if a key is unknown or a value is not allowed
   */
  public static LightKPConvLayer strided(KerasObject object) {
    return new LightKPConvLayer(object, true);
  }

  @Override
  public List<String> kernelWeights() {
    return List.of("W", "A");
  }

  @Override
  void createWeights(Ops tf, WeightRules w) {
    addWeight(tf, WeightSpec.of("W", true, features(), outputFeatures()), w);
    addWeight(tf, WeightSpec.of("A", trainsA, kernelPoints(), features()), a);
  }

  @Override
  Operand<TFloat32> combine(
      Ops tf, Operand<TFloat32> h, Operand<TFloat32> f, Map<String, Operand<TFloat32>> kernel) {
    Operand<TFloat32> ofKernelPoints = tf.reshape(h, tf.array(-1L, (long) kernelPoints()));
    Operand<TFloat32> modulation =
        tf.reshape(tf.linalg.matMul(ofKernelPoints, kernel.get("A")), tf.shape(f));
    Operand<TFloat32> sum = tf.reduceSum(tf.math.mul(modulation, f), tf.constant(1));
    return tf.linalg.matMul(tf.reshape(sum, tf.array(-1L, features())), kernel.get("W"));
  }
}
