package io.github.kpconvx.layer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.NullNode;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.tensorflow.Operand;
import org.tensorflow.types.TBool;

/**
 * One call of a layer in a graph.
 *
 * @param arguments what it is called with: tensors of any type, constants, nested structures
 * @param masks which elements of an input count, by the input's place among {@link #inputs()};
 *     inputs that are not in it have no mask
 * @param context whether to train, where random numbers come from, and who is to be told
 *     intermediate results worth comparing with other implementations
 */
public record LayerCall(
    Arguments<Operand<?>> arguments, Map<Integer, Operand<TBool>> masks, CallContext context) {

  public LayerCall {
    Objects.requireNonNull(arguments, "arguments");
    masks = Map.copyOf(masks);
    Objects.requireNonNull(context, "context");
  }

  /**
   * A call with tensors alone.
   *
   * @param inputs the tensors, in Keras's order
   * @param context whether to train and what else is to be known
   * @return the call
   */
  public static LayerCall of(List<? extends Operand<?>> inputs, CallContext context) {
    return new LayerCall(Arguments.of(inputs), Map.of(), context);
  }

  /**
   * The tensors among the arguments without a name, in Keras's order.
   *
   * @return the inputs
   */
  public List<Operand<?>> inputs() {
    return arguments.inputs();
  }

  /**
   * A keyword argument that is no tensor, or a list of such.
   *
   * @param keyword its name
   * @return its value; null, as JSON has it, if it was not given or is a tensor
   */
  public JsonNode constant(String keyword) {
    Argument<Operand<?>> argument = arguments.keywords().get(keyword);
    return argument == null ? NullNode.getInstance() : constant(argument);
  }

  private static JsonNode constant(Argument<Operand<?>> argument) {
    if (argument instanceof Argument.Items<Operand<?>> list) {
      ArrayNode items = JsonNodeFactory.instance.arrayNode();
      list.items().forEach(item -> items.add(constant(item)));
      return items;
    }
    return argument instanceof Argument.Constant<Operand<?>> constant
        ? constant.value()
        : NullNode.getInstance();
  }

  /**
   * Whether to train.
   *
   * @return true if so
   */
  public boolean training() {
    return context.training();
  }
}
