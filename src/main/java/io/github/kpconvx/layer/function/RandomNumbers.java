package io.github.kpconvx.layer.function;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.keras.config.KerasObject;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicLong;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt64;

/**
 * The random numbers of a Keras object with a {@code seed}: those that Keras draws on TensorFlow.
 *
 * <p>A seed that is a number, or none, gives the same numbers each time. A seed generator counts
 * the draws, so that each gives other numbers; it is safe for many threads.
 */
final class RandomNumbers {
  /** Keras takes a seed modulo this. */
  private static final long SEEDS = Integer.MAX_VALUE - 1L;

  private static final String GENERATOR = "a serialized SeedGenerator";

  /** Those of an object that was given no seed. */
  static final RandomNumbers UNSEEDED = new RandomNumbers(OptionalLong.empty(), null);

  private final OptionalLong seed;
  private final AtomicLong drawn;

  private RandomNumbers(OptionalLong seed, AtomicLong drawn) {
    this.seed = seed;
    this.drawn = drawn;
  }

  /**
   * Reads the {@code seed} of a configuration: null, a whole number, or a serialized {@code
   * SeedGenerator}.
   *
   * @throws KerasException if it is something else
   */
  static RandomNumbers of(ConfigReader config) {
    JsonNode seed = config.json("seed");
    if (!KerasObject.isKerasObject(seed)) {
      return new RandomNumbers(config.wholeNumber("seed", GENERATOR), null);
    }
    KerasObject generator = KerasObject.of(seed);
    if (!generator.isBuiltIn() || !generator.className().equals("SeedGenerator")) {
      throw config.invalid("seed", seed, "null", "an integer", GENERATOR);
    }
    try {
      return new RandomNumbers(generator.config().wholeNumber("seed"), new AtomicLong());
    } catch (KerasException e) {
      throw config.invalid("seed", seed, "null", "an integer", GENERATOR);
    }
  }

  /** Numbers in [least, most). */
  Operand<TFloat32> uniform(Ops tf, Shape shape, long otherSeed, double least, double most) {
    return scaled(
        tf,
        tf.random.statelessRandomUniform(tf.constant(shape), seed(tf, otherSeed)),
        (float) most - (float) least,
        least);
  }

  /** Normally distributed numbers. */
  Operand<TFloat32> normal(Ops tf, Shape shape, long otherSeed, double mean, double deviation) {
    return scaled(
        tf,
        tf.random.statelessRandomNormal(tf.constant(shape), seed(tf, otherSeed)),
        (float) deviation,
        mean);
  }

  /** Normally distributed numbers, those farther than two deviations from the mean drawn again. */
  Operand<TFloat32> truncatedNormal(
      Ops tf, Shape shape, long otherSeed, double mean, double deviation) {
    return scaled(
        tf,
        tf.random.statelessTruncatedNormal(tf.constant(shape), seed(tf, otherSeed)),
        (float) deviation,
        mean);
  }

  private static Operand<TFloat32> scaled(
      Ops tf, Operand<TFloat32> numbers, float factor, double offset) {
    return tf.math.add(tf.math.mul(numbers, tf.constant(factor)), tf.constant((float) offset));
  }

  /** The seed, or another one where there is none, and which draw it is. */
  private Operand<TInt64> seed(Ops tf, long otherSeed) {
    return tf.array(
        Math.floorMod(seed.orElse(otherSeed), SEEDS), drawn == null ? 0 : drawn.getAndIncrement());
  }
}
