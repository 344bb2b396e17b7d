package io.github.kpconvx.network;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.Fixtures;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.KerasObject;
import io.github.kpconvx.layer.Mode;
import io.github.kpconvx.network.layers.Dropout;
import org.junit.jupiter.api.Test;
import org.tensorflow.Graph;
import org.tensorflow.op.Ops;

class NetworkTest {
  private static final String CONFIG =
      Fixtures.text(Fixtures.of("network_segmentation").resolve("config.json"));

  private static void assertRefused(String config, String message) {
    KerasException error =
        assertThrows(
            KerasException.class,
            () -> {
              Network network = Network.of(KerasObject.parse(config), LayerRegistry.standard());
              try (Graph graph = new Graph()) {
                network.build(Ops.create(graph), Mode.INFERENCE);
              }
            });
    assertTrue(error.getMessage().contains(message), error.getMessage());
  }

  @Test
  void refusesAnUnknownLayer() {
    assertRefused(
        CONFIG.replace("\"class_name\": \"Dropout\"", "\"class_name\": \"Flatten\""),
        "Unknown layer Flatten");
  }

  @Test
  void aLayerOfSomebodyElseIsNotTakenForKeras() {
    assertRefused(
        CONFIG.replace(
            "\"module\": \"keras.layers\", \"class_name\": \"Dropout\"",
            "\"module\": \"mine\", \"class_name\": \"Dropout\""),
        "Unknown layer Dropout");
  }

  @Test
  void refusesAnUnknownKeyInALayer() {
    assertRefused(CONFIG.replace("\"rate\":", "\"rat\":"), "unknown configuration key \"rat\"");
  }

  @Test
  void refusesConnectionsToNowhere() {
    assertRefused(
        CONFIG.replace("\"keras_history\": [\"F\", 0, 0]", "\"keras_history\": [\"G\", 0, 0]"),
        "never come to be");
  }

  @Test
  void refusesAModelThatIsNoFunctionalOne() {
    assertRefused(
        "{\"module\": \"keras\", \"class_name\": \"Sequential\", \"config\": {}}", "Sequential");
  }

  @Test
  void takesLayersOfTheUsers() {
    String config =
        CONFIG.replace(
            "\"module\": \"keras.layers\", \"class_name\": \"Dropout\"",
            "\"module\": \"mine\", \"class_name\": \"MyDropout\"");
    LayerRegistry registry =
        LayerRegistry.standard()
            .with(
                "MyDropout",
                object ->
                    new Dropout(
                        KerasObject.of("keras.layers", "Dropout", null, object.configJson())));
    assertTrue(config.contains("MyDropout"));
    Network network = Network.of(KerasObject.parse(config), registry);
    try (Graph graph = new Graph()) {
      assertEquals(1, network.build(Ops.create(graph), Mode.INFERENCE).outputs().size());
    }
    assertRefused(config, "Unknown layer MyDropout");
  }
}
