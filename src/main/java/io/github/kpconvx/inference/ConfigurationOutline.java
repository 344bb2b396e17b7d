package io.github.kpconvx.inference;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.inference.ModelDescription.LayerDescription;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.savedmodel.Signature;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.tensorflow.ndarray.Shape;

/**
 * What a configuration says of a model whose network cannot be rebuilt: its layers, what goes in
 * and the names of what comes out. What is not as expected is left out.
 */
final class ConfigurationOutline {
  private static final String UNKNOWN = "unknown";

  private final KerasObject model;

  ConfigurationOutline(KerasObject model) {
    this.model = model;
  }

  private List<KerasObject> objects() {
    JsonNode layers = model.configJson().path("layers");
    if (!layers.isArray()) {
      return List.of(model);
    }
    List<KerasObject> objects = new ArrayList<>();
    layers.forEach(
        layer -> {
          if (KerasObject.isKerasObject(layer)) {
            objects.add(model.part(layer));
          }
        });
    return objects;
  }

  /** The name that a layer has in its model. */
  static String name(KerasObject layer) {
    JsonNode name = layer.json().path("name");
    return name.isTextual()
        ? name.textValue()
        : layer.configJson().path("name").asText(layer.className());
  }

  private static boolean isInput(KerasObject layer) {
    return layer.isBuiltIn() && layer.className().equals("InputLayer");
  }

  List<LayerDescription> layers() {
    return objects().stream()
        .map(
            layer ->
                new LayerDescription(
                    name(layer),
                    layer.className(),
                    isInput(layer) ? shape(layer.configJson()) : Shape.unknown(),
                    Optional.empty(),
                    isInput(layer) ? JsonNodeFactory.instance.objectNode() : layer.configJson()))
        .toList();
  }

  List<Signature.Tensor> inputs() {
    return objects().stream()
        .filter(ConfigurationOutline::isInput)
        .map(
            layer ->
                new Signature.Tensor(
                    name(layer),
                    layer.configJson().path("dtype").asText(UNKNOWN),
                    shape(layer.configJson())))
        .toList();
  }

  /** By the names that {@link Model#outputs} would give them. */
  List<Signature.Tensor> outputs() {
    JsonNode outputs = model.configJson().path("output_layers");
    List<String> names = new ArrayList<>();
    if (outputs.isObject()) {
      outputs.fieldNames().forEachRemaining(names::add);
    } else {
      int count = outputs.isMissingNode() ? 1 : tensors(outputs);
      for (int i = 0; i < count; i++) {
        names.add("output_" + i);
      }
    }
    return names.stream()
        .map(name -> new Signature.Tensor(name, UNKNOWN, Shape.unknown()))
        .toList();
  }

  /** How many tensors {@code [layer, call, output]} there are in lists of them, nested at will. */
  private static int tensors(JsonNode json) {
    if (json.path(0).isTextual()) {
      return 1;
    }
    int count = 0;
    for (JsonNode element : json) {
      count += tensors(element);
    }
    return count;
  }

  private static Shape shape(ObjectNode config) {
    JsonNode sizes =
        config.has("batch_shape") ? config.get("batch_shape") : config.path("batch_input_shape");
    if (!sizes.isArray()) {
      return Shape.unknown();
    }
    long[] shape = new long[sizes.size()];
    for (int d = 0; d < shape.length; d++) {
      shape[d] = sizes.get(d).asLong(Shape.UNKNOWN_SIZE);
    }
    return Shape.of(shape);
  }
}
