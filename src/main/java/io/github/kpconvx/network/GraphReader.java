package io.github.kpconvx.network;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.kpconvx.dtype.DType;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.keras.config.Json;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.Argument;
import io.github.kpconvx.layer.Arguments;
import io.github.kpconvx.layer.InputSpec;
import io.github.kpconvx.layer.Layer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.tensorflow.ndarray.Shape;

/**
 * Reads the configurations of functional and sequential models, as Keras 3 or Keras 2 writes them.
 */
final class GraphReader {
  private static final List<DType> INPUT_TYPES =
      DType.ofTensors().stream().filter(type -> type != DType.STRING).toList();

  private final KerasObject model;
  private final LayerRegistry registry;
  private final Map<String, KerasObject> inputLayers = new LinkedHashMap<>();
  private final List<LayerGraph.Entry> entries = new ArrayList<>();
  private final Set<String> names = new HashSet<>();
  private final Set<String> functionalOfKeras3 = new HashSet<>();
  private final List<UnsupportedLayer> unsupported = new ArrayList<>();

  private GraphReader(KerasObject model, LayerRegistry registry) {
    this.model = model;
    this.registry = registry;
  }

  /**
   * Reads a model.
   *
   * @param model the serialized model
   * @param registry the layers it may be made of
   * @return its layers
   * @throws UnsupportedModelException if the model is of another kind, or layers cannot be rebuilt:
   *     names all of them
   * @throws KerasException if the connections make no sense
   */
  static LayerGraph read(KerasObject model, LayerRegistry registry) {
    if (!isModel(model)) {
      throw noModel(model);
    }
    GraphReader reader = new GraphReader(model, registry);
    return isSequential(model) ? reader.sequential() : reader.functional();
  }

  static KerasException noModel(KerasObject object) {
    return new UnsupportedModelException(
        List.of(
            UnsupportedLayer.of(
                object,
                "a model of class "
                    + object.describe()
                    + object.module().map(module -> " of module " + module).orElse("")
                    + ", whose computation is Python code; supported are Keras functional and sequential"
                    + " models (class Functional or Sequential), and layers that a file may hold by"
                    + " themselves")));
  }

  static boolean isModel(KerasObject object) {
    // Early versions of Keras 2 call a functional model a Model.
    return object.isBuiltIn() && object.className().matches("Functional|Model|Sequential");
  }

  private static boolean isSequential(KerasObject object) {
    return object.className().equals("Sequential");
  }

  private static boolean isInput(KerasObject object) {
    return object.className().equals(Network.INPUT_LAYER) && object.isBuiltIn();
  }

  private LayerGraph functional() {
    ConfigReader config = asWritten();
    for (JsonNode json : config.elements("layers")) {
      KerasObject object = model.part(json);
      String name = name(json, object);
      List<Arguments<Source>> calls = calls(object, name, json.path("inbound_nodes"));
      add(object, name, firstCall(object, json.path("inbound_nodes")), calls);
    }
    requireSupported();
    List<InputSpec> inputs =
        tensors(config, "input_layers").tensors().stream()
            .map(source -> input(source.layer()))
            .toList();
    Argument<Source> outputs = tensors(config, "output_layers");
    if (outputs.tensors().isEmpty()) {
      throw new KerasException(model.describe() + ": no outputs");
    }
    return new LayerGraph(entries, inputs, outputs);
  }

  private LayerGraph sequential() {
    Source last = null;
    for (JsonNode json : asWritten().elements("layers")) {
      KerasObject object = model.part(json);
      if (last == null && !isInput(object)) {
        throw new KerasException(
            model.describe()
                + ": begins with "
                + object.describe()
                + ", expected an "
                + Network.INPUT_LAYER
                + ", which Keras puts there once the model is built");
      }
      String name = name(json, object);
      add(object, name, 0, last == null ? List.of() : List.of(Arguments.of(List.of(last))));
      last = new Source(name, 0, 0);
    }
    if (last == null) {
      throw new KerasException(model.describe() + ": no layers");
    }
    requireSupported();
    String first = inputLayers.keySet().iterator().next();
    return new LayerGraph(entries, List.of(input(first)), new Argument.Tensor<>(last));
  }

  /** The model's configuration, from which layers take their own as it was written. */
  private ConfigReader asWritten() {
    return ConfigReader.of(model.describe(), model.configJson());
  }

  private static String name(JsonNode json, KerasObject object) {
    JsonNode name = json.path("name");
    if (!name.isMissingNode() && !name.isTextual()) {
      throw new KerasException(object.describe() + ": name = " + name + ", expected a string");
    }
    return name.isTextual() ? name.textValue() : object.config().text("name", object.className());
  }

  private List<Arguments<Source>> calls(KerasObject object, String name, JsonNode nodes) {
    List<Arguments<Source>> calls = new ArrayList<>();
    try {
      nodes.forEach(node -> calls.add(InboundNode.arguments(object, node)));
    } catch (KerasException e) {
      unsupported.add(UnsupportedLayer.of(object, e.getMessage()).within(name));
    }
    return calls;
  }

  /** All at once, so that who adds one need not look for the next. */
  private void requireSupported() {
    if (!unsupported.isEmpty()) {
      throw new UnsupportedModelException(unsupported);
    }
  }

  private Optional<Layer> layer(KerasObject object, String name, List<Arguments<Source>> calls) {
    try {
      Layer layer =
          isModel(object)
              ? new NestedModel(object, read(object, registry))
              : registry.create(object);
      calls.forEach(layer::requireKnownArguments);
      return Optional.of(layer);
    } catch (UnsupportedModelException e) {
      e.layers().forEach(part -> unsupported.add(part.within(name)));
    } catch (KerasException e) {
      unsupported.add(UnsupportedLayer.of(object, e.getMessage()).within(name));
    }
    return Optional.empty();
  }

  private void add(KerasObject object, String name, int firstCall, List<Arguments<Source>> calls) {
    if (!names.add(name)) {
      throw new KerasException(model.describe() + ": two layers are named \"" + name + "\"");
    }
    if (isInput(object)) {
      inputLayers.put(name, object);
      if (!isSequential(model)) { // which has it, but not among its layers
        entries.add(LayerGraph.Entry.input(name));
      }
    } else {
      if (isModel(object) && !isSequential(object) && firstCall == 0) {
        functionalOfKeras3.add(name);
      }
      layer(object, name, calls)
          .ifPresent(layer -> entries.add(new LayerGraph.Entry(name, layer, firstCall, calls)));
    }
  }

  /**
   * The number of a layer's first call. Keras 2 counts it as the first call of a nested model that
   * it was made from its own input layers.
   */
  private static int firstCall(KerasObject object, JsonNode nodes) {
    boolean madeFromInputs =
        isModel(object)
            && (!isSequential(object)
                || Json.text(object.configJson().path("layers").path(0).path("class_name"))
                    .equals(Network.INPUT_LAYER));
    return madeFromInputs && InboundNode.isKeras2(nodes.path(0)) ? 1 : 0;
  }

  /** Keras writes one tensor, a list of them, or an object of them, nested at will. */
  private Argument<Source> tensors(ConfigReader config, String key) {
    return tensors(config, key, config.json(key));
  }

  private Argument<Source> tensors(ConfigReader config, String key, JsonNode json) {
    if (InboundNode.isTensor(json)) {
      return new Argument.Tensor<>(outermost(InboundNode.source(model, json)));
    }
    if (json.isArray()) {
      List<Argument<Source>> items = new ArrayList<>();
      json.forEach(item -> items.add(tensors(config, key, item)));
      return new Argument.Items<>(items);
    }
    if (json.isObject()) {
      Map<String, Argument<Source>> entries = new LinkedHashMap<>();
      json.properties()
          .forEach(entry -> entries.put(entry.getKey(), tensors(config, key, entry.getValue())));
      return new Argument.Entries<>(entries);
    }
    throw config.invalid(key, json, "tensors [layer, call, output]");
  }

  /**
   * Keras 3 counts a functional model's own making as its first call where it names inputs and
   * outputs, though not in inbound nodes ({@code functional_from_config} in
   * keras/src/models/functional.py).
   */
  private Source outermost(Source source) {
    return functionalOfKeras3.contains(source.layer())
        ? new Source(source.layer(), source.call() - 1, source.output())
        : source;
  }

  private InputSpec input(String name) {
    KerasObject object = inputLayers.get(name);
    if (object == null) {
      throw new KerasException(
          model.describe() + ": input " + name + " is no " + Network.INPUT_LAYER);
    }
    ConfigReader config = object.config();
    String key = config.has("batch_shape") ? "batch_shape" : "batch_input_shape";
    long[] shape = config.sizes(key, 0);
    String dtype = config.text("dtype", "float32");
    DType type =
        DType.named(dtype)
            .filter(INPUT_TYPES::contains)
            .orElseThrow(
                () ->
                    config.invalid(
                        "dtype",
                        dtype,
                        INPUT_TYPES.stream().map(DType::toString).toArray(String[]::new)));
    for (String unsupported : List.of("sparse", "ragged", "optional")) {
      if (config.bool(unsupported, false)) {
        throw config.invalid(unsupported, true, "false");
      }
    }
    return new InputSpec(name, Shape.of(shape), type.tensor());
  }
}
