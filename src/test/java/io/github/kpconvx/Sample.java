package io.github.kpconvx;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.random.RandomGenerator;

/**
 * What one run of a {@link Property} draws. The same seed draws the same values; a failure names
 * it, and the values.
 */
public final class Sample {
  private static final int MAX_DISCARDED = 1000;

  private final long seed;
  private final RandomGenerator random;
  private final List<Object> drawn = new ArrayList<>();

  Sample(long seed) {
    this.seed = seed;
    this.random = new SplittableRandom(seed);
  }

  /** One of some values, each as likely as the others. */
  @SafeVarargs
  public static <T> T oneOf(RandomGenerator random, T... values) {
    return values[random.nextInt(values.length)];
  }

  /** A value that a generator makes. */
  public <T> T draw(Function<RandomGenerator, T> generator) {
    T value = generator.apply(random);
    drawn.add(value);
    return value;
  }

  /** The first value that a generator makes of which a condition holds. */
  public <T> T draw(Function<RandomGenerator, T> generator, Predicate<T> condition) {
    return draw(
        source -> {
          for (int i = 0; i < MAX_DISCARDED; i++) {
            T value = generator.apply(source);
            if (condition.test(value)) {
              return value;
            }
          }
          throw new IllegalStateException("none of " + MAX_DISCARDED + " values will do");
        });
  }

  /** One of some values, each as likely as the others. */
  @SafeVarargs
  public final <T> T drawOneOf(T... values) {
    return draw(source -> values[source.nextInt(values.length)]);
  }

  /** What a property's failure says: the sample, and how to try it again. */
  AssertionError failure(Throwable cause) {
    return new AssertionError(
        "%s%nof the sample %s; to try it again: -D%s=%d -D%s=1"
            .formatted(cause, drawn, Property.SEED, seed, Property.TRIES),
        cause);
  }

  @Override
  public String toString() {
    return "seed " + seed;
  }
}
