package io.github.kpconvx.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Against what Keras 3.15.1 gives for schedules of the same arguments. */
class LearningRateTest {
  private static final long[] STEPS = {0, 1, 3, 4, 7, 12, 20};

  static Stream<Arguments> schedules() {
    return Stream.of(
        // CosineDecay(0.1, 10, alpha=0.05)
        Arguments.of(
            new LearningRate.Cosine(0.1, 0.1, 0.05, 0, 10),
            new double[] {
              0.10000000149011612,
              0.09767518192529678,
              0.08041980117559433,
              0.06717830151319504,
              0.024580202996730804,
              0.005000000353902578,
              0.005000000353902578
            }),
        // CosineDecay(0.01, 8, alpha=0.1, warmup_target=0.2, warmup_steps=4)
        Arguments.of(
            new LearningRate.Cosine(0.01, 0.2, 0.1, 4, 8),
            new double[] {
              0.009999999776482582,
              0.057499997317790985,
              0.1525000035762787,
              0.20000000298023224,
              0.14444151520729065,
              0.020000001415610313,
              0.020000001415610313
            }),
        // ExponentialDecay(0.5, 5, 0.9)
        Arguments.of(
            new LearningRate.Exponential(0.5, 0.9, 5, false),
            new double[] {
              0.5,
              0.4895741641521454,
              0.46937018632888794,
              0.459583044052124,
              0.4314291775226593,
              0.3882862329483032,
              0.3280499577522278
            }),
        // ExponentialDecay(0.5, 5, 0.9, staircase=True)
        Arguments.of(
            new LearningRate.Exponential(0.5, 0.9, 5, true),
            new double[] {
              0.5, 0.5, 0.5, 0.5, 0.44999998807907104, 0.4049999713897705, 0.3280499577522278
            }));
  }

  @ParameterizedTest
  @MethodSource("schedules")
  void isKerass(LearningRate rate, double[] expected) {
    for (int i = 0; i < STEPS.length; i++) {
      assertEquals(expected[i], rate.at(STEPS[i]), 1e-6 * expected[i], "step " + STEPS[i]);
    }
  }

  @Test
  void refusesWhatIsNoRate() {
    assertThrows(TrainingException.class, () -> new LearningRate.Constant(Double.NaN));
    assertThrows(TrainingException.class, () -> new LearningRate.Constant(-1));
    assertThrows(TrainingException.class, () -> new LearningRate.Cosine(0, 1e9, 0, 0, 1));
    assertThrows(TrainingException.class, () -> new LearningRate.Cosine(0, 1, 1e9, 0, 1));
    assertThrows(TrainingException.class, () -> new LearningRate.Cosine(0, 1, 0, -1, 1));
    assertThrows(TrainingException.class, () -> new LearningRate.Cosine(0, 1, 0, 0, 0));
    assertThrows(TrainingException.class, () -> new LearningRate.Exponential(1, 1.1, 1, false));
    assertThrows(TrainingException.class, () -> new LearningRate.Exponential(1, 0, 1, false));
    assertThrows(TrainingException.class, () -> new LearningRate.Exponential(1, 1, 0, false));
  }
}
