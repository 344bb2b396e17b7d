package io.github.kpconvx.network;

import io.github.kpconvx.keras.savedmodel.ServedModel;
import io.github.kpconvx.layer.LayerVariable;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.tensorflow.ConcreteFunction;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Signature;

/** Takes what a network computes out of its graph, as a function of its inputs and weights. */
final class ServingFunction {
  private ServingFunction() {}

  /**
   * Makes the function.
   *
   * @param network the network
   * @param built what building it in inference mode gave
   * @param graph the graph that it was built in
   * @param untracked the qualified names of weights that are none to Keras
   * @return the model to be offered
   */
  static ServedModel of(Network network, Network.Built built, Graph graph, Set<String> untracked) {
    // Any tensor of a graph may become a function's argument: a weight's is what the layers read.
    Signature.Builder signature = Signature.builder("model");
    List<ServedModel.Tensor> inputs = new ArrayList<>();
    for (Map.Entry<String, Operand<?>> input : built.inputs().entrySet()) {
      signature.input("input_" + inputs.size(), input.getValue());
      inputs.add(new ServedModel.Tensor(input.getKey(), input.getValue().shape()));
    }
    Set<String> trained = network.trainableVariables().keySet();
    List<ServedModel.Variable> variables = new ArrayList<>();
    for (Map.Entry<String, LayerVariable> weight : network.variables().entrySet()) {
      String name = weight.getKey();
      signature.input("variable_" + variables.size(), weight.getValue().operand());
      variables.add(
          new ServedModel.Variable(
              name,
              weight.getValue().spec().shape(),
              weight.getValue().spec().dtype(),
              trained.contains(name),
              untracked.contains(name)));
    }
    List<ServedModel.Tensor> outputs = new ArrayList<>();
    for (Map.Entry<String, Operand<?>> output : built.outputs().entrySet()) {
      signature.output("output_" + outputs.size(), output.getValue());
      outputs.add(new ServedModel.Tensor(output.getKey(), output.getValue().shape()));
    }
    try (ConcreteFunction function = ConcreteFunction.create(signature.build(), graph)) {
      return new ServedModel(
          function.getFunctionDef(),
          graph.toGraphDef().getVersions(),
          inputs,
          outputs,
          network.givesDictionary(),
          variables);
    }
  }
}
