package io.github.kpconvx.training;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.kpconvx.Fixtures;
import io.github.kpconvx.ResidentMemory;
import io.github.kpconvx.inference.StandardLayers;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.numpy.NpyArray;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * Resident memory after thousands of steps of training, with validation and checkpoints, is within
 * 2 % of what it was after as many.
 */
@Tag(Fixtures.FULL)
@EnabledOnOs(OS.LINUX)
class TrainingNativeMemoryTest {
  private static final int POINTS = 6;
  private static final int SLOTS = 3;
  private static final int EXAMPLES = 60;
  private static final int STEPS = 3_000;

  @TempDir private Path directory;

  @Test
  void threeThousandSteps() {
    KerasObject model =
        KerasObject.parse(
            Fixtures.text(Fixtures.of("network_segmentation").resolve("config.json")));
    TrainingSettings settings =
        TrainingSettings.builder()
            .epochs(2 * STEPS / EXAMPLES)
            .batchSize(1)
            .learningRate(new LearningRate.Constant(1e-3))
            .seed(3)
            .build();
    Random random = new Random(3);
    List<Example> examples = new ArrayList<>();
    for (int i = 0; i < EXAMPLES; i++) {
      examples.add(example(random));
    }
    List<Long> measured = new ArrayList<>();
    try (Trainer trainer = new Trainer(model, StandardLayers.registry(), settings)) {
      trainer.initialize();
      trainer.saveTo(directory.resolve("checkpoint"));
      trainer.fit(
          ExampleSet.of(examples),
          ExampleSet.of(examples.subList(0, 3)),
          TrainingListener.onStep(
              step -> {
                if (step.globalStep() % STEPS == 0) {
                  measured.add(ResidentMemory.kib());
                }
              }));
    }
    assertEquals(2, measured.size());
    ResidentMemory.assertFlat(measured.get(0), measured.get(1), STEPS);
  }

  private static Example example(Random random) {
    float[] x = new float[POINTS * 3];
    float[] f = new float[POINTS * 4];
    int[] n = new int[POINTS * SLOTS];
    int[] labels = new int[POINTS];
    for (int i = 0; i < x.length; i++) {
      x[i] = random.nextFloat();
    }
    for (int i = 0; i < f.length; i++) {
      f[i] = (float) random.nextGaussian();
    }
    for (int i = 0; i < n.length; i++) {
      n[i] = random.nextInt(POINTS);
    }
    for (int i = 0; i < labels.length; i++) {
      labels[i] = random.nextInt(5);
    }
    return new Example(
        Map.of(
            "X", NpyArray.of(x, POINTS, 3),
            "F", NpyArray.of(f, POINTS, 4),
            "N", NpyArray.of(n, POINTS, SLOTS)),
        NpyArray.of(labels, POINTS));
  }
}
