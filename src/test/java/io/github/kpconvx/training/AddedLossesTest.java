package io.github.kpconvx.training;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

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
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Layers of several weights, and losses that layers add when they are called, as Keras has them.
 */
class AddedLossesTest {
  static Stream<Path> cases() {
    return Fixtures.directories(Path.of("savedmodels/training_added_losses"));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void areTrainedAndMeasuredAsInKeras(Path directory) {
    Map<String, NpyArray> golden = NpzFile.read(directory.resolve("golden.npz"));
    Map<String, NpyArray> data = NpzFile.read(directory.resolve("data.npz"));
    List<NpyArray> x = data.get("x").unstack();
    List<NpyArray> labels = data.get("labels").unstack();
    List<Example> list = new ArrayList<>();
    for (int i = 0; i < x.size(); i++) {
      list.add(new Example(Map.of("x", x.get(i)), labels.get(i)));
    }
    ExampleSet examples = ExampleSet.of(list);
    TrainingSettings settings =
        TrainingSettings.builder()
            .learningRate(new LearningRate.Constant(0.02))
            .batchSize(list.size())
            .epochs(3)
            .build();
    Path model = directory.resolve("model.keras");
    try (Trainer trainer =
            new Trainer(
                KPConvX.loader(model).config().orElseThrow(), StandardLayers.registry(), settings);
        StoredModel storedFile = StoredModel.open(model);
        WeightStore stored = storedFile.weights()) {
      trainer.loadWeights(stored, KernelPoints.fromFileOnly());
      float[] evaluated = golden.get("evaluated").toFloats();
      assertEquals(evaluated[0], trainer.evaluate(examples).loss(), 1e-5 * evaluated[0]);
      List<Double> losses = new ArrayList<>();
      trainer.fit(examples, TrainingListener.onEpoch(epoch -> losses.add(epoch.training().loss())));
      float[] expected = golden.get("losses").toFloats();
      assertEquals(expected.length, losses.size());
      for (int i = 0; i < expected.length; i++) {
        assertEquals(expected[i], losses.get(i), 1e-5 * expected[i], "loss of epoch " + (i + 1));
      }
      assertEquals(evaluated[1], trainer.evaluate(examples).loss(), 1e-5 * evaluated[1]);
      Map<String, NpyArray> weights = trainer.weights();
      assertEquals(golden.size() - 2, weights.size());
      weights.forEach(
          (name, array) ->
              assertArrayEquals(
                  golden.get("weights/" + name).toFloats(), array.toFloats(), 1e-4f, name));
    }
  }
}
