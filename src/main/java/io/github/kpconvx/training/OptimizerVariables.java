package io.github.kpconvx.training;

import io.github.kpconvx.network.Network;
import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.tensor.Tensors;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.tensorflow.Graph;
import org.tensorflow.GraphOperation;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;

/** What an optimizer remembers from step to step, to be read and set by its names in the graph. */
final class OptimizerVariables {
  private final Map<String, Variable> variables = new LinkedHashMap<>();

  private record Variable(
      Operand<TFloat32> value, Placeholder<TFloat32> input, Operand<TFloat32> assign) {}

  /**
   * Finds them.
   *
   * @param tf the operations of the graph, which is added to
   * @param graph holds the network and its optimizer: their variables and no others
   * @param network whose weights are not among them
   */
  OptimizerVariables(Ops tf, Graph graph, Network network) {
    Set<String> weights =
        network.variables().values().stream()
            .map(weight -> weight.variable().op().name())
            .collect(Collectors.toSet());
    List<GraphOperation> found = new ArrayList<>();
    graph
        .operations()
        .forEachRemaining(
            operation -> {
              if (operation.type().equals("VariableV2") && !weights.contains(operation.name())) {
                found.add(operation);
              }
            });
    for (GraphOperation operation : found) {
      Operand<TFloat32> value = operation.output(0);
      Shape shape = value.shape();
      Placeholder<TFloat32> input = tf.placeholder(TFloat32.class, Placeholder.shape(shape));
      variables.put(
          operation.name(), new Variable(tf.identity(value), input, tf.assign(value, input)));
    }
  }

  Set<String> names() {
    return Collections.unmodifiableSet(variables.keySet());
  }

  Map<String, NpyArray> read(Session session) {
    Map<String, NpyArray> values = new LinkedHashMap<>();
    variables.forEach(
        (name, variable) -> {
          try (Result result = session.runner().fetch(variable.value()).run()) {
            values.put(name, Tensors.toArray(result.get(0)));
          }
        });
    return values;
  }

  /** Sets all of them. */
  void assign(Session session, Map<String, NpyArray> values) {
    variables.forEach(
        (name, variable) -> {
          try (Tensor value = Tensors.of(values.get(name))) {
            session
                .runner()
                .feed(variable.input(), value)
                .addTarget(variable.assign())
                .run()
                .close();
          }
        });
  }
}
