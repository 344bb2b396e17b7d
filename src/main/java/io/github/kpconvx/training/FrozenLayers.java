package io.github.kpconvx.training;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.keras.config.KerasObject;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/** Takes layers of a network out of training, for fine-tuning the others. */
public final class FrozenLayers {
  private FrozenLayers() {}

  /**
   * Sets {@code trainable} of layers to false.
   *
   * @param model the serialized model
   * @param names the layers' names
   * @return a model that differs in that alone
   * @throws TrainingException if the model has no layer of such a name; lists its layers
   */
  public static KerasObject freeze(KerasObject model, Collection<String> names) {
    ObjectNode json = model.json();
    List<String> known = new ArrayList<>();
    for (JsonNode layer : json.path("config").path("layers")) {
      if (layer.path("config") instanceof ObjectNode config) {
        String name = config.path("name").asText();
        known.add(name);
        if (names.contains(name)) {
          config.put("trainable", false);
        }
      }
    }
    for (String name : names) {
      if (!known.contains(name)) {
        throw new TrainingException(
            "There is no layer \"%s\" to freeze; the model's layers are %s".formatted(name, known));
      }
    }
    return KerasObject.of(json);
  }
}
