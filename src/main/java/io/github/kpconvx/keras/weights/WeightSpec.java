package io.github.kpconvx.keras.weights;

import io.github.kpconvx.dtype.DType;
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
 * @param dtype its data type
 */
public record WeightSpec(
    String name, Shape shape, boolean trainable, boolean floating, DType dtype) {

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
    if (bytes(shape, Objects.requireNonNull(dtype, "dtype")) > MAX_BYTES) {
      throw new KerasException(
          "Weight %s has shape %s, expected one of at most %d bytes, which every file can hold"
              .formatted(name, WeightAlignment.text(shape), MAX_BYTES));
    }
  }

  /**
   * A weight of float32.
   *
   * @param name the weight's own name inside its layer
   * @param shape its full shape
   * @param trainable whether Keras lists it among the trainable weights
   * @param floating whether a file may leave it out
   */
  public WeightSpec(String name, Shape shape, boolean trainable, boolean floating) {
    this(name, shape, trainable, floating, DType.FLOAT32);
  }

  /**
   * The same of another type.
   *
   * @param other the type
   * @return a specification that differs in it alone
   */
  public WeightSpec of(DType other) {
    return new WeightSpec(name, shape, trainable, floating, other);
  }

  /**
   * The same under another name.
   *
   * @param other the name
   * @return a specification that differs in it alone
   */
  public WeightSpec named(String other) {
    return new WeightSpec(other, shape, trainable, floating, dtype);
  }

  private static long bytes(Shape shape, DType type) {
    try {
      return Arrays.stream(shape.asArray()).reduce(type.bytes(), Math::multiplyExact);
    } catch (ArithmeticException e) {
      return Long.MAX_VALUE;
    }
  }

  /**
   * A weight of float32 that every file must hold at its place.
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
