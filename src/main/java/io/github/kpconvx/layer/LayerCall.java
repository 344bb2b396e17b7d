package io.github.kpconvx.layer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.NullNode;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.tensorflow.Operand;
import org.tensorflow.types.TBool;

/**
 * One call of a layer in a graph.
 *
 * @param arguments what it is called with: tensors of any type, constants, nested structures
 * @param masks which elements of a tensor count, by the tensor's place among all {@linkplain
 *     Arguments#tensors() tensors}, of which the {@link #inputs()} are the first; tensors that are
 *     not in it have no mask
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
   * The tensor that a parameter is given, by place or by name.
   *
   * @param parameters the names of all parameters in their order
   * @param name the name of one of them
   * @return the tensor; empty if it was not given, or is null
   */
  public Optional<Operand<?>> tensor(List<String> parameters, String name) {
    return arguments.find(parameters, name).stream()
        .flatMap(argument -> argument.tensors().stream())
        .findFirst();
  }

  /**
   * Which elements of the tensor count that a parameter is given.
   *
   * @param parameters the names of all parameters in their order
   * @param name the name of one of them
   * @return its mask; empty if the tensor has none or was not given
   */
  public Optional<Operand<TBool>> mask(List<String> parameters, String name) {
    return tensor(parameters, name).map(tensor -> masks.get(arguments.place(parameters, name)));
  }

  /**
   * Whether a parameter is given as true, by place or by name.
   *
   * @param parameters the names of all parameters in their order
   * @param name the name of one of them
   * @return true if so; false if it was not given
   */
  public boolean flag(List<String> parameters, String name) {
    return arguments
        .find(parameters, name)
        .filter(given -> constant(given).asBoolean())
        .isPresent();
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
