package io.github.kpconvx.inference;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.Fixtures;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.file.StoredModel;
import io.github.kpconvx.keras.weights.WeightStore;
import io.github.kpconvx.layer.KernelPoints;
import io.github.kpconvx.layer.WeightLoader;
import io.github.kpconvx.network.ModelWriter;
import io.github.kpconvx.network.Network;
import io.github.kpconvx.numpy.NpyArray;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.tensorflow.Graph;
import org.tensorflow.Output;
import org.tensorflow.SavedModelBundle;
import org.tensorflow.Session;
import org.tensorflow.Signature;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.op.strings.Upper;
import org.tensorflow.proto.ConfigProto;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.RunOptions;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TString;
import org.tensorflow.types.family.TType;

/** Graphs that a SavedModel stores, run with limits and looked at. */
class StoredGraphTest {
  private static final Path CASE = Fixtures.of("network_segmentation");

  @TempDir private Path directory;

  /** A model that counts x down from what it is given to 0, one by one. */
  private Path countdown() throws IOException {
    try (Graph graph = new Graph();
        Session session = new Session(graph)) {
      Ops tf = Ops.create(graph);
      Placeholder<TFloat32> x = tf.placeholder(TFloat32.class, Placeholder.shape(Shape.scalar()));
      Output<?>[] ends =
          graph.whileLoop(
              new Output<?>[] {x.asOutput()},
              (condition, in, out) -> out[0] = positive(Ops.create(condition), in[0]),
              (body, in, out) -> out[0] = oneLess(Ops.create(body), in[0]),
              "countdown");
      SavedModelBundle.exporter(directory.resolve("countdown").toString())
          .withSession(session)
          .withSignature(
              Signature.builder("serving_default").input("x", x).output("y", ends[0]).build())
          .export();
    }
    return directory.resolve("countdown");
  }

  private static Output<?> positive(Ops tf, Output<?> x) {
    return tf.math.greater(x.expect(TFloat32.class), tf.constant(0f)).asOutput();
  }

  private static Output<?> oneLess(Ops tf, Output<?> x) {
    return tf.math.sub(x.expect(TFloat32.class), tf.constant(1f)).asOutput();
  }

  @Test
  @Timeout(60)
  void aPredictionThatTakesTooLongIsStopped() throws IOException {
    KPConvX.Loader loader = KPConvX.loader(countdown()).withEngine(Engine.SAVEDMODEL);
    // Of floats this large one less is the same.
    try (Model model = loader.withTimeout(Duration.ofMillis(200)).load();
        Model patient = loader.load();
        TFloat32 endless = TFloat32.scalarOf(1e9f);
        TFloat32 small = TFloat32.scalarOf(2)) {
      String message =
          assertThrows(ModelException.class, () -> model.predict(Map.of("x", endless)))
              .getMessage();
      assertEquals(
          "Prediction was stopped for x float32 (): it took longer than the 200 ms that it was given"
              + " (Loader.withTimeout, --timeout)",
          message);
      RunOptions limit = RunOptions.newBuilder().setTimeoutInMs(100).build();
      message =
          assertThrows(
                  ModelException.class,
                  () -> patient.predict(Map.of("x", endless), List.of("y"), limit))
              .getMessage();
      assertTrue(message.contains("than the 100 ms"), message);
      for (Model each : List.of(model, patient)) {
        try (Prediction y = each.predict(Map.of("x", small))) {
          assertEquals(0, ((TFloat32) y.get("y")).getFloat());
        }
      }
    }
    assertThrows(KerasException.class, () -> loader.withTimeout(Duration.ZERO));
  }

  @Test
  void isRunWhereTheNetworkCannotBeRebuilt() throws IOException {
    Path path = countdown();
    KPConvX.Loader loader = KPConvX.loader(path);
    try (Model model = loader.load();
        TFloat32 two = TFloat32.scalarOf(2);
        Prediction y = model.predict(Map.of("x", two))) {
      assertEquals(Engine.SAVEDMODEL, model.engine());
      assertTrue(model.engineReason().contains("no model configuration"), model.engineReason());
      assertEquals(0, ((TFloat32) y.get("y")).getFloat());
    }
    for (KPConvX.Loader other :
        List.of(
            loader.withEngine(Engine.FOLDED),
            loader.withKernelPoints(KernelPoints.recomputed()),
            loader.withConfig(
                KPConvX.loader(CASE.resolve("model.keras")).config().orElseThrow()))) {
      assertThrows(KerasException.class, other::load);
    }
  }

  @Test
  void stringsGoInAndOut() throws IOException {
    Path model = directory.resolve("upper");
    try (Graph graph = new Graph();
        Session session = new Session(graph)) {
      Ops tf = Ops.create(graph);
      Placeholder<TString> x = tf.placeholder(TString.class, Placeholder.shape(Shape.of(-1)));
      SavedModelBundle.exporter(model.toString())
          .withSession(session)
          .withSignature(
              Signature.builder("serving_default")
                  .input("x", x)
                  .output("y", tf.strings.upper(x, Upper.encoding("utf-8")))
                  .build())
          .export();
    }
    try (Model loaded = KPConvX.loader(model).withEngine(Engine.SAVEDMODEL).load()) {
      List<byte[]> found =
          loaded
              .predictArrays(
                  Map.of("x", NpyArray.ofTexts(List.of("ground", "gebäude"), 2)), List.of("y"))
              .get("y")
              .toByteStrings();
      assertEquals("GEBÄUDE", new String(found.get(1), StandardCharsets.UTF_8));
    }
  }

  @Test
  void variablesThatAreNoNumbersAreRefusedByBothEngines() {
    Path file = CASE.resolve("model.keras");
    Path stored = directory.resolve("stored");
    KerasObject config = KPConvX.loader(file).config().orElseThrow();
    try (StoredModel storeFile = StoredModel.open(file);
        WeightStore store = storeFile.weights();
        Graph graph = new Graph()) {
      Network network = Network.of(config, List.of(), StandardLayers.registry());
      network.outline(Ops.create(graph));
      Map<String, TType> weights =
          WeightLoader.read(network.layers(), network.match(store), KernelPoints.fromFileOnly());
      ((TFloat32) weights.get("classes/bias")).setFloat(Float.NaN, 2);
      ModelWriter.of(config, StandardLayers.registry()).write(stored, weights);
      weights.values().forEach(TType::close);
    }
    for (Engine engine : Engine.values()) {
      KPConvX.Loader loader = KPConvX.loader(stored).withEngine(engine);
      String message = assertThrows(KerasException.class, () -> loader.load().close()).getMessage();
      assertTrue(message.contains("bias") || engine != Engine.SAVEDMODEL, message);
      assertTrue(message.contains(" holds NaN at place 2 of "), message);
    }
  }

  @Test
  void theGraphCanBeLookedAtAndARunTraced() throws IOException {
    ConfigProto config = ConfigProto.newBuilder().setInterOpParallelismThreads(1).build();
    try (Model model =
            KPConvX.loader(countdown())
                .withEngine(Engine.SAVEDMODEL)
                .withConfigProto(config)
                .load();
        TFloat32 x = TFloat32.scalarOf(3)) {
      ModelGraph graph = model.graph(Map.of("x", Shape.scalar()));
      assertTrue(graph.tensors().get("x").startsWith("Placeholder"), graph.tensors().toString());
      assertTrue(
          graph.graph().getNodeList().stream().map(NodeDef::getOp).anyMatch("LoopCond"::equals));
      assertThrows(ModelException.class, () -> model.graph(Map.of()));
      RunOptions traced =
          RunOptions.newBuilder().setTraceLevel(RunOptions.TraceLevel.FULL_TRACE).build();
      try (Prediction y = model.predict(Map.of("x", x), List.of("y"), traced)) {
        assertTrue(y.metadata().orElseThrow().getStepStats().getDevStatsCount() > 0);
      }
      try (Prediction y = model.predict(Map.of("x", x))) {
        assertTrue(y.metadata().isEmpty());
      }
    }
    try (Model model = KPConvX.loader(CASE.resolve("model.keras")).withConfigProto(config).load()) {
      ModelGraph graph =
          model.graph(
              Map.of("X", Shape.of(1, 8, 3), "F", Shape.of(1, 8, 4), "N", Shape.of(1, 8, 2)));
      assertFalse(graph.graph().getNodeList().isEmpty());
      assertTrue(graph.tensors().keySet().containsAll(model.outputs().keySet()));
      assertTrue(graph.tensors().keySet().containsAll(model.stages()));
    }
  }
}
