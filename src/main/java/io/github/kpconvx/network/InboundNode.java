package io.github.kpconvx.network;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.StreamSupport;

/**
 * The call of a layer as a functional model's configuration tells it.
 *
 * <p>Keras 3 writes {@code {"args": […], "kwargs": {…}}} with tensors {@code {"class_name":
 * "__keras_tensor__", "config": {…, "keras_history": [layer, call, 0]}}}; Keras 2 writes the
 * tensors alone, each as {@code [layer, call, 0, kwargs]}.
 */
final class InboundNode {
  private final KerasObject layer;
  private final List<Source> sources = new ArrayList<>();

  private InboundNode(KerasObject layer) {
    this.layer = layer;
  }

  /**
   * Reads the tensors that a call takes.
   *
   * @param layer the layer that is called
   * @param node one of its {@code inbound_nodes}
   * @return where the tensors come from, in order
   * @throws KerasException if it takes anything but tensors of other layers
   */
  static List<Source> sources(KerasObject layer, JsonNode node) {
    InboundNode call = new InboundNode(layer);
    if (isKeras2(node)) {
      call.collectKeras2(node);
    } else {
      call.collectKeras3(node);
    }
    return call.sources;
  }

  /** Whether a node is written as Keras 2 does. */
  static boolean isKeras2(JsonNode node) {
    return node.isArray();
  }

  /**
   * Reads the place of a tensor.
   *
   * @param owner who tells it, for messages
   * @param history {@code [layer, call, 0]}, and keywords in a node of Keras 2
   * @return the place
   * @throws KerasException if it is no such place
   */
  static Source source(KerasObject owner, JsonNode history) {
    if (!isTensor(history) || history.get(2).intValue() != 0) {
      throw new KerasException(
          owner.describe()
              + ": expected a tensor [layer, call, 0], found "
              + KerasObject.abbreviate(history));
    }
    return new Source(history.get(0).textValue(), history.get(1).intValue());
  }

  /** Whether this is {@code [layer, call, output]}, which Keras 2 may follow with keywords. */
  static boolean isTensor(JsonNode json) {
    return json.isArray()
        && (json.size() == 3 || json.size() == 4)
        && json.get(0).isTextual()
        && json.get(1).isInt()
        && json.get(2).isInt();
  }

  private void collectKeras3(JsonNode node) {
    JsonNode arguments = node.path("args");
    if (!arguments.isArray()) {
      throw new KerasException(
          layer.describe()
              + ": expected an inbound node as Keras 3 writes it, with args, or a list as Keras 2"
              + " does, found "
              + KerasObject.abbreviate(node));
    }
    collectArgument(arguments);
    for (Map.Entry<String, JsonNode> keyword : node.path("kwargs").properties()) {
      if (keyword.getKey().equals("inputs")) {
        collectArgument(keyword.getValue());
      } else {
        requireUnset(keyword);
      }
    }
  }

  private void collectArgument(JsonNode argument) {
    if (argument.isArray()) {
      argument.forEach(this::collectArgument);
    } else if (argument.path("class_name").asText().equals("__keras_tensor__")) {
      sources.add(source(layer, argument.path("config").path("keras_history")));
    } else if (argument.path("class_name").asText().equals("__tuple__")) {
      collectArgument(argument.path("items"));
    } else {
      throw noTensor(argument);
    }
  }

  private void collectKeras2(JsonNode node) {
    if (isTensor(node)) {
      sources.add(source(layer, node));
      node.path(3).properties().forEach(this::requireUnset);
    } else if (node.isArray()) {
      node.forEach(this::collectKeras2);
    } else {
      throw noTensor(node);
    }
  }

  private void requireUnset(Map.Entry<String, JsonNode> keyword) {
    if (!isUnset(keyword.getValue())) {
      throw new KerasException(
          layer.describe()
              + ": is called with "
              + keyword.getKey()
              + " = "
              + KerasObject.abbreviate(keyword.getValue())
              + "; call arguments other than the inputs are not supported");
    }
  }

  /**
   * Keras writes out arguments left at null or false, such as {@code training} and a {@code mask}
   * for each input.
   */
  private static boolean isUnset(JsonNode argument) {
    if (argument.isArray()) {
      return StreamSupport.stream(argument.spliterator(), false).allMatch(InboundNode::isUnset);
    }
    return argument.isNull() || (argument.isBoolean() && !argument.booleanValue());
  }

  private KerasException noTensor(JsonNode argument) {
    return new KerasException(
        layer.describe()
            + ": is called with "
            + KerasObject.abbreviate(argument)
            + "; only tensors of other layers are supported");
  }
}
