package io.github.kpconvx.layer.function;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.kpconvx.keras.KerasException;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/**
 * Makes the first value of a weight: one of {@code keras.initializers}.
 *
 * <p>The random ones draw, from the same seed, the numbers that Keras draws on TensorFlow.
 * Stateless, but for one whose seed is a {@code SeedGenerator}: that counts its draws, and each
 * gives other numbers. Safe for many threads.
 *
 * @see <a href="https://keras.io/api/layers/initializers/">Initializers in Keras</a>
 */
@FunctionalInterface
public interface Initializer {

  /**
   * Adds the operations that make the value.
   *
   * @param tf the operations of the graph that is added to
   * @param shape the weight's shape, fully known
   * @param seed is used where the configuration gives no seed
   * @return a value of that shape
   * @throws KerasException if the initializer cannot make that shape
   */
  Operand<TFloat32> call(Ops tf, Shape shape, long seed);

  /**
   * Whether the value is computed from the configuration, so that one that a file leaves out can be
   * made again.
   *
   * @return true if so; false for what draws random numbers or merely starts somewhere
   */
  default boolean isComputed() {
    return false;
  }

  /**
   * Fills a weight of any shape.
   *
   * @param value what each of its elements starts at
   * @return the initializer
   */
  static Initializer constant(double value) {
    return Initializers.fill(value);
  }

  /**
   * Draws uniformly.
   *
   * @param least the least value
   * @param most the bound that no value reaches
   * @return the initializer, which has no seed of its own
   */
  static Initializer uniform(double least, double most) {
    return Initializers.uniform(least, most);
  }

  /**
   * Reads an initializer in any of Keras's forms: null, a name, a serialized object.
   *
   * @param owner whose initializer it is, for messages
   * @param key under which key it stands, for messages
   * @param value the JSON
   * @param ifNull the initializer that null stands for
   * @return the initializer
   * @throws KerasException if it is unknown, which names it and lists the known ones, or an
   *     argument is not allowed
   */
  static Initializer of(String owner, String key, JsonNode value, Initializer ifNull) {
    return value.isNull() ? ifNull : Initializers.REGISTRY.read(owner, key, value);
  }
}
