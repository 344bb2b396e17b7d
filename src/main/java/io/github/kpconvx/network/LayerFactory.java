package io.github.kpconvx.network;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.Layer;

/** Makes a layer from its serialized form. */
@FunctionalInterface
public interface LayerFactory {
  /**
   * Makes the layer.
   *
   * @param object the serialized layer
   * @return the layer, yet to be built
   * @throws KerasException if its configuration is not allowed
   */
  Layer create(KerasObject object);
}
