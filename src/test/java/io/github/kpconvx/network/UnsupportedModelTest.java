package io.github.kpconvx.network;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.inference.StandardLayers;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.training.Trainer;
import io.github.kpconvx.training.TrainingSettings;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** One error names all that keeps a model from being rebuilt. */
class UnsupportedModelTest {
  private static final String KERAS = "keras.layers";

  private static String layer(
      String module, String className, String name, String config, String call) {
    return """
        {"module": %s, "class_name": "%s", "name": "%s", "registered_name": null,
         "config": {"name": "%s"%s}, "inbound_nodes": [%s]}"""
        .formatted(
            module == null ? "null" : "\"" + module + "\"", className, name, name, config, call);
  }

  private static String call(String layer, String keywords) {
    return """
        {"args": [{"class_name": "__keras_tensor__", "config": {"shape": [null, 8, 4],
         "dtype": "float32", "keras_history": ["%s", 0, 0]}}], "kwargs": {%s}}"""
        .formatted(layer, keywords);
  }

  private static String input(String config) {
    return layer(KERAS, "InputLayer", "x", ", \"batch_shape\": [null, 8, 4]" + config, "");
  }

  private static String model(String name, String last, Stream<String> layers) {
    return """
        "config": {"name": "%s", "layers": [%s], "input_layers": ["x", 0, 0],
         "output_layers": ["%s", 0, 0]}"""
        .formatted(name, layers.collect(Collectors.joining(", ")), last);
  }

  private static UnsupportedModelException refused(String config) {
    KerasObject model = KerasObject.parse(config);
    return assertThrows(
        UnsupportedModelException.class, () -> Network.of(model, StandardLayers.registry()));
  }

  @Test
  void namesEveryLayerAndOperationWithItsPlace() {
    String inner =
        """
        {"module": "keras", "class_name": "Functional", "name": "encoder", "registered_name": null,
         %s, "inbound_nodes": [%s]}"""
            .formatted(
                model(
                    "encoder",
                    "deeper",
                    Stream.of(
                        input(""),
                        layer(KERAS, "LSTM", "recurrent", ", \"units\": 4", call("x", "")),
                        layer(
                            KERAS,
                            "Lambda",
                            "code",
                            ", \"function\": {\"class_name\": \"__lambda__\", \"config\": {}}",
                            call("recurrent", "")),
                        layer("mine.nn", "Gate", "deeper", "", call("code", "")))),
                call("x", ""));
    UnsupportedModelException error =
        refused(
            """
            {"module": "keras", "class_name": "Functional", "registered_name": null, %s}"""
                .formatted(
                    model(
                        "whole",
                        "last",
                        Stream.of(
                            input(""),
                            inner,
                            layer(
                                KERAS,
                                "Dense",
                                "dense",
                                ", \"units\": 4, \"activation\": \"swoosh\"",
                                call("encoder", "")),
                            layer(
                                KERAS,
                                "Dense",
                                "policy",
                                ", \"units\": 4, \"dtype\": \"complex64\"",
                                call("dense", "")),
                            layer(
                                "keras.src.ops.numpy",
                                "Nonesuch",
                                "operation",
                                "",
                                call("policy", "")),
                            layer(
                                KERAS,
                                "Dropout",
                                "called",
                                ", \"rate\": 0.1",
                                call("operation", "\"noise\": 3")),
                            layer(
                                KERAS, "Dense", "last", ", \"units\": 4.5", call("called", ""))))));
    assertEquals(
        List.of(
            "encoder/recurrent",
            "encoder/code",
            "encoder/deeper",
            "dense",
            "policy",
            "operation",
            "called",
            "last"),
        error.layers().stream().map(UnsupportedLayer::path).toList());
    assertEquals(
        List.of("LSTM", "Lambda", "Gate", "Nonesuch"),
        error.layers().stream()
            .filter(layer -> !layer.isKnown())
            .map(UnsupportedLayer::registeredAs)
            .toList());
    for (String part :
        List.of(
            "Cannot rebuild 8 layers and operations: (1) encoder/recurrent: unknown layer LSTM",
            "factory registered as \"LSTM\"",
            "encoder/code: unknown layer Lambda \"code\" of module keras.layers, it holds Python code,"
                + " which is never run",
            "unknown layer Gate \"deeper\" of module mine.nn",
            "swoosh",
            "complex64",
            "unknown operation Nonesuch \"operation\" of module keras.src.ops.numpy",
            "is called with noise = 3",
            "(8) last: Dense \"last\": units = 4.5, expected an integer",
            "Ways out: ",
            "model.export",
            "LayerRegistry.with")) {
      assertTrue(error.getMessage().contains(part), part + " in " + error.getMessage());
    }
    assertEquals(1, error.getMessage().lines().count());
  }

  @Test
  void saysWhatTrainingNeeds() {
    KerasObject model =
        KerasObject.parse(
            """
            {"module": "keras", "class_name": "Functional", "registered_name": null, %s}"""
                .formatted(
                    model(
                        "whole",
                        "last",
                        Stream.of(input(""), layer(KERAS, "Lambda", "last", "", call("x", ""))))));
    UnsupportedModelException error =
        assertThrows(
            UnsupportedModelException.class,
            () ->
                new Trainer(model, StandardLayers.registry(), TrainingSettings.builder().build()));
    assertTrue(
        error.getMessage().startsWith("Only a model that can be rebuilt is trained"),
        error.getMessage());
  }

  @Test
  void aModelOfAClassOfItsOwnIsNamed() {
    UnsupportedModelException error =
        refused("{\"module\": \"mine\", \"class_name\": \"Mine\", \"config\": {}}");
    assertTrue(error.getMessage().contains("model.export"), error.getMessage());
  }
}
