package io.github.kpconvx.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.Fixtures;
import io.github.kpconvx.PythonEnvironment;
import io.github.kpconvx.inference.StandardLayers;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.file.KerasArchive;
import io.github.kpconvx.keras.weights.WeightStore;
import io.github.kpconvx.layer.KernelPoints;
import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.numpy.NpzFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Whole runs of training against what Keras computes for the same weights and batches: the loss of
 * every step, and all weights after the last.
 */
class TrainingRunTest {
  private static final double TOLERANCE = 1e-3;
  private static final List<String> INPUTS = List.of("X", "F", "N");

  @TempDir private Path folder;

  /** A batch for each epoch, which has but one step. */
  private static final class Batches implements ExampleSet {
    private final Map<String, NpyArray> arrays;
    private final int size;
    private int given;

    Batches(Map<String, NpyArray> arrays) {
      this.arrays = arrays;
      this.size = (int) arrays.get("labels").shape()[1];
    }

    @Override
    public int size() {
      return size;
    }

    @Override
    public Example get(int index, RandomGenerator random) {
      int step = given++ / size;
      Map<String, NpyArray> inputs =
          INPUTS.stream()
              .collect(Collectors.toMap(name -> name, name -> part(arrays.get(name), step, index)));
      return new Example(inputs, part(arrays.get("labels"), step, index));
    }

    private static NpyArray part(NpyArray array, int step, int index) {
      long[] shape = Arrays.copyOfRange(array.shape(), 2, array.shape().length);
      int length = (int) Arrays.stream(shape).reduce(1, (a, b) -> a * b);
      int from = (step * (int) array.shape()[1] + index) * length;
      return array.type() == NpyArray.Type.INT32
          ? NpyArray.of(Arrays.copyOfRange(array.toInts(), from, from + length), shape)
          : NpyArray.of(Arrays.copyOfRange(array.toFloats(), from, from + length), shape);
    }
  }

  @Tag(Fixtures.FULL)
  @Test
  void endsWhereKerasEnds() throws Exception {
    PythonEnvironment.find(".venv-latest")
        .run("-m", "kpconvx_compat.training_run", folder.toString());
    TrainingSettings.Builder settings = TrainingSettings.builder();
    compare("adam", 50, settings.learningRate(new LearningRate.Constant(0.001)));
    compare(
        "adamw",
        20,
        settings
            .learningRate(new LearningRate.Constant(0.002))
            .optimizer(new OptimizerSettings.Adam(0.9, 0.999, 1e-7, 0.05)));
    compare(
        "sgd",
        20,
        settings
            .learningRate(new LearningRate.Constant(0.01))
            .optimizer(new OptimizerSettings.Sgd(0.9, true, 0))
            .loss(
                new ClassificationLoss(
                    ClassificationLoss.Labels.SPARSE,
                    false,
                    List.of(0.5, 1.0, 2.0, 1.5),
                    OptionalInt.empty())));
  }

  private void compare(String run, int steps, TrainingSettings.Builder settings) {
    Path directory = folder.resolve(run);
    Map<String, NpyArray> golden = NpzFile.read(directory.resolve("run.npz"));
    Batches batches = new Batches(golden);
    Map<String, NpyArray> before;
    Map<String, NpyArray> after;
    List<Double> losses = new ArrayList<>();
    try (KerasArchive archive = KerasArchive.open(directory.resolve("model.keras"));
        WeightStore weights = archive.weights();
        Trainer trainer =
            new Trainer(
                KerasObject.of(archive.config()),
                StandardLayers.registry(),
                settings.epochs(steps).batchSize(batches.size()).build())) {
      trainer.loadWeights(weights, KernelPoints.fromFileOnly());
      before = trainer.weights();
      trainer.fit(batches, TrainingListener.onStep(step -> losses.add(step.loss())));
      after = trainer.weights();
    }
    double[] expected = golden.get("losses").toDoubles();
    assertEquals(steps, expected.length);
    assertEquals(steps, losses.size());
    assertTrue(
        expected[steps - 1] < 0.95 * expected[0],
        () -> "no learning: " + Arrays.toString(expected));
    double lossesApart = 0;
    for (int i = 0; i < steps; i++) {
      lossesApart =
          Math.max(lossesApart, Math.abs(losses.get(i) - expected[i]) / Math.abs(expected[i]));
    }
    Map<String, NpyArray> weights = new HashMap<>();
    golden.forEach(
        (name, array) -> {
          if (name.startsWith("weights/")) {
            weights.put(name.substring("weights/".length()), array);
          }
        });
    double weightsApart = apart(weights, after);
    System.out.printf(
        "%s: %d steps, losses from %.4f to %.4f; Java and Keras differ by %.1e of a loss, %.1e in a weight%n",
        run, steps, expected[0], expected[steps - 1], lossesApart, weightsApart);
    assertTrue(lossesApart <= TOLERANCE, () -> run + ": losses " + losses);
    assertTrue(weightsApart <= TOLERANCE, () -> run + ": " + furthest(weights, after));
    // The weights went further than they may differ.
    assertTrue(apart(before, after) > 10 * TOLERANCE);
  }

  private static double apart(Map<String, NpyArray> expected, Map<String, NpyArray> found) {
    assertEquals(expected.keySet(), found.keySet());
    return expected.keySet().stream()
        .mapToDouble(name -> apart(expected.get(name), found.get(name)))
        .reduce(0, Math::max);
  }

  private static double apart(NpyArray expected, NpyArray found) {
    double[] a = expected.toDoubles();
    double[] b = found.toDoubles();
    assertEquals(a.length, b.length);
    double most = 0;
    for (int i = 0; i < a.length; i++) {
      most = Math.max(most, Math.abs(a[i] - b[i]));
    }
    return most;
  }

  private static String furthest(Map<String, NpyArray> expected, Map<String, NpyArray> found) {
    return expected.keySet().stream()
        .map(name -> "%s %.1e".formatted(name, apart(expected.get(name), found.get(name))))
        .collect(Collectors.joining(", "));
  }
}
