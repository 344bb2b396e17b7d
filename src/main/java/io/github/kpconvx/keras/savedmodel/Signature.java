package io.github.kpconvx.keras.savedmodel;

import java.util.List;
import org.tensorflow.ndarray.Shape;

/**
 * A function that a SavedModel offers by name.
 *
 * @param name its name, such as {@code serving_default}
 * @param inputs its inputs, by name in alphabetical order
 * @param outputs its outputs, by name in alphabetical order
 */
public record Signature(String name, List<Tensor> inputs, List<Tensor> outputs) {

  public Signature {
    inputs = List.copyOf(inputs);
    outputs = List.copyOf(outputs);
  }

  /**
   * An input or output.
   *
   * @param name its name, such as {@code output_0}
   * @param dtype its data type as Keras names it, such as {@code float32}
   * @param shape its shape; dimensions, or all of it, may be unknown
   */
  public record Tensor(String name, String dtype, Shape shape) {}
}
