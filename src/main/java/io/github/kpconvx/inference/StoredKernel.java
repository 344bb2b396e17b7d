package io.github.kpconvx.inference;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.layer.vl3d.KernelLayer;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;
import org.tensorflow.ndarray.FloatNdArray;

/**
 * The kernel of a layer as a model file holds it. Immutable, if the arrays are left alone; holds no
 * native memory.
 */
public final class StoredKernel {
  private final KernelLayer layer;
  private final Map<String, FloatNdArray> found;
  private final Function<String, FloatNdArray> source;

  /**
   * @param layer the layer
   * @param found the weights of its kernel that the file holds, by name
   * @param source where one comes from that the file does not hold
   */
  StoredKernel(
      KernelLayer layer, Map<String, FloatNdArray> found, Function<String, FloatNdArray> source) {
    this.layer = layer;
    this.found = found;
    this.source = source;
  }

  /**
   * The layer, without values.
   *
   * @return its name and configuration
   */
  public KernelLayer layer() {
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
    return value("Q");
  }

  /**
   * The kernel's weights: of a KPConvX layer {@code W} (blocks, m_q, D), of a KPConv layer {@code
   * W} (m_q, D, Dout), of a light one {@code W} (D, Dout) and {@code A} (m_q, D).
   *
   * @return the arrays by name
   * @throws KerasException if the file does not hold one and the loader was not told where it comes
   *     from
   */
  public Map<String, FloatNdArray> weights() {
    Map<String, FloatNdArray> weights = new LinkedHashMap<>();
    layer.kernelWeights().forEach(name -> weights.put(name, value(name)));
    return weights;
  }

  private FloatNdArray value(String name) {
    FloatNdArray value = found.get(name);
    return value == null ? source.apply(name) : value;
  }
}
