package io.github.kpconvx.inference;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.Fixtures;
import io.github.kpconvx.keras.config.KerasObject;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What is told of a model against what Python's {@code summary()} and {@code get_config()} said.
 */
class ModelDescriptionTest {

  static Stream<Arguments> models() {
    return Fixtures.cases().stream()
        .flatMap(
            directory ->
                Fixtures.models(directory).stream().map(file -> Arguments.of(directory, file)));
  }

  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("models")
  void saysWhatPythonSays(Path directory, String file) {
    KerasObject config = KerasObject.parse(Fixtures.text(directory.resolve("config.json")));
    Optional<KerasObject> given =
        Fixtures.holdsWeightsAlone(file) ? Optional.of(config) : Optional.empty();
    // Keras 2 writes a configuration in other words into each kind of file.
    boolean sameConfig = given.isPresent() || !directory.toString().contains("keras2");
    JsonNode found =
        given
            .map(own -> ModelDescription.of(directory.resolve(file), own))
            .orElseGet(() -> ModelDescription.of(directory.resolve(file)))
            .toJson();
    JsonNode expected = KerasObject.parseJson(Fixtures.text(directory.resolve("summary.json")));

    assertEquals(expected.get("layers").size(), found.get("layers").size());
    Map<String, JsonNode> configs = new HashMap<>();
    for (JsonNode layer : config.configJson().get("layers")) {
      configs.put(layer.get("config").get("name").textValue(), layer.get("config"));
    }
    for (int i = 0; i < expected.get("layers").size(); i++) {
      JsonNode layer = expected.get("layers").get(i);
      JsonNode ours = found.get("layers").get(i);
      for (String key : List.of("name", "class_name", "output_shape")) {
        assertEquals(
            layer.get(key).toString(), ours.get(key).toString(), layer.get("name") + " " + key);
      }
      assertEquals(
          layer.get("params").longValue(),
          ours.get("params").longValue(),
          layer.get("name") + " params");
      if (sameConfig && !layer.get("class_name").textValue().equals("InputLayer")) {
        assertEquals(
            configs.get(layer.get("name").textValue()), withoutIdentities(ours.get("config")));
      }
    }
    for (String total : List.of("total_params", "trainable_params", "non_trainable_params")) {
      assertEquals(expected.get(total).longValue(), found.get(total).longValue(), total);
    }
    assertEquals(
        weights(expected.get("weights"), "trainable"), weights(found.get("weights"), "trainable"));
    if (file.equals("saved_model")) {
      assertEquals(expected.get("tensorflow"), found.get("tensorflow"));
      assertEquals(Fixtures.hasSignature(directory), !found.get("signatures").isEmpty());
    }
    if (file.equals("model.keras") || file.equals("model.h5")) {
      assertEquals(expected.get("keras"), found.get("keras"));
    }
  }

  /**
   * Shapes and trainability of the weights that Keras counts; names differ, and Q's place in the
   * order.
   */
  private static List<String> weights(JsonNode weights, String key) {
    List<String> described = new ArrayList<>();
    for (JsonNode weight : weights) {
      if (!weight.has("counted") || weight.get("counted").booleanValue()) {
        described.add(weight.get("shape") + " " + weight.get(key));
      }
    }
    Collections.sort(described);
    return described;
  }

  /**
   * An archive's configuration numbers the objects that could be shared; that of to_json does not.
   */
  private static JsonNode withoutIdentities(JsonNode config) {
    if (config instanceof ObjectNode object) {
      object.remove("shared_object_id");
    }
    config.forEach(ModelDescriptionTest::withoutIdentities);
    return config;
  }

  @Test
  void listsWeightsAndSignaturesWhereThereIsNoConfiguration() {
    ModelDescription description =
        ModelDescription.of(Fixtures.of("defaults").resolve("model.weights.h5"));
    assertTrue(description.layers().isEmpty());
    assertEquals(15_737, description.parameters());
    assertEquals(Optional.empty(), description.trainableParameters());
  }
}
