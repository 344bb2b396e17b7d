package io.github.kpconvx.network;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.keras.config.KerasObject;

/**
 * Names the Python modules of Keras's own classes in a configuration of Keras 3 that came from an
 * {@code .h5}, which leaves them out: from an archive Keras reads no class without.
 */
final class ModuleNames {
  private static final String LAYERS = "keras.layers";

  private final LayerRegistry registry;

  private ModuleNames(LayerRegistry registry) {
    this.registry = registry;
  }

  /**
   * Completes a configuration.
   *
   * @param model a model or layer of Keras 3
   * @param registry tells Keras's own layers
   * @return the same with every module that can be told
   */
  static KerasObject complete(KerasObject model, LayerRegistry registry) {
    ObjectNode json = model.json();
    new ModuleNames(registry).complete(model, json);
    return KerasObject.of(json);
  }

  private void complete(KerasObject object, ObjectNode json) {
    if (object.module().isEmpty()) {
      String name = object.className();
      if (name.equals("Functional")) {
        json.put("module", "keras.src.models.functional").put("registered_name", name);
      } else if (name.equals("Sequential")) {
        json.put("module", "keras").putNull("registered_name");
      } else if (name.equals(Network.INPUT_LAYER) || registry.isKeras(object)) {
        json.put("module", LAYERS).putNull("registered_name");
      }
    }
    for (JsonNode layer : json.path("config").path("layers")) {
      if (KerasObject.isKerasObject(layer)) {
        complete(object.part(layer), (ObjectNode) layer);
      }
    }
  }
}
