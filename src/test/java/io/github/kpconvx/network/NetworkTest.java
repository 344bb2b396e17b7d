package io.github.kpconvx.network;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.Fixtures;
import io.github.kpconvx.inference.StandardLayers;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.Mode;
import io.github.kpconvx.layer.core.Dropout;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.Graph;
import org.tensorflow.op.Ops;

class NetworkTest {
  private static final String INPUT =
      "{\"class_name\": \"InputLayer\", \"config\": {\"batch_input_shape\": [null, 4], \"name\": \"F\"}}";

  private static final String SEQUENTIAL =
      "{\"class_name\": \"Sequential\", \"config\": {\"name\": \"pointwise\", \"layers\": ["
          + INPUT
          + ", {\"class_name\": \"Dense\", \"config\": {\"name\": \"first\", \"units\": 3}},"
          + " {\"class_name\": \"Dense\", \"config\": {\"name\": \"second\", \"units\": 2}}]}}";

  private static final String CONFIG =
      Fixtures.text(Fixtures.of("network_segmentation").resolve("config.json"));

  private static void assertRefused(String config, String message) {
    KerasException error =
        assertThrows(
            KerasException.class,
            () -> {
              Network network = Network.of(KerasObject.parse(config), StandardLayers.registry());
              try (Graph graph = new Graph()) {
                network.build(Ops.create(graph), Mode.INFERENCE);
              }
            });
    assertTrue(error.getMessage().contains(message), error.getMessage());
  }

  @Test
  void refusesAnUnknownLayer() {
    assertRefused(
        CONFIG.replace("\"class_name\": \"Dropout\"", "\"class_name\": \"LSTM\""),
        "Cannot rebuild drop: unknown layer LSTM \"drop\" of module keras.layers, it would need a"
            + " factory registered as \"LSTM\". Ways out: ");
  }

  @ParameterizedTest
  @ValueSource(strings = {"2.9", "4294967295", "\"last\"", "{}"})
  void refusesAnAxisThatIsNoInteger(String axis) {
    assertRefused(
        SEQUENTIAL.replace(
            "{\"class_name\": \"Dense\", \"config\": {\"name\": \"second\", \"units\": 2}}",
            "{\"class_name\": \"BatchNormalization\", \"config\": {\"axis\": " + axis + "}}"),
        "axis = " + axis + ", expected an integer");
  }

  @Test
  void refusesAWeightThatNoFileCanHold() {
    assertRefused(
        SEQUENTIAL.replace("\"units\": 3", "\"units\": 2000000000"),
        "Weight kernel has shape [4, 2000000000], expected one of at most 2147483639 bytes");
  }

  @Test
  void namesTheLayerWhoseOutputNoTensorCanHold() {
    String joins =
        IntStream.range(0, 61)
            .mapToObj(
                i ->
                    """
                    {"class_name": "Concatenate", "name": "c%d", "config": {"name": "c%d"},
                     "inbound_nodes": [[["%s", 0, 0, {}], ["%s", 0, 0, {}]]]}"""
                        .formatted(
                            i, i, i == 0 ? "F" : "c" + (i - 1), i == 0 ? "F" : "c" + (i - 1)))
            .collect(Collectors.joining(", "));
    assertRefused(
        """
        {"class_name": "Functional", "config": {"name": "f", "layers": [{"class_name": "InputLayer",
         "name": "F", "config": {"batch_input_shape": [null, 4], "name": "F"}, "inbound_nodes": []},
         %s], "input_layers": [["F", 0, 0]], "output_layers": [["c60", 0, 0]]}}"""
            .formatted(joins),
        "Concatenate \"c60\" cannot be computed from inputs of shapes");
  }

  @Test
  void namesAllUnknownLayers() {
    assertRefused(
        CONFIG
            .replace("\"class_name\": \"Dropout\"", "\"class_name\": \"LSTM\"")
            .replace("\"class_name\": \"Dense\"", "\"class_name\": \"GRU\""),
        "Cannot rebuild 3 layers and operations: (1) stem: unknown layer GRU \"stem\" of module"
            + " keras.layers, it would need a factory registered as \"GRU\"; (2) drop: unknown layer"
            + " LSTM");
  }

  @Test
  void aLayerOfSomebodyElseIsNotTakenForKeras() {
    assertRefused(
        CONFIG.replace(
            "\"module\": \"keras.layers\", \"class_name\": \"Dropout\"",
            "\"module\": \"mine\", \"class_name\": \"Dropout\""),
        "unknown layer Dropout \"drop\" of module mine");
  }

  @Test
  void refusesAnUnknownKeyInALayer() {
    assertRefused(CONFIG.replace("\"rate\":", "\"rat\":"), "unknown configuration key \"rat\"");
  }

  @Test
  void refusesConnectionsToNowhere() {
    assertRefused(
        CONFIG.replace("\"keras_history\": [\"F\", 0, 0]", "\"keras_history\": [\"G\", 0, 0]"),
        "Layer stem takes output 0 of call 0 of layer G, which the model does not have");
  }

  @Test
  void refusesAModelThatIsNoFunctionalOne() {
    assertRefused(
        "{\"module\": \"mine\", \"class_name\": \"Mine\", \"config\": {}}",
        "Cannot rebuild a model of class Mine of module mine, whose computation is Python code;");
  }

  @Test
  void refusesASequentialModelThatWasNeverBuilt() {
    assertRefused(
        SEQUENTIAL.replace(INPUT + ", ", ""),
        "begins with Dense \"first\", expected an InputLayer");
    assertRefused(
        "{\"class_name\": \"Sequential\", \"config\": {\"name\": \"none\", \"layers\": []}}",
        "Sequential \"none\": no layers");
  }

  @Test
  void aModelMayBeThousandsOfLayersDeep() {
    StringBuilder layers = new StringBuilder(INPUT);
    for (int i = 0; i < 20_000; i++) {
      layers.append(", {\"class_name\": \"ReLU\", \"config\": {\"name\": \"r%d\"}}".formatted(i));
    }
    String config =
        "{\"class_name\": \"Sequential\", \"config\": {\"name\": \"deep\", \"layers\": ["
            + layers
            + "]}}";
    Network network = Network.of(KerasObject.parse(config), StandardLayers.registry());
    try (Graph graph = new Graph()) {
      assertEquals(20_000, network.build(Ops.create(graph), Mode.INFERENCE).stages().size());
    }
  }

  @Test
  void refusesTwoLayersOfOneName() {
    assertRefused(
        SEQUENTIAL.replace("\"second\"", "\"first\""),
        "Sequential \"pointwise\": two layers are named \"first\"");
  }

  @Test
  void buildsASequentialModel() {
    Network network = Network.of(KerasObject.parse(SEQUENTIAL), StandardLayers.registry());
    try (Graph graph = new Graph()) {
      Network.Built built = network.build(Ops.create(graph), Mode.INFERENCE);
      assertEquals("[-1, 2]", built.outputs().get("output_0").shape().toString());
      assertEquals(List.of("F"), List.copyOf(built.inputs().keySet()));
      assertEquals(List.of("first", "second"), network.layers().stream().map(Layer::name).toList());
    }
  }

  /** In Keras 2 a nested model's calls count from 1. */
  private static String nested(String outputs, String calls, String end) {
    return """
        {"class_name": "Functional", "keras_version": "2.15.0", "config": {"name": "outer",
         "layers": [
          %s,
          {"class_name": "Functional", "name": "inner", "inbound_nodes": %s,
           "config": {"name": "inner",
            "layers": [%s,
             {"class_name": "Dense", "name": "d", "inbound_nodes": [[["F", 0, 0, {}]]],
              "config": {"name": "d", "units": 4}}],
            "input_layers": [["F", 0, 0]], "output_layers": %s}}],
         "input_layers": [["F", 0, 0]], "output_layers": [["inner", %s, 0]]}}
        """
        .formatted(INPUT, calls, INPUT, outputs, end);
  }

  @Test
  void buildsANestedModelThatIsCalledTwice() {
    String config =
        nested("[[\"d\", 0, 0]]", "[[[\"F\", 0, 0, {}]], [[\"inner\", 1, 0, {}]]]", "2");
    Network network = Network.of(KerasObject.parse(config), StandardLayers.registry());
    try (Graph graph = new Graph()) {
      Network.Built built = network.build(Ops.create(graph), Mode.INFERENCE);
      assertEquals(Set.of("inner/d", "inner", "inner#1/d", "inner#1"), built.stages().keySet());
      assertEquals(
          Set.of("inner/layers/0/kernel", "inner/layers/0/bias"), network.variables().keySet());
      assertEquals(network.variables().keySet(), network.spec().qualifiedWeights().keySet());
    }
  }

  @Test
  void refusesConnectionsThatANestedModelCannotHave() {
    String call = "[[[\"F\", 0, 0, {}]]]";
    String one = "[[\"d\", 0, 0]]";
    assertRefused(
        nested(one, call, "0"),
        "An output is output 0 of call 0 of layer inner, which the model does not have");
    assertRefused(
        nested(one, "[[[\"F\", 0, 0, {}], [\"F\", 0, 0, {}]]]", "1"),
        "Functional \"inner\": is called with [float32 [-1, 4], float32 [-1, 4]], expected"
            + " [float32 [-1, 4]]");
    assertRefused(
        nested(one, "[[[\"F\", 0, 0, {\"training\": true}]]]", "1"),
        "Functional \"inner\": is called with training = true");
    assertRefused(
        nested(one, "[[[\"_CONSTANT_VALUE\", -1, 3.0, {}]]]", "1"),
        "is called with 3.0; only tensors of other layers are supported");
    assertRefused(
        nested(one, "[[[\"F\", 0, 1, {}]]]", "1"),
        "A tensor is output 1 of call 0 of layer F, which has 1 output");
    assertRefused(nested(one, "[7]", "1"), "expected an inbound node as Keras 3 writes it");
  }

  @Test
  void takesLayersOfTheUsers() {
    String config =
        CONFIG.replace(
            "\"module\": \"keras.layers\", \"class_name\": \"Dropout\"",
            "\"module\": \"mine\", \"class_name\": \"MyDropout\"");
    LayerRegistry registry =
        StandardLayers.registry()
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
    assertRefused(config, "unknown layer MyDropout");
  }
}
