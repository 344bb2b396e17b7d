package io.github.kpconvx.inference;

import io.github.kpconvx.layer.core.ActivationLayer;
import io.github.kpconvx.layer.core.Add;
import io.github.kpconvx.layer.core.BatchNormalization;
import io.github.kpconvx.layer.core.Concatenate;
import io.github.kpconvx.layer.core.Dense;
import io.github.kpconvx.layer.core.Dropout;
import io.github.kpconvx.layer.core.PReLU;
import io.github.kpconvx.layer.vl3d.KPConvXLayer;
import io.github.kpconvx.network.LayerRegistry;

/** The layers that this library knows: Keras's own that are supported, and VL3D's. */
public final class StandardLayers {
  private static final LayerRegistry REGISTRY = make();

  private StandardLayers() {}

  private static LayerRegistry make() {
    LayerRegistry registry =
        LayerRegistry.empty()
            .withBuiltIn("Dense", Dense::new)
            .withBuiltIn(BatchNormalization.CLASS_NAME, BatchNormalization::new)
            .withBuiltIn("PReLU", PReLU::new)
            .withBuiltIn("Dropout", Dropout::new)
            .withBuiltIn("Concatenate", Concatenate::new)
            .withBuiltIn("Add", Add::new)
            .with(KPConvXLayer.CLASS_NAME, KPConvXLayer::new);
    for (String name : ActivationLayer.CLASS_NAMES) {
      registry = registry.withBuiltIn(name, ActivationLayer::new);
    }
    return registry;
  }

  /**
   * All of them.
   *
   * @return the registry
   */
  public static LayerRegistry registry() {
    return REGISTRY;
  }
}
