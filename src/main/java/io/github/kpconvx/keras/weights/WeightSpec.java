package io.github.kpconvx.keras.weights;

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

  public WeightSpec {
    Objects.requireNonNull(name, "name");
    if (Objects.requireNonNull(shape, "shape").hasUnknownDimension()) {
      throw new IllegalArgumentException("Weight " + name + " needs a known shape, got " + shape);
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
