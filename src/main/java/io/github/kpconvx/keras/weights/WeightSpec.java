package io.github.kpconvx.keras.weights;

import io.github.kpconvx.keras.KerasException;
import java.util.Arrays;
import java.util.Objects;
import org.tensorflow.ndarray.Shape;

/**
 * One weight that a layer expects to find.
 *
 * @param name the weight's own name inside its layer, such as {@code kernel}
 * @param shape its full shape; every dimension is known
 * @param trainable whether Keras lists it among the trainable weights
 * @param floating whether a file may leave it out or hold it at any place in its layer's list; such
 *     a weight is recognised by its shape
 */
public record WeightSpec(String name, Shape shape, boolean trainable, boolean floating) {

  /** The longest array that every JVM can make. */
  private static final long MAX_BYTES = Integer.MAX_VALUE - 8L;

  /**
   * Checks name and shape.
   *
   * @throws KerasException if the weight is larger than a file can hold; nothing was allocated yet
   */
  public WeightSpec {
    Objects.requireNonNull(name, "name");
    if (Objects.requireNonNull(shape, "shape").hasUnknownDimension()) {
      throw new IllegalArgumentException("Weight " + name + " needs a known shape, got " + shape);
    }
    if (bytes(shape) > MAX_BYTES) {
      throw new KerasException(
          "Weight %s has shape %s, expected one of at most %d bytes, which every file can hold"
              .formatted(name, WeightAlignment.text(shape), MAX_BYTES));
    }
  }

  private static long bytes(Shape shape) {
    try {
      return Arrays.stream(shape.asArray()).reduce(Float.BYTES, Math::multiplyExact);
    } catch (ArithmeticException e) {
      return Long.MAX_VALUE;
    }
  }

  /**
   * A weight that every file must hold at its place.
   *
   * @param name the weight's own name inside its layer
   * @param trainable whether Keras lists it among the trainable weights
   * @param dimensions its shape
   * @return the weight
   */
  public static WeightSpec of(String name, boolean trainable, long... dimensions) {
    return new WeightSpec(name, Shape.of(dimensions), trainable, false);
  }
}
