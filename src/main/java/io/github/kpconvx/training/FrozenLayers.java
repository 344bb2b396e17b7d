package io.github.kpconvx.training;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
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
   * @throws KerasException if the model is none, such as one whose layers' names are no texts
   */
  public static KerasObject freeze(KerasObject model, Collection<String> names) {
    ObjectNode json = model.json();
    List<String> known = new ArrayList<>();
    ConfigReader network = model.config();
    List<ConfigReader> layers = network.has("layers") ? network.objects("layers") : List.of();
    for (int i = 0; i < layers.size(); i++) {
      String name = layers.get(i).object("config").text("name", "");
      known.add(name);
      if (names.contains(name)) {
        ((ObjectNode) json.at("/config/layers/" + i + "/config")).put("trainable", false);
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
