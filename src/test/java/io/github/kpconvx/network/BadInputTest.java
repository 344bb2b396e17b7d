package io.github.kpconvx.network;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.inference.StandardLayers;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.vl3d.GaussianFilter;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tensorflow.Graph;
import org.tensorflow.op.Ops;

/** Models that make no sense are one error with the layer's name. */
class BadInputTest {
  private static final LayerRegistry REGISTRY = StandardLayers.registry(GaussianFilter.GROWING);

  private static String layer(String className, String name, String config, String... inputs) {
    List<String> tensors = Stream.of(inputs).map("[\"%s\", 0, 0, {}]"::formatted).toList();
    return """
        {"class_name": "%s", "name": "%s", "config": {"name": "%s"%s}, "inbound_nodes": [%s]}"""
        .formatted(className, name, name, config, tensors.isEmpty() ? "" : tensors);
  }

  private static String refused(String... layers) {
    String config =
        """
        {"class_name": "Functional", "config": {"name": "net", "layers": [%s, %s, %s],
         "input_layers": [["a", 0, 0], ["b", 0, 0]], "output_layers": [["last", 0, 0]]}}"""
            .formatted(
                layer("InputLayer", "a", ", \"batch_input_shape\": [null, 8, 4]"),
                layer("InputLayer", "b", ", \"batch_input_shape\": [null, 6, 3]"),
                String.join(", ", layers));
    KerasObject model = KerasObject.parse(config);
    return assertThrows(
            KerasException.class,
            () -> {
              try (Graph graph = new Graph()) {
                Network.of(model, REGISTRY).outline(Ops.create(graph));
              }
            })
        .getMessage();
  }

  private static void assertNames(String message, String... parts) {
    for (String part : parts) {
      assertTrue(message.contains(part), part + " in " + message);
    }
  }

  @Test
  void aCircleIsNamed() {
    assertNames(
        refused(
            layer("Add", "one", "", "a", "two"),
            layer("Dropout", "two", ", \"rate\": 0.1", "one"),
            layer("Dropout", "last", ", \"rate\": 0.1", "two")),
        "one",
        "two",
        "go in a circle");
    assertNames(refused(layer("Add", "last", "", "a", "last")), "last", "go in a circle");
  }

  @Test
  void aLayerThatIsNotThereIsNamed() {
    assertNames(
        refused(layer("Dropout", "last", ", \"rate\": 0.1", "nowhere")),
        "Layer last takes output 0 of call 0 of layer nowhere, which the model does not have");
  }

  @Test
  void aNameThatIsThereTwiceIsNamed() {
    assertNames(
        refused(
            layer("Dropout", "last", ", \"rate\": 0.1", "a"),
            layer("Dropout", "last", ", \"rate\": 0.1", "a")),
        "two layers are named \"last\"");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "Add | | [-1, 8, 4] and [-1, 6, 3]",
        "Concatenate | , \"axis\": -1 | [-1, 8, 4] and [-1, 6, 3]",
        "Concatenate | , \"axis\": 3 | [-1, 8, 4] and [-1, 6, 3]",
        "Dot | , \"axes\": [2, 2] | [-1, 8, 4] and [-1, 6, 3]",
        "Dot | , \"axes\": 5 | axes = 5, expected one or two axes",
        "Dense | , \"units\": 2 | [-1, 8, 4] and [-1, 6, 3]"
      })
  void shapesThatDoNotFitAreBothNamed(String className, String config, String shapes) {
    String message = refused(layer(className, "last", config == null ? "" : config, "a", "b"));
    assertNames(message, "last");
    for (String shape : shapes.split(" and ", -1)) {
      assertNames(message, shape);
    }
  }
}
