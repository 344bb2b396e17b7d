package io.github.kpconvx.inference;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.weights.StoredWeight;
import io.github.kpconvx.layer.KernelPoints;
import io.github.kpconvx.layer.vl3d.KPConvXLayer;
import java.util.Map;
import java.util.Optional;
import org.tensorflow.ndarray.FloatNdArray;
import org.tensorflow.ndarray.NdArrays;
import org.tensorflow.types.TFloat32;

/**
 * The kernel of a KPConvX layer as a model file holds it. Immutable, if the arrays are left alone;
 * holds no native memory.
 */
public final class StoredKernel {
  private final KPConvXLayer layer;
  private final FloatNdArray weights;
  private final Optional<FloatNdArray> points;
  private final KernelPoints source;

  /**
   * @param layer the layer
   * @param prefix what its weights' qualified names begin with
   * @param found the model's weights by qualified name, while their file is open
   * @param source where Q comes from if the file does not hold it
   */
  StoredKernel(
      KPConvXLayer layer, String prefix, Map<String, StoredWeight> found, KernelPoints source) {
    this.layer = layer;
    this.weights = copy(found.get(prefix + "W").read());
    this.points = Optional.ofNullable(found.get(prefix + "Q")).map(stored -> copy(stored.read()));
    this.source = source;
  }

  private static FloatNdArray copy(TFloat32 tensor) {
    try (tensor) {
      FloatNdArray values = NdArrays.ofFloats(tensor.shape());
      tensor.copyTo(values);
      return values;
    }
  }

  /**
   * The layer, without values.
   *
   * @return its name and configuration
   */
  public KPConvXLayer layer() {
    return layer;
  }

  /**
   * The kernel points Q.
   *
   * @return an array of shape (m_q, 3)
   * @throws KerasException if the file does not hold them and the loader was not told where they
   *     come from
   */
  public FloatNdArray points() {
    return points.orElseGet(() -> copy(source.of(layer, layer.ownVariables().get("Q"))));
  }

  /**
   * The kernel weights W.
   *
   * @return an array of shape (blocks, m_q, D)
   */
  public FloatNdArray weights() {
    return weights;
  }
}
