package io.github.kpconvx.training;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.Fixtures;
import io.github.kpconvx.inference.StandardLayers;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.file.StoredModel;
import io.github.kpconvx.keras.weights.WeightStore;
import io.github.kpconvx.layer.KernelPoints;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.LayerCall;
import io.github.kpconvx.network.LayerRegistry;
import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.training.TrainingSettings.Monitor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;

class TrainerTest {
  private static final int POINTS = 24;
  private static final int SLOTS = 8;
  private static final int CLASSES = 5;
  private static final TrainingListener NOBODY = TrainingListener.none();

  @TempDir private Path directory;

  /** Dense, BatchNormalization, LeakyReLU, KPConvX, Dropout, Dense with softmax to five classes. */
  private static KerasObject model() {
    Path config = Fixtures.of("network_segmentation").resolve("config.json");
    return KerasObject.parse(Fixtures.text(config));
  }

  static TrainingSettings.Builder settings() {
    return TrainingSettings.builder()
        .epochs(3)
        .learningRate(new LearningRate.Constant(0.01))
        .seed(11);
  }

  /** Points whose class is told by their first feature. */
  static ExampleSet examples(int count, long seed) {
    List<Example> examples = new ArrayList<>();
    Random random = new Random(seed);
    for (int i = 0; i < count; i++) {
      float[] x = new float[POINTS * 3];
      float[] f = new float[POINTS * 4];
      int[] n = new int[POINTS * SLOTS];
      int[] labels = new int[POINTS];
      for (int j = 0; j < x.length; j++) {
        x[j] = random.nextFloat();
      }
      for (int j = 0; j < n.length; j++) {
        n[j] = random.nextInt(POINTS);
      }
      for (int j = 0; j < POINTS; j++) {
        labels[j] = random.nextInt(CLASSES);
        for (int c = 0; c < 4; c++) {
          f[4 * j + c] = (float) (0.1 * random.nextGaussian() + (c == 0 ? labels[j] : 0));
        }
      }
      examples.add(example(x, f, n, labels));
    }
    return ExampleSet.of(examples);
  }

  private static Example example(float[] x, float[] f, int[] n, int[] labels) {
    return new Example(
        Map.of(
            "X", NpyArray.of(x, POINTS, 3),
            "F", NpyArray.of(f, POINTS, 4),
            "N", NpyArray.of(n, POINTS, SLOTS)),
        NpyArray.of(labels, labels.length));
  }

  static Trainer trainer(TrainingSettings.Builder settings) {
    return new Trainer(model(), StandardLayers.registry(), settings.build());
  }

  private Map<String, NpyArray> trained(
      TrainingSettings.Builder settings, Optional<Path> checkpoint) {
    try (Trainer trainer = trainer(settings)) {
      trainer.initialize();
      checkpoint.ifPresent(trainer::saveTo);
      trainer.fit(examples(6, 1), NOBODY);
      return trainer.weights();
    }
  }

  static void assertSame(Map<String, NpyArray> expected, Map<String, NpyArray> found) {
    assertEquals(expected.keySet(), found.keySet());
    expected.forEach(
        (name, array) -> assertArrayEquals(array.toFloats(), found.get(name).toFloats(), name));
  }

  @Test
  void learnsFromFreshWeights() {
    try (Trainer trainer = trainer(settings().epochs(60).batchSize(2))) {
      trainer.initialize();
      ExampleSet validation = examples(3, 2);
      Metrics before = trainer.evaluate(validation);
      List<Double> losses = new ArrayList<>();
      trainer.fit(
          examples(12, 1),
          validation,
          TrainingListener.onEpoch(
              epoch -> {
                assertEquals(6L * epoch.number(), epoch.globalStep());
                losses.add(epoch.training().loss());
              }));
      assertEquals(60, losses.size());
      assertTrue(losses.get(59) < 0.5 * losses.get(0), losses.toString());
      Metrics after = trainer.evaluate(validation);
      assertTrue(after.accuracy() > 0.8, "accuracy " + after.accuracy());
      assertTrue(after.meanIou() > before.meanIou());
      assertEquals(360, trainer.steps());
    }
  }

  @Test
  void aSeedMakesARunRepeatable() {
    assertSame(trained(settings(), Optional.empty()), trained(settings(), Optional.empty()));
    Map<String, NpyArray> other = trained(settings().seed(12), Optional.empty());
    assertFalse(
        Arrays.equals(
            trained(settings(), Optional.empty()).get("conv/W").toFloats(),
            other.get("conv/W").toFloats()));
  }

  /** Stops as a killed process does: in the middle of an epoch, with nothing but the checkpoint. */
  private static final class Killed extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 7})
  void aResumedRunEndsWithTheWeightsThatItWouldHaveHad(int death) {
    Map<String, NpyArray> expected = trained(settings(), Optional.empty());
    Path checkpoint = directory.resolve("run.npz");
    try (Trainer trainer = trainer(settings().checkpointSteps(2))) {
      trainer.initialize();
      trainer.saveTo(checkpoint);
      assertThrows(
          Killed.class,
          () ->
              trainer.fit(
                  examples(6, 1),
                  TrainingListener.onStep(
                      step -> {
                        if (step.globalStep() == death) {
                          throw new Killed();
                        }
                      })));
    }
    try (Trainer trainer = trainer(settings().checkpointSteps(2))) {
      trainer.initialize();
      if (Files.exists(checkpoint)) {
        trainer.resume(checkpoint);
        assertTrue(trainer.steps() < death + 1 && trainer.steps() >= death - 2);
      }
      trainer.saveTo(checkpoint);
      trainer.fit(examples(6, 1), NOBODY);
      assertSame(expected, trainer.weights());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {4, 6, 11, 17})
  @Tag(Fixtures.FULL)
  void whereverItWasKilled(int death) {
    aResumedRunEndsWithTheWeightsThatItWouldHaveHad(death);
  }

  @Test
  void refusesTheCheckpointOfAnotherRun() throws Exception {
    Path checkpoint = directory.resolve("run.npz");
    trained(settings().epochs(1), Optional.of(checkpoint));
    byte[] before = Files.readAllBytes(checkpoint);
    try (Trainer trainer = trainer(settings().seed(5))) {
      String message =
          assertThrows(TrainingException.class, () -> trainer.resume(checkpoint)).getMessage();
      assertTrue(message.contains("another network or of other settings"), message);
      assertTrue(message.contains("seed 11"), message);
    }
    ObjectNode other = model().json();
    other.withObject("/config").put("name", "other");
    try (Trainer trainer =
        new Trainer(KerasObject.of(other), StandardLayers.registry(), settings().build())) {
      assertThrows(TrainingException.class, () -> trainer.resume(checkpoint));
    }
    Path garbage = Files.writeString(directory.resolve("garbage.npz"), "garbage");
    try (Trainer trainer = trainer(settings())) {
      String message =
          assertThrows(TrainingException.class, () -> trainer.resume(garbage)).getMessage();
      assertTrue(message.contains("no checkpoint"), message);
      // More epochs go on with the same run.
      assertArrayEquals(before, Files.readAllBytes(checkpoint));
      trainer.resume(checkpoint);
      assertEquals(6, trainer.steps());
    }
  }

  @Test
  void aLossThatIsNoNumberEndsTrainingAndKeepsTheCheckpoint() throws Exception {
    Path checkpoint = directory.resolve("run.npz");
    trained(settings().epochs(1), Optional.of(checkpoint));
    byte[] before = Files.readAllBytes(checkpoint);
    ExampleSet good = examples(6, 1);
    List<Example> bad = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      Example example = good.get(i, new Random());
      Map<String, NpyArray> inputs = new HashMap<>(example.inputs());
      float[] f = inputs.get("F").toFloats();
      f[3] = Float.NaN;
      inputs.put("F", NpyArray.of(f, POINTS, 4));
      bad.add(new Example(inputs, example.labels()));
    }
    try (Trainer trainer = trainer(settings())) {
      trainer.resume(checkpoint);
      trainer.saveTo(checkpoint);
      String message =
          assertThrows(TrainingException.class, () -> trainer.fit(ExampleSet.of(bad), NOBODY))
              .getMessage();
      assertTrue(message.contains("loss of step 7 is NaN"), message);
    }
    assertArrayEquals(before, Files.readAllBytes(checkpoint));
  }

  @Test
  void earlyStoppingEndsWithTheBestWeights() {
    ExampleSet validation = examples(3, 2);
    List<Double> monitored = new ArrayList<>();
    try (Trainer trainer =
        trainer(
            settings()
                .epochs(40)
                .learningRate(new LearningRate.Constant(0.05))
                .monitor(Monitor.LOSS)
                .patience(2))) {
      trainer.initialize();
      trainer.fit(
          examples(6, 1),
          validation,
          TrainingListener.onEpoch(
              epoch -> monitored.add(epoch.validation().orElseThrow().loss())));
      assertTrue(monitored.size() < 40, monitored.toString());
      double lowest = monitored.stream().mapToDouble(Double::doubleValue).min().orElseThrow();
      assertEquals(lowest, monitored.get(monitored.size() - 3));
      assertEquals(lowest, trainer.evaluate(validation).loss(), 1e-6);
    }
  }

  @Test
  void frozenLayersKeepTheirWeights() {
    KerasObject frozen = FrozenLayers.freeze(model(), List.of("stem", "conv", "stem_norm"));
    try (Trainer trainer = new Trainer(frozen, StandardLayers.registry(), settings().build());
        StoredModel storeFile =
            StoredModel.open(Fixtures.of("network_segmentation").resolve("model.keras"));
        WeightStore store = storeFile.weights()) {
      trainer.loadWeights(store, KernelPoints.fromFileOnly());
      Map<String, NpyArray> before = trainer.weights();
      trainer.fit(examples(6, 1), NOBODY);
      Map<String, NpyArray> after = trainer.weights();
      after.forEach(
          (name, array) ->
              assertEquals(
                  !name.startsWith("classes/"),
                  Arrays.equals(array.toFloats(), before.get(name).toFloats()),
                  name));
    }
    String message =
        assertThrows(TrainingException.class, () -> FrozenLayers.freeze(model(), List.of("steam")))
            .getMessage();
    assertTrue(message.contains("\"steam\"") && message.contains("stem_norm"), message);
    KerasObject all = FrozenLayers.freeze(model(), List.of("stem", "conv", "stem_norm", "classes"));
    message =
        assertThrows(
                TrainingException.class,
                () -> new Trainer(all, StandardLayers.registry(), settings().build()))
            .getMessage();
    assertTrue(message.contains("every layer is frozen"), message);
  }

  @Test
  void frozenLayersHaveNamesThatAreTexts() {
    for (String name : List.of("7", "true", "null", "[]", "{}")) {
      KerasObject damaged =
          KerasObject.parse(model().toString().replace("\"name\":\"stem\"", "\"name\":" + name));
      String message =
          assertThrows(
                  KerasException.class, () -> FrozenLayers.freeze(damaged, List.of("conv", name)))
              .getMessage();
      assertTrue(message.contains("name = " + name + ", expected a string"), message);
    }
  }

  @Test
  void refusesExamplesThatDoNotFit() {
    try (Trainer trainer = trainer(settings().batchSize(2))) {
      trainer.initialize();
      refused(trainer, List.of(), "no examples of training data");
      Example good = examples(1, 1).get(0, new Random());
      int[] labels = good.labels().toInts();
      labels[3] = CLASSES;
      refused(
          trainer,
          List.of(new Example(good.inputs(), NpyArray.of(labels, POINTS))),
          "Label 5 of point 3 of example 0 is out of range, expected 0 to 4");
      refused(
          trainer,
          List.of(new Example(good.inputs(), NpyArray.of(new float[POINTS], POINTS))),
          "The labels of example 0: float32 (24) is not int32, nor converted to it");
      refused(
          trainer,
          List.of(new Example(good.inputs(), NpyArray.of(new int[3], 3))),
          "Example 0 does not fit the network or its labels");
      Map<String, NpyArray> fewer = new HashMap<>(good.inputs());
      fewer.remove("N");
      refused(trainer, List.of(new Example(fewer, good.labels())), "the network takes [X, F, N]");
      Map<String, NpyArray> other = new HashMap<>(good.inputs());
      other.put("X", NpyArray.of(new float[30], 10, 3));
      refused(trainer, List.of(good, new Example(other, good.labels())), "differ in their input X");
    }
  }

  private static void refused(Trainer trainer, List<Example> examples, String expected) {
    String message =
        assertThrows(TrainingException.class, () -> trainer.fit(ExampleSet.of(examples), NOBODY))
            .getMessage();
    assertTrue(message.contains(expected), message);
  }

  @Test
  void ignoredLabelsAndClassWeightsCountAsTheyShould() {
    Example good = examples(1, 1).get(0, new Random());
    int[] labels = good.labels().toInts();
    int[] some = labels.clone();
    for (int i = 0; i < POINTS / 2; i++) {
      some[i] = -7;
    }
    double all = loss(ClassificationLoss.DEFAULT, new Example(good.inputs(), good.labels()));
    ClassificationLoss ignoring =
        new ClassificationLoss(
            ClassificationLoss.Labels.SPARSE, false, List.of(), OptionalInt.of(-7));
    double half = loss(ignoring, new Example(good.inputs(), NpyArray.of(some, POINTS)));
    int[] rest = labels.clone();
    for (int i = POINTS / 2; i < POINTS; i++) {
      rest[i] = -7;
    }
    double other = loss(ignoring, new Example(good.inputs(), NpyArray.of(rest, POINTS)));
    assertEquals(all, (half + other) / 2, 1e-5);
    ClassificationLoss doubled =
        new ClassificationLoss(
            ClassificationLoss.Labels.SPARSE,
            false,
            List.of(2.0, 2.0, 2.0, 2.0, 2.0),
            OptionalInt.empty());
    assertEquals(2 * all, loss(doubled, good), 1e-5);
    float[] shares = new float[POINTS * CLASSES];
    for (int i = 0; i < POINTS; i++) {
      shares[i * CLASSES + labels[i]] = 1;
    }
    ClassificationLoss dense =
        new ClassificationLoss(
            ClassificationLoss.Labels.DENSE, false, List.of(), OptionalInt.empty());
    assertEquals(
        all, loss(dense, new Example(good.inputs(), NpyArray.of(shares, POINTS, CLASSES))), 1e-5);
    assertThrows(
        TrainingException.class,
        () ->
            loss(
                new ClassificationLoss(
                    ClassificationLoss.Labels.SPARSE, false, List.of(1.0), OptionalInt.empty()),
                good));
  }

  @Test
  void weightsThatAreNoNumbersEndTrainingWithoutACheckpointToo() {
    ClassificationLoss huge =
        new ClassificationLoss(
            ClassificationLoss.Labels.SPARSE,
            false,
            Collections.nCopies(CLASSES, 1e36),
            OptionalInt.empty());
    try (Trainer trainer =
        trainer(
            settings()
                .epochs(1)
                .loss(huge)
                .optimizer(new OptimizerSettings.Sgd(0, false, 0))
                .learningRate(new LearningRate.Constant(1000)))) {
      trainer.initialize();
      String message =
          assertThrows(TrainingException.class, () -> trainer.fit(examples(1, 1), NOBODY))
              .getMessage();
      assertTrue(message.matches("Weight \\S+ holds \\S+ after step 1, expected .*"), message);
    }
  }

  @Test
  void refusesToEvaluateWhereNothingCounts() {
    ClassificationLoss ignoring =
        new ClassificationLoss(
            ClassificationLoss.Labels.SPARSE, false, List.of(), OptionalInt.of(-1));
    Example good = examples(1, 1).get(0, new Random());
    int[] none = new int[POINTS];
    Arrays.fill(none, -1);
    Example ignored = new Example(good.inputs(), NpyArray.of(none, POINTS));
    try (Trainer trainer = trainer(settings().loss(ignoring))) {
      trainer.initialize();
      String message =
          assertThrows(
                  TrainingException.class, () -> trainer.evaluate(ExampleSet.of(List.of(ignored))))
              .getMessage();
      assertTrue(message.contains("has the label that is ignored"), message);
      // One that counts is enough.
      assertEquals(
          POINTS,
          IntStream.range(0, CLASSES)
              .mapToLong(
                  trainer.evaluate(ExampleSet.of(List.of(ignored, good))).confusion()::points)
              .sum());
    }
  }

  @Test
  void refusesToEvaluateALossThatIsNoNumber() {
    Example good = examples(1, 1).get(0, new Random());
    Map<String, NpyArray> inputs = new HashMap<>(good.inputs());
    float[] f = inputs.get("F").toFloats();
    f[3] = Float.NaN;
    inputs.put("F", NpyArray.of(f, POINTS, 4));
    try (Trainer trainer = trainer(settings())) {
      trainer.initialize();
      String message =
          assertThrows(
                  TrainingException.class,
                  () ->
                      trainer.evaluate(
                          ExampleSet.of(List.of(good, new Example(inputs, good.labels())))))
              .getMessage();
      assertTrue(message.contains("The loss of example 1 is NaN"), message);
    }
  }

  @Test
  void anErrorWhileTheGraphIsBuiltClosesIt() {
    List<Graph> graphs = new ArrayList<>();
    LayerRegistry failing =
        StandardLayers.registry()
            .with(
                "Failing",
                object ->
                    new Layer(object) {
                      @Override
                      protected void createWeights(Ops tf, List<Shape> inputs) {
                        graphs.add((Graph) tf.scope().env());
                        throw new StackOverflowError("in a layer");
                      }

                      @Override
                      protected List<Operand<?>> compute(Ops tf, LayerCall call) {
                        return List.of();
                      }
                    });
    ObjectNode model = model().json();
    for (JsonNode layer : model.at("/config/layers")) {
      if (layer.path("class_name").asText().equals("Dropout")) {
        ((ObjectNode) layer).put("class_name", "Failing").put("registered_name", "test>Failing");
      }
    }
    TrainingSettings settings = settings().build();
    assertThrows(
        StackOverflowError.class, () -> new Trainer(KerasObject.of(model), failing, settings));
    assertThrows(IllegalStateException.class, () -> graphs.get(0).operations());
  }

  private static double loss(ClassificationLoss loss, Example example) {
    try (Trainer trainer = trainer(settings().loss(loss))) {
      trainer.initialize();
      return trainer.evaluate(ExampleSet.of(List.of(example))).loss();
    }
  }
}
