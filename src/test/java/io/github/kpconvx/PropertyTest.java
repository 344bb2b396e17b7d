package io.github.kpconvx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/** Properties run for different samples, and a failure tells how to have the same one again. */
class PropertyTest {
  private static final List<Long> DRAWN = new ArrayList<>();

  @Property
  void drawsAnew(Sample sample) {
    DRAWN.add(sample.draw(RandomGenerator::nextLong));
  }

  @AfterAll
  static void eachSampleIsAnother() {
    assertEquals(Integer.getInteger(Property.TRIES, 25), DRAWN.size());
    assertEquals(Set.copyOf(DRAWN).size(), DRAWN.size());
  }

  @Test
  void theSameSeedDrawsTheSame() {
    assertEquals(values(new Sample(7)), values(new Sample(7)));
    assertEquals(2, new HashSet<>(List.of(values(new Sample(7)), values(new Sample(8)))).size());
  }

  private static List<Object> values(Sample sample) {
    return List.of(
        sample.draw(RandomGenerator::nextLong),
        sample.draw(random -> random.nextInt(100), value -> value % 7 == 0),
        sample.drawOneOf("a", "b", "c"));
  }

  @Test
  void aFailureTellsTheSampleAndItsSeed() {
    Sample sample = new Sample(42);
    sample.draw(random -> 3);
    sample.drawOneOf("only");
    AssertionError cause = new AssertionError("wrong");
    AssertionError failure = sample.failure(cause);
    assertEquals(
        "java.lang.AssertionError: wrong%nof the sample [3, only]; to try it again: -Dsamples.seed=42 -Dsamples.tries=1"
            .formatted(),
        failure.getMessage());
    assertSame(cause, failure.getCause());
  }

  @Test
  void aConditionThatNothingMeetsIsAnError() {
    Sample sample = new Sample(1);
    assertThrows(
        IllegalStateException.class, () -> sample.draw(RandomGenerator::nextInt, any -> false));
  }
}
