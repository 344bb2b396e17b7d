package io.github.kpconvx.layer.tiling;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.BiFunction;
import org.tensorflow.ConcreteFunction;
import org.tensorflow.Operand;
import org.tensorflow.Operation;
import org.tensorflow.OperationBuilder;
import org.tensorflow.Output;
import org.tensorflow.Signature;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.proto.DataType;

/**
 * A part of a graph that XLA compiles, anew for each combination of input sizes, when it first
 * runs.
 */
public final class XlaFunction {
  /** Tells TensorFlow to compile a call with XLA or to fail. */
  private static final String MUST_COMPILE = "_XlaMustCompile";

  private XlaFunction() {}

  /**
   * Adds a compiled part to a graph.
   *
   * @param tf the operations of the graph that is added to
   * @param name names the call
   * @param inputs what goes in, by name; its known sizes are known inside
   * @param body makes the results, by name, of the inputs; what it uses of the graph outside it has
   *     to make anew
   * @return the results by name
   */
  public static Map<String, Operand<?>> call(
      Ops tf,
      String name,
      Map<String, Operand<?>> inputs,
      BiFunction<Ops, Map<String, Operand<?>>, Map<String, Operand<?>>> body) {
    try (ConcreteFunction function =
        ConcreteFunction.create(inside -> trace(inside, inputs, body))) {
      Signature signature = function.signature();
      Output<?>[] arguments =
          signature.inputNames().stream()
              .map(input -> inputs.get(input).asOutput())
              .toArray(Output<?>[]::new);
      OperationBuilder call = tf.scope().opBuilder("PartitionedCall", name);
      call.addInputList(arguments);
      call.setAttr("Tin", types(signature.getInputs()));
      call.setAttr("Tout", types(signature.getOutputs()));
      call.setAttr("f", function);
      call.setAttr(MUST_COMPILE, true);
      Operation operation = tf.scope().apply(call).build();
      Map<String, Operand<?>> results = new LinkedHashMap<>();
      for (String output : signature.outputNames()) {
        // Calls do not tell the shapes of what they return.
        results.put(
            output,
            tf.ensureShape(
                operation.output(results.size()), signature.getOutputs().get(output).shape));
      }
      return results;
    }
  }

  private static Signature trace(
      Ops tf,
      Map<String, Operand<?>> inputs,
      BiFunction<Ops, Map<String, Operand<?>>, Map<String, Operand<?>>> body) {
    Signature.Builder signature = Signature.builder();
    Map<String, Operand<?>> inside = new LinkedHashMap<>();
    inputs.forEach(
        (name, outside) -> {
          Operand<?> placeholder =
              tf.placeholder(outside.type(), Placeholder.shape(outside.shape()));
          inside.put(name, placeholder);
          signature.input(name, placeholder);
        });
    body.apply(tf, inside).forEach(signature::output);
    return signature.build();
  }

  private static DataType[] types(Map<String, Signature.TensorDescription> tensors) {
    return tensors.values().stream().map(tensor -> tensor.dataType).toArray(DataType[]::new);
  }
}
