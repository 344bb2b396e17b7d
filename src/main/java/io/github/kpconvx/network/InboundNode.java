package io.github.kpconvx.network;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.Json;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.Argument;
import io.github.kpconvx.layer.Arguments;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.StreamSupport;

/**
 * The call of a layer as a functional model's configuration tells it.
 *
 * <p>Keras 3 writes {@code {"args": […], "kwargs": {…}}} with tensors {@code {"class_name":
 * "__keras_tensor__", "config": {…, "keras_history": [layer, call, output]}}}; Keras 2 writes the
 * tensors alone, each as {@code [layer, call, output, kwargs]}, where keyword arguments stand with
 * the first of them.
 */
final class InboundNode {
  /** A keyword that may stand for the first argument. */
  private static final String INPUTS = "inputs";

  /** The keyword that says whether a layer is to be trained. */
  static final String TRAINING = "training";

  /** What Keras 2 writes in the place of a layer's name for {@code [_, -1, value, kwargs]}. */
  private static final String CONSTANT = "_CONSTANT_VALUE";

  private final KerasObject layer;

  private InboundNode(KerasObject layer) {
    this.layer = layer;
  }

  /**
   * Reads what a call takes.
   *
   * @param layer the layer that is called
   * @param node one of its {@code inbound_nodes}
   * @return the arguments, with tensors by where they come from
   * @throws KerasException if it is no such node
   */
  static Arguments<Source> arguments(KerasObject layer, JsonNode node) {
    InboundNode call = new InboundNode(layer);
    return isKeras2(node) ? call.ofKeras2(node) : call.ofKeras3(node);
  }

  /** Whether a node is written as Keras 2 does. */
  static boolean isKeras2(JsonNode node) {
    return node.isArray();
  }

  /**
   * Reads the place of a tensor.
   *
   * @param owner who tells it, for messages
   * @param history {@code [layer, call, output]}, and keywords in a node of Keras 2
   * @return the place
   * @throws KerasException if it is no such place
   */
  static Source source(KerasObject owner, JsonNode history) {
    if (!isTensor(history) || history.get(1).intValue() < 0 || history.get(2).intValue() < 0) {
      throw new KerasException(
          owner.describe()
              + ": expected a tensor [layer, call, output], found "
              + KerasObject.abbreviate(history));
    }
    return new Source(
        history.get(0).textValue(), history.get(1).intValue(), history.get(2).intValue());
  }

  /** Whether this is {@code [layer, call, output]}, which Keras 2 may follow with keywords. */
  static boolean isTensor(JsonNode json) {
    return json.isArray()
        && (json.size() == 3 || json.size() == 4)
        && json.get(0).isTextual()
        && json.get(1).isInt()
        && json.get(2).isInt();
  }

  private Arguments<Source> ofKeras3(JsonNode node) {
    JsonNode args = node.path("args");
    if (!args.isArray()) {
      throw new KerasException(
          layer.describe()
              + ": expected an inbound node as Keras 3 writes it, with args, or a list as Keras 2"
              + " does, found "
              + KerasObject.abbreviate(node));
    }
    List<Argument<Source>> positional = new ArrayList<>(items(args));
    Map<String, Argument<Source>> keywords = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> keyword : node.path("kwargs").properties()) {
      if (keyword.getKey().equals(TRAINING) && argument(keyword.getValue()).isUnset()) {
        // In Keras 3 the model decides; Keras 2 holds to training=False whatever the model does.
        continue;
      }
      if (keyword.getKey().equals(INPUTS) && positional.isEmpty()) {
        positional.add(argument(keyword.getValue()));
      } else {
        keywords.put(keyword.getKey(), argument(keyword.getValue()));
      }
    }
    return new Arguments<>(positional, keywords);
  }

  private List<Argument<Source>> items(JsonNode list) {
    return StreamSupport.stream(list.spliterator(), false).map(this::argument).toList();
  }

  private Argument<Source> argument(JsonNode json) {
    if (json.isArray()) {
      return new Argument.Items<>(items(json));
    }
    if (!json.isObject()) {
      return new Argument.Constant<>(json);
    }
    return switch (json.path("class_name").isTextual() ? json.get("class_name").textValue() : "") {
      case "__keras_tensor__" ->
          new Argument.Tensor<>(source(layer, json.path("config").path("keras_history")));
      case "__tuple__" -> argument(json.path("items"));
      case "" -> entries(json);
      default -> new Argument.Constant<>(json);
    };
  }

  private Argument<Source> entries(JsonNode json) {
    Map<String, Argument<Source>> entries = new LinkedHashMap<>();
    json.properties().forEach(entry -> entries.put(entry.getKey(), argument(entry.getValue())));
    return new Argument.Entries<>(entries);
  }

  private Arguments<Source> ofKeras2(JsonNode node) {
    List<Argument<Source>> positional = new ArrayList<>();
    Map<String, Argument<Source>> keywords = new LinkedHashMap<>();
    if (layer.isOperation()) { // The first argument of a function may be a list.
      collectKeras2(node, new ArrayList<>(), keywords);
      return new Arguments<>(List.of(firstArgument(node)), keywords);
    }
    collectKeras2(node, positional, keywords);
    return new Arguments<>(positional, keywords);
  }

  private void collectKeras2(
      JsonNode node, List<Argument<Source>> positional, Map<String, Argument<Source>> keywords) {
    if (isTensor(node)) {
      positional.add(new Argument.Tensor<>(source(layer, node)));
      node.path(3)
          .properties()
          .forEach(keyword -> keywords.put(keyword.getKey(), keyword(keyword.getValue())));
    } else if (Json.text(node.path(0)).equals(CONSTANT) && node.size() >= 3) {
      positional.add(new Argument.Constant<>(node.get(2)));
      node.path(3)
          .properties()
          .forEach(keyword -> keywords.put(keyword.getKey(), keyword(keyword.getValue())));
    } else if (node.isArray()) {
      node.forEach(item -> collectKeras2(item, positional, keywords));
    } else {
      throw new KerasException(
          layer.describe()
              + ": expected a tensor [layer, call, output], found "
              + KerasObject.abbreviate(node));
    }
  }

  private Argument<Source> firstArgument(JsonNode node) {
    if (isTensor(node)) {
      return new Argument.Tensor<>(source(layer, node));
    }
    return Json.text(node.path(0)).equals(CONSTANT)
        ? new Argument.Constant<>(node.get(2))
        : new Argument.Items<>(
            StreamSupport.stream(node.spliterator(), false).map(this::firstArgument).toList());
  }

  /** A keyword argument of Keras 2, where a tensor is written as {@code [layer, call, output]}. */
  private Argument<Source> keyword(JsonNode json) {
    if (isTensor(json)) {
      return new Argument.Tensor<>(source(layer, json));
    }
    if (json.isArray()) {
      return new Argument.Items<>(
          StreamSupport.stream(json.spliterator(), false).map(this::keyword).toList());
    }
    if (json.isObject() && !json.has("class_name")) {
      Map<String, Argument<Source>> entries = new LinkedHashMap<>();
      json.properties().forEach(entry -> entries.put(entry.getKey(), keyword(entry.getValue())));
      return new Argument.Entries<>(entries);
    }
    return new Argument.Constant<>(json);
  }
}
