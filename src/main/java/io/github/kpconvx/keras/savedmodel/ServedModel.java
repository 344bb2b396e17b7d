package io.github.kpconvx.keras.savedmodel;

import io.github.kpconvx.dtype.DType;
import java.util.List;
import java.util.stream.Stream;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.VersionDef;

/**
 * A model as a SavedModel offers it: a function of inputs and variables.
 *
 * @param function computes the outputs; its arguments are the values of the inputs, then those of
 *     the variables
 * @param versions the versions of the graph that the function is from
 * @param inputs what it takes, in the function's order
 * @param outputs what it gives, in the function's order
 * @param dictionary whether the model gives its outputs as a dictionary by name, not as a list
 * @param variables what it reads, in the function's order
 */
public record ServedModel(
    FunctionDef function,
    VersionDef versions,
    List<Tensor> inputs,
    List<Tensor> outputs,
    boolean dictionary,
    List<Variable> variables) {

  /**
   * An input or output.
   *
   * @param name its name, such as {@code output_0}
   * @param shape its shape; unknown dimensions may differ from call to call
   */
  public record Tensor(String name, Shape shape) {}

  /**
   * A variable.
   *
   * @param name its name, such as {@code dense/kernel}; no other has it
   * @param shape its shape
   * @param type its data type
   * @param trainable whether it is to be trained
   * @param untracked whether it is none of the model's Keras weights
   */
  public record Variable(
      String name, Shape shape, DType type, boolean trainable, boolean untracked) {}

  public ServedModel {
    inputs = List.copyOf(inputs);
    outputs = List.copyOf(outputs);
    variables = List.copyOf(variables);
    int arguments = inputs.size() + variables.size();
    if (function.getSignature().getInputArgCount() != arguments
        || function.getSignature().getOutputArgCount() != outputs.size()) {
      throw new IllegalArgumentException(
          "Function %s takes %d arguments and gives %d results, expected %d and %d"
              .formatted(
                  function.getSignature().getName(),
                  function.getSignature().getInputArgCount(),
                  function.getSignature().getOutputArgCount(),
                  arguments,
                  outputs.size()));
    }
  }

  /** The model's Keras weights in Keras's order, then the untracked variables. */
  List<Variable> kerasFirst() {
    return Stream.concat(
            variables.stream().filter(variable -> !variable.untracked()),
            variables.stream().filter(Variable::untracked))
        .toList();
  }
}
