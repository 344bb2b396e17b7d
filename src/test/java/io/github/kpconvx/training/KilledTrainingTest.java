package io.github.kpconvx.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.Fixtures;
import io.github.kpconvx.numpy.NpyArray;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** A run whose process is killed again and again ends as one that never was. */
@Tag(Fixtures.FULL)
@EnabledOnOs(OS.LINUX)
class KilledTrainingTest {
  private static final int KILLS = 20;
  private static final int EXAMPLES = 6;
  private static final int CHECKPOINT_STEPS = 5;

  /** A process says that it has come so far after at most so many steps, … */
  private static final int TOLD = 15;

  /** … and waits to be killed after so many more, so that the run outlasts all kills. */
  private static final int BEYOND = 15;

  private static final int EPOCHS = KILLS * (TOLD + BEYOND) / EXAMPLES + 1;

  @TempDir private Path folder;

  private static Trainer trainer() {
    return TrainerTest.trainer(
        TrainerTest.settings().epochs(EPOCHS).checkpointSteps(CHECKPOINT_STEPS));
  }

  private static void fit(Trainer trainer, Optional<Path> checkpoint, TrainingListener listener) {
    checkpoint.ifPresent(trainer::saveTo);
    trainer.fit(TrainerTest.examples(EXAMPLES, 1), listener);
  }

  /** The process. */
  static final class Child {
    private Child() {}

    /** Goes on from the checkpoint, if it is there; says so after some steps, if there are any. */
    public static void main(String[] arguments) {
      Path checkpoint = Path.of(arguments[0]);
      int told = Integer.parseInt(arguments[1]);
      try (Trainer trainer = trainer()) {
        if (Files.exists(checkpoint)) {
          trainer.resume(checkpoint);
        } else {
          trainer.initialize();
        }
        long from = trainer.steps();
        fit(
            trainer,
            Optional.of(checkpoint),
            TrainingListener.onStep(
                step -> {
                  if (told > 0 && step.globalStep() == from + told) {
                    System.out.println(step.globalStep());
                  }
                  if (told > 0 && step.globalStep() == from + told + BEYOND) {
                    sleep(TimeUnit.HOURS.toMillis(1));
                  }
                }));
      }
    }
  }

  private static void sleep(long milliseconds) {
    try {
      Thread.sleep(milliseconds);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Process start(Path checkpoint, int told) throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:TieredStopAtLevel=1",
            "-cp",
            System.getProperty("java.class.path"),
            Child.class.getName(),
            checkpoint.toString(),
            "" + told)
        .redirectError(ProcessBuilder.Redirect.DISCARD)
        .start();
  }

  @Test
  void aRunThatWasKilledTwentyTimesEndsWithTheSameWeights() throws Exception {
    Path checkpoint = folder.resolve("run.npz");
    for (int kill = 0; kill < KILLS; kill++) {
      Process process = start(checkpoint, ThreadLocalRandom.current().nextInt(1, TOLD + 1));
      try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
        assertTrue(out.readLine() != null, "ended before it was killed");
        sleep(ThreadLocalRandom.current().nextInt(30));
      } finally {
        process.destroyForcibly();
      }
      assertNotEquals(0, process.waitFor());
    }
    Process last = start(checkpoint, 0);
    try {
      assertEquals(0, last.waitFor());
    } finally {
      last.destroyForcibly();
    }
    Map<String, NpyArray> expected;
    try (Trainer trainer = trainer()) {
      trainer.initialize();
      fit(trainer, Optional.empty(), TrainingListener.none());
      expected = trainer.weights();
    }
    try (Trainer trainer = trainer()) {
      trainer.resume(checkpoint);
      assertEquals(EPOCHS * EXAMPLES, trainer.steps());
      TrainerTest.assertSame(expected, trainer.weights());
    }
  }
}
