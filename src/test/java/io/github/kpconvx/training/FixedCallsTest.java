package io.github.kpconvx.training;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.Fixtures;
import io.github.kpconvx.inference.KPConvX;
import io.github.kpconvx.inference.StandardLayers;
import io.github.kpconvx.keras.file.StoredModel;
import io.github.kpconvx.keras.weights.WeightStore;
import io.github.kpconvx.layer.KernelPoints;
import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.numpy.NpzFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Fine-tuning of Keras 2's models whose layers are called with {@code training=False}. */
class FixedCallsTest {
  private static final TrainingSettings SETTINGS =
      TrainingSettings.builder()
          .optimizer(new OptimizerSettings.Sgd(0, false, 0))
          .learningRate(new LearningRate.Constant(0.05))
          .batchSize(32)
          .epochs(3)
          .build();

  static Stream<Path> cases() {
    return Fixtures.directories(Path.of("savedmodels/training_keras2"))
        .flatMap(Fixtures::directories);
  }

  @ParameterizedTest
  @MethodSource("cases")
  void trainsAsKeras2Does(Path directory) {
    Map<String, NpyArray> golden = NpzFile.read(directory.resolve("golden.npz"));
    Path model = directory.resolve("model.h5");
    List<Float> losses = new ArrayList<>();
    try (Trainer trainer =
            new Trainer(
                KPConvX.loader(model).config().orElseThrow(), StandardLayers.registry(), SETTINGS);
        StoredModel storedFile = StoredModel.open(model);
        WeightStore stored = storedFile.weights()) {
      trainer.loadWeights(stored, KernelPoints.fromFileOnly());
      Map<String, NpyArray> before = trainer.weights();
      trainer.fit(
          examples(directory),
          TrainingListener.onEpoch(epoch -> losses.add((float) epoch.training().loss())));
      float[] found = new float[losses.size()];
      IntStream.range(0, found.length).forEach(i -> found[i] = losses.get(i));
      assertArrayEquals(golden.get("losses").toFloats(), found, 2e-5f);
      Map<String, NpyArray> after = trainer.weights();
      // In the same order; Keras 2 names them by their layer alone.
      Iterator<Map.Entry<String, NpyArray>> expected =
          golden.entrySet().stream().filter(entry -> !entry.getKey().equals("losses")).iterator();
      after.forEach(
          (name, array) -> {
            Map.Entry<String, NpyArray> next = expected.next();
            assertEquals(last(next.getKey()), last(name));
            assertArrayEquals(next.getValue().toFloats(), array.toFloats(), 1e-5f, name);
          });
      assertEquals(golden.size() - 1, after.size());
      assertTrue(after.keySet().stream().anyMatch(name -> name.endsWith("norm/moving_mean")));
      if (directory.endsWith("normalization")) {
        assertArrayEquals(
            before.get("norm/moving_mean").toFloats(), after.get("norm/moving_mean").toFloats());
      }
    }
  }

  private static String last(String path) {
    return path.substring(path.lastIndexOf('/') + 1);
  }

  private static ExampleSet examples(Path directory) {
    Map<String, NpyArray> data = NpzFile.read(directory.resolve("data.npz"));
    List<NpyArray> x = data.get("x").unstack();
    List<NpyArray> labels = data.get("labels").unstack();
    return ExampleSet.of(
        IntStream.range(0, x.size())
            .mapToObj(i -> new Example(Map.of("x", x.get(i)), labels.get(i)))
            .toList());
  }
}
