package io.github.kpconvx.keras.config;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;

/** What configurations of Keras 2 mean otherwise than the same words do in Keras 3. */
final class Keras2Config {
  /** Keras 2's is {@code 0.2 x + 0.5} cut to [0, 1], Keras 3's {@code x / 6 + 0.5}. */
  private static final String HARD_SIGMOID = "hard_sigmoid";

  private static final String ACTIVATION = "activation";

  private Keras2Config() {}

  /**
   * Rewrites a configuration so that its words mean the same to everybody: an activation that Keras
   * 3 has otherwise under its name becomes a serialized function of {@code tf_keras}.
   *
   * @param config a configuration of Keras 2, which is changed
   */
  static void clarify(JsonNode config) {
    if (config instanceof ObjectNode object
        && Json.text(object.path(ACTIVATION)).equals(HARD_SIGMOID)) {
      ObjectNode function = JsonNodeFactory.instance.objectNode();
      function.put("module", "tf_keras.activations").put("class_name", "function");
      function.put("config", HARD_SIGMOID).put("registered_name", HARD_SIGMOID);
      object.set(ACTIVATION, function);
    }
    List<JsonNode> children = new ArrayList<>();
    config.forEach(children::add);
    children.forEach(Keras2Config::clarify);
  }
}
