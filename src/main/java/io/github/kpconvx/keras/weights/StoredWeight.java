package io.github.kpconvx.keras.weights;

import io.github.kpconvx.keras.KerasException;
import java.util.Optional;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.types.family.TType;

/** A weight as a file holds it. Valid until the {@link WeightStore} it comes from is closed. */
public interface StoredWeight {
  /**
   * Where the file holds it, such as {@code layers/dense/vars/0} or {@code variables/0}.
   *
   * @return the place inside the file
   */
  String path();

  /**
   * The name the file gives it, such as {@code dense/kernel}; the path where it gives none.
   *
   * @return the name
   */
  String name();

  /**
   * Its shape.
   *
   * @return the shape
   */
  Shape shape();

  /**
   * Its data type as Keras names it, such as {@code float32}.
   *
   * @return the data type
   */
  String dtype();

  /**
   * Whether it is trained, where the file tells. An HDF5 file does not.
   *
   * @return whether it is trained, if known
   */
  default Optional<Boolean> trainable() {
    return Optional.empty();
  }

  /**
   * Whether it is none of the model's Keras weights, but a variable beside them, as a SavedModel
   * may hold.
   *
   * @return whether Keras does not know it as a weight
   */
  default boolean isUntracked() {
    return false;
  }

  /**
   * Reads the values.
   *
   * @return a new tensor of the weight's type, the caller's to close
   * @throws KerasException if the values cannot be read or are of a type that there are no tensors
   *     of
   */
  TType read();
}
