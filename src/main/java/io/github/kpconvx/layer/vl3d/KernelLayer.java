package io.github.kpconvx.layer.vl3d;

import io.github.kpconvx.layer.LayerVariable;
import java.util.List;
import java.util.Map;

/**
 * A layer that has a kernel: kernel points Q (m_q, 3), each with an influence on the space around
 * it, and weights that say what becomes of the features there.
 */
public sealed interface KernelLayer permits KPConvXLayer, KPConvLayer, LightKPConvLayer {
  /** The Keras class names of all such layers. */
  List<String> CLASS_NAMES =
      List.of(
          KPConvXLayer.CLASS_NAME,
          KPConvLayer.CLASS_NAME,
          KPConvLayer.STRIDED_CLASS_NAME,
          LightKPConvLayer.CLASS_NAME,
          LightKPConvLayer.STRIDED_CLASS_NAME);

  /**
   * The layer's name.
   *
   * @return the name
   */
  String name();

  /**
   * Which of the layer's weights are its kernel, besides Q.
   *
   * @return their names, at least W
   */
  List<String> kernelWeights();

  /**
   * The layer's own weights, Q among them.
   *
   * @return the weights by name
   * @throws IllegalStateException if the layer was not built
   */
  Map<String, LayerVariable> ownVariables();
}
