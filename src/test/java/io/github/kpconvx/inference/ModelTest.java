package io.github.kpconvx.inference;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.Fixtures;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.network.ModelWriter;
import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.numpy.NpzFile;
import io.github.kpconvx.tensor.Tensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.MetaGraphDef;
import org.tensorflow.proto.SavedModel;
import org.tensorflow.proto.SignatureDef;
import org.tensorflow.proto.TensorInfo;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;

class ModelTest {
  private static final Path CASE = Fixtures.of("network_segmentation");
  private static final Map<String, NpyArray> INPUTS = NpzFile.read(CASE.resolve("inputs.npz"));

  private static Model load(Engine engine) {
    return KPConvX.loader(CASE.resolve("saved_model")).withEngine(engine).load();
  }

  private static float[] predict(Model model, Map<String, NpyArray> inputs) {
    return Tensors.with(
        inputs,
        tensors -> {
          try (Prediction prediction = model.predict(tensors)) {
            return Tensors.toArray(prediction.get("output_0")).toFloats();
          }
        });
  }

  @ParameterizedTest
  @EnumSource
  void sixteenThreadsGetTheSequentialAnswerBitForBit(Engine engine) throws Exception {
    List<Map<String, NpyArray>> questions = new ArrayList<>();
    for (int q = 0; q < 16; q++) {
      Map<String, NpyArray> question = new HashMap<>(INPUTS);
      float[] f = INPUTS.get("F").toFloats();
      for (int i = 0; i < f.length; i++) {
        f[i] += q * 0.1f;
      }
      question.put("F", NpyArray.of(f, INPUTS.get("F").shape()));
      questions.add(question);
    }
    ExecutorService threads = Executors.newFixedThreadPool(16);
    try (Model model = load(engine)) {
      List<float[]> expected =
          questions.stream().map(question -> predict(model, question)).toList();
      for (int round = 0; round < 20; round++) {
        List<Future<float[]>> answers = new ArrayList<>();
        for (Map<String, NpyArray> question : questions) {
          answers.add(threads.submit(() -> predict(model, question)));
        }
        for (int q = 0; q < 16; q++) {
          assertArrayEquals(expected.get(q), answers.get(q).get());
        }
      }
    } finally {
      threads.shutdownNow();
    }
  }

  @ParameterizedTest
  @EnumSource
  void saysWhatIsWrongWithTheInputs(Engine engine) {
    NpyArray x = INPUTS.get("X");
    NpyArray f = INPUTS.get("F");
    NpyArray n = INPUTS.get("N");
    int[] outside = n.toInts();
    try (Model model = load(engine)) {
      assertRefused(model, Map.of("X", x, "F", f), "Expected the inputs");
      assertRefused(model, Map.of("X", x, "F", f, "N", n, "M", n), "M");
      assertRefused(
          model,
          with("F", NpyArray.of(f.toFloats(), f.size())),
          "expected float32 (None, None, 4)");
      assertRefused(
          model,
          with("X", NpyArray.of(new float[2 * 24 * 2], 2, 24, 2)),
          "expected float32 (None, None, 3)");
      assertRefused(
          model,
          with("N", NpyArray.of(new long[n.size()], n.shape())),
          "N is int64 (2, 24, 12), expected int32");
      String disagree =
          engine != Engine.SAVEDMODEL ? "X, F and N disagree in (B, R)" : "ncompatible";
      String message =
          assertRefused(model, with("N", NpyArray.of(new int[12 * 12 * 2], 2, 12, 12)), disagree);
      assertTrue(message.contains("N int32 (2, 12, 12)"), message);
      message =
          assertRefused(
              model, with("X", NpyArray.of(new float[24 * 3], 1, 24, 3)), "Prediction failed for ");
      assertTrue(message.contains("X float32 (1, 24, 3)"), message);
      for (int wrong : new int[] {-1, 24}) {
        outside[40] = wrong;
        message =
            assertRefused(model, with("N", NpyArray.of(outside, n.shape())), String.valueOf(wrong));
        assertTrue(message.contains("24"), message);
        assertTrue(message.lines().count() == 1, message);
      }
      assertRefused(model, INPUTS, "Unknown output nothing", "nothing");
    }
  }

  /** The case's network with other names for its inputs. */
  private static Model renamed(String x, String f, String n) {
    String config =
        Fixtures.text(CASE.resolve("config.json"))
            .replace("\"X\"", "\"" + x + "\"")
            .replace("\"F\"", "\"" + f + "\"")
            .replace("\"N\"", "\"" + n + "\"");
    return KPConvX.loader(CASE.resolve("model.weights.h5"))
        .withConfig(KerasObject.parse(config))
        .load();
  }

  @Test
  void namesAloneTellWhichInputIsWhich() {
    try (Model model = renamed("coords", "rgb", "idx");
        TFloat32 x = (TFloat32) Tensors.of(INPUTS.get("X"));
        TFloat32 f = (TFloat32) Tensors.of(INPUTS.get("F"));
        TInt32 n = (TInt32) Tensors.of(INPUTS.get("N"))) {
      String message =
          assertThrows(ModelException.class, () -> model.predict(x, f, n)).getMessage();
      assertTrue(message.contains("coords float32 (None, None, 3)"), message);
      assertTrue(message.contains("idx int32 (None, None, None)"), message);
      assertRefused(model, INPUTS, "Expected the inputs coords");
      try (Prediction answer = model.predict(Map.of("coords", x, "rgb", f, "idx", n));
          Model original = load(Engine.FOLDED);
          TFloat32 expected = original.predict(x, f, n)) {
        assertArrayEquals(
            Tensors.toArray(expected).toFloats(),
            Tensors.toArray(answer.get("output_0")).toFloats());
      }
    }
  }

  /** Inputs of a hierarchy have as many points as their depth. */
  @Test
  void inputsAgreeInWhatTheGraphAsksForAndNoMore(@TempDir Path folder) {
    String dense =
        "{'class_name': 'Dense', 'name': '%1$s', 'config': {'name': '%1$s', 'units': 2},"
            + " 'inbound_nodes': [[['%2$s', 0, 0, {}]]]}";
    String input =
        "{'class_name': 'InputLayer', 'name': '%1$s', 'config': {'name': '%1$s',"
            + " 'batch_input_shape': [null, null, %2$d], 'dtype': '%3$s'}, 'inbound_nodes': []}";
    String config =
        ("{'class_name': 'Functional', 'config': {'name': 'deep', 'layers': ["
                + String.join(
                    ", ",
                    input.formatted("F_1", 4, "float32"),
                    input.formatted("X_2", 3, "float32"),
                    input.formatted("NU_2", 1, "int32"),
                    dense.formatted("a", "F_1"),
                    dense.formatted("b", "X_2"))
                + "], 'input_layers': [['F_1', 0, 0], ['X_2', 0, 0], ['NU_2', 0, 0]],"
                + " 'output_layers': [['a', 0, 0], ['b', 0, 0], ['NU_2', 0, 0]]}}")
            .replace('\'', '"');
    Path file = folder.resolve("deep.weights.h5");
    try (TFloat32 a = TFloat32.tensorOf(Shape.of(4, 2));
        TFloat32 b = TFloat32.tensorOf(Shape.of(3, 2));
        TFloat32 bias = TFloat32.tensorOf(Shape.of(2))) {
      ModelWriter.of(KerasObject.parse(config), StandardLayers.registry())
          .write(file, Map.of("a/kernel", a, "b/kernel", b, "a/bias", bias, "b/bias", bias));
    }
    try (Model model = KPConvX.loader(file).withConfig(KerasObject.parse(config)).load()) {
      Map<String, NpyArray> inputs =
          Map.of(
              "F_1", NpyArray.of(new float[32], 1, 8, 4),
              "X_2", NpyArray.of(new float[6], 1, 2, 3),
              "NU_2", NpyArray.of(new int[] {0, 1, 1, 0, 1, 0, 1, 1}, 1, 8, 1));
      Map<String, NpyArray> found = model.predictArrays(inputs, model.outputs().keySet());
      assertArrayEquals(new long[] {1, 8, 2}, found.get("output_0").shape());
      assertArrayEquals(new long[] {1, 2, 2}, found.get("output_1").shape());
      assertArrayEquals(inputs.get("NU_2").toInts(), found.get("output_2").toInts());
    }
  }

  @ParameterizedTest
  @EnumSource
  void tensorsThatAreNoneAreNamed(Engine engine) {
    try (Model model = load(engine);
        Tensor f = Tensors.of(INPUTS.get("F"));
        Tensor n = Tensors.of(INPUTS.get("N"))) {
      Map<String, Tensor> given = new HashMap<>(Map.of("F", f, "N", n));
      given.put("X", null);
      assertEquals(
          "Input X is null, expected float32 (None, None, 3)",
          assertThrows(ModelException.class, () -> model.predict(given)).getMessage());
      Tensor closed = Tensors.of(INPUTS.get("X"));
      closed.close();
      given.put("X", closed);
      assertEquals(
          "Input X is a closed tensor",
          assertThrows(ModelException.class, () -> model.predict(given)).getMessage());
    }
  }

  /** Threads that never stop asking hold nothing up; what has begun is answered. */
  @ParameterizedTest
  @EnumSource
  void closeRefusesNewPredictionsAndWaitsForThoseUnderWay(Engine engine) throws Exception {
    Model model = load(engine);
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try {
      CountDownLatch underWay = new CountDownLatch(8);
      List<Future<String>> ends = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        ends.add(
            threads.submit(
                () -> {
                  while (true) {
                    try {
                      predict(model, INPUTS);
                      underWay.countDown();
                    } catch (ModelException e) {
                      return e.getMessage();
                    }
                  }
                }));
      }
      assertTrue(underWay.await(60, TimeUnit.SECONDS));
      assertTimeoutPreemptively(java.time.Duration.ofSeconds(20), model::close);
      for (Future<String> end : ends) {
        assertEquals("The model is closed", end.get(20, TimeUnit.SECONDS));
      }
      model.close();
    } finally {
      threads.shutdownNow();
    }
  }

  @ParameterizedTest
  @EnumSource
  void refusesCoordinatesThatAreNoNumbers(Engine engine) {
    try (Model model = load(engine)) {
      for (float value : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
        float[] x = INPUTS.get("X").toFloats();
        x[3 * 25 + 2] = value;
        assertRefused(
            model,
            with("X", NpyArray.of(x, INPUTS.get("X").shape())),
            "X holds a coordinate that is not finite: "
                + value
                + " at (batch element, point, axis) = (1, 1, 2)");
      }
    }
  }

  @Test
  void aClosedPredictionSaysSo() {
    try (Model model = load(Engine.FOLDED)) {
      Tensors.with(
          INPUTS,
          tensors -> {
            Prediction prediction = model.predict(tensors);
            assertEquals(Set.of("output_0"), prediction.tensors().keySet());
            prediction.close();
            prediction.close();
            for (Executable read :
                List.<Executable>of(prediction::tensors, () -> prediction.get("output_0"))) {
              String message = assertThrows(ModelException.class, read).getMessage();
              assertTrue(message.startsWith("The prediction is closed"), message);
            }
            return null;
          });
    }
  }

  private static Map<String, NpyArray> with(String name, NpyArray array) {
    Map<String, NpyArray> inputs = new HashMap<>(INPUTS);
    inputs.put(name, array);
    return inputs;
  }

  private static String assertRefused(
      Model model, Map<String, NpyArray> inputs, String reason, String... outputs) {
    String message =
        assertThrows(
                ModelException.class,
                () ->
                    Tensors.with(
                        inputs,
                        tensors -> {
                          try (Prediction prediction =
                              outputs.length == 0
                                  ? model.predict(tensors)
                                  : model.predict(tensors, Set.of(outputs))) {
                            return prediction.tensors().size();
                          }
                        }))
            .getMessage();
    assertTrue(message.contains(reason), message);
    return message;
  }

  @ParameterizedTest
  @CsvSource({"Nowhere:0, named [Nowhere:0]", "StatefulPartitionedCall:9999, 9999", "'', named []"})
  void aSignatureWithoutItsTensorIsOneError(String tensor, String named, @TempDir Path directory)
      throws IOException {
    Path sound = CASE.resolve("saved_model");
    SavedModel.Builder model =
        SavedModel.parseFrom(Files.readAllBytes(sound.resolve("saved_model.pb"))).toBuilder();
    MetaGraphDef.Builder graph = model.getMetaGraphsBuilder(0);
    SignatureDef.Builder signature = graph.getSignatureDefOrThrow("serving_default").toBuilder();
    TensorInfo output = signature.getOutputsOrThrow("output_0");
    signature.putOutputs("output_0", output.toBuilder().setName(tensor).build());
    graph.putSignatureDef("serving_default", signature.build());
    Files.write(directory.resolve("saved_model.pb"), model.build().toByteArray());
    Path variables = Files.createDirectory(directory.resolve("variables"));
    for (String file : List.of("variables.index", "variables.data-00000-of-00001")) {
      Files.copy(sound.resolve("variables").resolve(file), variables.resolve(file));
    }
    KPConvX.Loader loader = KPConvX.loader(directory).withEngine(Engine.SAVEDMODEL);
    assertLoadRefused(loader, "signature serving_default names what its graph does not have");
    assertLoadRefused(loader, named);
  }

  @ParameterizedTest
  @ValueSource(strings = {"WriteFile", "ReadFile"})
  void runsNoStoredOperationThatReachesBeyondTheModel(String operation, @TempDir Path directory)
      throws IOException {
    Path sound = CASE.resolve("saved_model");
    SavedModel.Builder model =
        SavedModel.parseFrom(Files.readAllBytes(sound.resolve("saved_model.pb"))).toBuilder();
    model
        .getMetaGraphsBuilder(0)
        .getGraphDefBuilder()
        .getLibraryBuilder()
        .getFunctionBuilder(0)
        .addNodeDefBuilder()
        .setName("reaches_out")
        .setOp(operation);
    Files.write(directory.resolve("saved_model.pb"), model.build().toByteArray());
    KPConvX.Loader loader = KPConvX.loader(directory).withEngine(Engine.SAVEDMODEL);
    assertLoadRefused(loader, operation + " (node reaches_out of the function ");
  }

  @Test
  void anOptionLeavesTheLoaderAsItWas() {
    KPConvX.Loader loader = KPConvX.loader(CASE.resolve("saved_model"));
    KPConvX.Loader other = loader.withEngine(Engine.SAVEDMODEL).withSignature("serve");
    try (Model model = loader.load();
        Model stored = other.load()) {
      assertEquals(Engine.FOLDED, model.engine());
      assertEquals("the network was rebuilt from its configuration", model.engineReason());
      assertEquals(Engine.SAVEDMODEL, stored.engine());
      assertEquals("it was asked for", stored.engineReason());
    }
    assertLoadRefused(other.withSignature("x"), "has no signature x");
    other.load().close();
  }

  @Test
  void saysWhatIsWrongWithTheModel() {
    assertLoadRefused(KPConvX.loader(Path.of("nowhere")), "No such file");
    assertLoadRefused(KPConvX.loader(Path.of("src")), "no SavedModel");
    assertLoadRefused(KPConvX.loader(CASE.resolve("model.weights.h5")), "no model configuration");
    assertLoadRefused(
        KPConvX.loader(CASE.resolve("model.keras")).withEngine(Engine.SAVEDMODEL),
        "runs a SavedModel directory");
    assertLoadRefused(
        KPConvX.loader(CASE.resolve("saved_model"))
            .withEngine(Engine.SAVEDMODEL)
            .withSignature("x"),
        "has no signature x, expected one of");
    assertLoadRefused(
        KPConvX.loader(Fixtures.of("original").resolve("model.keras")), "holds no kernel points Q");
    KerasObject other =
        KerasObject.parse(Fixtures.text(Fixtures.of("wide").resolve("config.json")));
    assertLoadRefused(KPConvX.loader(CASE.resolve("model.keras")).withConfig(other), "model.keras");
  }

  private static void assertLoadRefused(KPConvX.Loader loader, String reason) {
    KerasException error = assertThrows(KerasException.class, loader::load);
    assertTrue(error.getMessage().contains(reason), error.getMessage());
  }

  @Test
  void aSingleLayersConfigurationIsEnough() {
    Path directory = Fixtures.of("defaults");
    KerasObject model = KerasObject.parse(Fixtures.text(directory.resolve("config.json")));
    KerasObject layer = KerasObject.of(model.config().elements("layers").get(3));
    float[] golden = NpzFile.read(directory.resolve("golden.npz")).get("output_0").toFloats();
    try (Model loaded =
        KPConvX.loader(directory.resolve("model.weights.h5")).withConfig(layer).load()) {
      assertEquals(Set.of("X", "F", "N"), loaded.inputs().keySet());
      assertArrayEquals(
          golden, predict(loaded, NpzFile.read(directory.resolve("inputs.npz"))), 1e-5f);
    }
  }

  @Test
  void anOutputMayBeAskedForAsAStageToo() {
    try (Model model = load(Engine.FOLDED)) {
      Map<String, NpyArray> found =
          model.predictArrays(INPUTS, List.of("output_0", "conv", "classes", "output_0"));
      assertEquals(List.of("output_0", "conv", "classes"), List.copyOf(found.keySet()));
      assertArrayEquals(found.get("output_0").toFloats(), found.get("classes").toFloats());
    }
  }

  @Test
  void predictsFromThreeTensors() {
    try (Model model = load(Engine.FOLDED)) {
      float[] expected = NpzFile.read(CASE.resolve("golden.npz")).get("output_0").toFloats();
      float[] found =
          Tensors.with(
              INPUTS,
              tensors -> {
                try (Tensor y =
                    model.predict(
                        (org.tensorflow.types.TFloat32) tensors.get("X"),
                        (org.tensorflow.types.TFloat32) tensors.get("F"),
                        (org.tensorflow.types.TInt32) tensors.get("N"))) {
                  return Tensors.toArray(y).toFloats();
                }
              });
      assertArrayEquals(expected, found, 1e-5f);
    }
  }
}
