package io.github.kpconvx.layer.operation;

import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;

/** What an operation computes. */
@FunctionalInterface
interface Function {
  /**
   * Adds the computation to a graph.
   *
   * @param tf the operations of the graph
   * @param given the arguments by the names of the function's parameters
   * @return the results in Keras's order
   */
  List<? extends Operand<?>> apply(Ops tf, BoundArguments given);

  /** A function of one result. */
  @FunctionalInterface
  interface Single {
    Operand<?> apply(Ops tf, BoundArguments given);
  }

  static Function of(Single function) {
    return (tf, given) -> List.of(function.apply(tf, given));
  }
}
