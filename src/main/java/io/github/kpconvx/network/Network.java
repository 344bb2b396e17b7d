package io.github.kpconvx.network;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.kpconvx.keras.ConfigReader;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.KerasObject;
import io.github.kpconvx.keras.LayerSpec;
import io.github.kpconvx.keras.StoredWeight;
import io.github.kpconvx.keras.WeightStore;
import io.github.kpconvx.layer.CallContext;
import io.github.kpconvx.layer.KPConvXLayer;
import io.github.kpconvx.layer.KernelPoints;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.LayerVariable;
import io.github.kpconvx.layer.Mode;
import io.github.kpconvx.layer.Stages;
import io.github.kpconvx.layer.WeightLoader;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.stream.StreamSupport;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TType;

/**
 * A Keras 3 functional model, rebuilt from its configuration: which layers there are, how they are
 * connected, what goes in and out.
 *
 * <p>A network is a description; {@link #build} turns it into operations of one graph, once, and
 * {@link #call} adds them to that graph again. Belongs to one thread until it is built.
 *
 * @see <a href="https://keras.io/api/models/model/">The Functional API in Keras</a>
 */
public final class Network {
  /** The class name of Keras's input layers. */
  static final String INPUT_LAYER = "InputLayer";

  private static final Map<String, Class<? extends TType>> INPUT_TYPES =
      Map.of("float32", TFloat32.class, "int32", TInt32.class, "int64", TInt64.class);

  private final String className;
  private final List<Entry> entries;
  private final List<Input> inputs;
  private final Map<String, Source> outputs;
  private final Set<Layer> builtLayers = new HashSet<>();
  private boolean built;

  /**
   * An input of the network.
   *
   * @param name the name of its input layer
   * @param shape its shape; unknown dimensions are those that may differ from call to call
   * @param type its tensor type: TFloat32, TInt32 or TInt64
   */
  public record Input(String name, Shape shape, Class<? extends TType> type) {}

  /**
   * A network in a graph.
   *
   * @param inputs placeholders by input name, in the model's order
   * @param outputs results by output name: {@code output_0}, …, or the keys of a model that returns
   *     a dictionary
   * @param stages intermediate results: each layer's output under its name, and {@code layer/stage}
   *     for what a layer makes known about its inside
   */
  public record Built(
      Map<String, Operand<?>> inputs,
      Map<String, Operand<?>> outputs,
      Map<String, Operand<?>> stages) {}

  /** Where a tensor comes from: a layer's n-th call. */
  private record Source(String layer, int node) {}

  /** A layer with its calls; {@code layer} is null for an input layer. */
  private record Entry(KerasObject object, String name, Layer layer, List<List<Source>> calls) {}

  private Network(
      String className, List<Entry> entries, List<Input> inputs, Map<String, Source> outputs) {
    this.className = className;
    this.entries = entries;
    this.inputs = inputs;
    this.outputs = outputs;
  }

  /**
   * Reads a functional model.
   *
   * @param model the serialized model, as in {@code config.json} or from {@code model.to_json()}
   * @param registry the layers it may be made of
   * @return the network
   * @throws KerasException if the model is of another kind, a layer is unknown, a layer's
   *     configuration is not allowed or the connections make no sense
   */
  public static Network of(KerasObject model, LayerRegistry registry) {
    if (!model.isBuiltIn() || !model.className().matches("Functional|Model")) {
      throw new KerasException(
          "Cannot rebuild a model of class "
              + model.describe()
              + model.module().map(module -> " of module " + module).orElse("")
              + "; supported are Keras functional models (class Functional) and single layers of class "
              + KPConvXLayer.CLASS_NAME);
    }
    ConfigReader config = model.config();
    List<Entry> entries = new ArrayList<>();
    List<Input> inputs = new ArrayList<>();
    Set<String> names = new HashSet<>();
    for (JsonNode json : config.elements("layers")) {
      Entry entry = entry(json, registry);
      if (!names.add(entry.name())) {
        throw new KerasException(
            model.describe() + ": two layers are named \"" + entry.name() + "\"");
      }
      entries.add(entry);
    }
    for (Source source : tensors(model, config, "input_layers").values()) {
      inputs.add(input(model, entries, source));
    }
    Map<String, Source> outputs = tensors(model, config, "output_layers");
    if (outputs.isEmpty()) {
      throw new KerasException(model.describe() + ": no outputs");
    }
    return new Network("Functional", entries, inputs, outputs);
  }

  /**
   * A network of one {@link KPConvXLayer} with the inputs X, F and N (int32).
   *
   * @param layer the serialized layer
   * @param featureDim D
   * @param registry knows the layer
   * @return the network
   * @throws KerasException if the layer's configuration is not allowed
   */
  public static Network ofLayer(KerasObject layer, long featureDim, LayerRegistry registry) {
    long any = Shape.UNKNOWN_SIZE;
    Layer created = registry.create(layer);
    List<Input> inputs =
        List.of(
            new Input("X", Shape.of(any, any, 3), TFloat32.class),
            new Input("F", Shape.of(any, any, featureDim), TFloat32.class),
            new Input("N", Shape.of(any, any, any), TInt32.class));
    List<Entry> entries = new ArrayList<>();
    List<Source> sources = new ArrayList<>();
    for (Input input : inputs) {
      entries.add(new Entry(null, input.name(), null, List.of(List.of())));
      sources.add(new Source(input.name(), 0));
    }
    entries.add(new Entry(layer, created.name(), created, List.of(sources)));
    return new Network(
        "Functional", entries, inputs, Map.of("output_0", new Source(created.name(), 0)));
  }

  private static Entry entry(JsonNode json, LayerRegistry registry) {
    KerasObject object = KerasObject.of(json);
    String name =
        json.path("name").asText(object.configJson().path("name").asText(object.className()));
    if (object.className().equals(INPUT_LAYER) && object.isBuiltIn()) {
      return new Entry(object, name, null, List.of(List.of()));
    }
    Layer layer = registry.create(object);
    List<List<Source>> calls = new ArrayList<>();
    for (JsonNode node : json.path("inbound_nodes")) {
      calls.add(call(object, node));
    }
    return new Entry(object, name, layer, calls);
  }

  /** The tensors that one call of a layer takes, in order. */
  private static List<Source> call(KerasObject layer, JsonNode node) {
    JsonNode arguments = node.path("args");
    if (!node.isObject() || !arguments.isArray()) {
      throw new KerasException(
          layer.describe()
              + ": expected an inbound node with args, as Keras 3 writes it, found "
              + node);
    }
    List<Source> sources = new ArrayList<>();
    collect(layer, arguments, sources);
    for (Map.Entry<String, JsonNode> keyword : node.path("kwargs").properties()) {
      JsonNode value = keyword.getValue();
      if (keyword.getKey().equals("inputs")) {
        collect(layer, value, sources);
      } else if (!isUnset(value)) {
        throw new KerasException(
            layer.describe()
                + ": is called with "
                + keyword.getKey()
                + " = "
                + value
                + "; call arguments other than the inputs are not supported");
      }
    }
    return sources;
  }

  /**
   * Keras writes out arguments left at null or false, such as {@code training} and a {@code mask}
   * for each input.
   */
  private static boolean isUnset(JsonNode argument) {
    if (argument.isArray()) {
      return StreamSupport.stream(argument.spliterator(), false).allMatch(Network::isUnset);
    }
    return argument.isNull() || (argument.isBoolean() && !argument.booleanValue());
  }

  private static void collect(KerasObject layer, JsonNode argument, List<Source> sources) {
    if (argument.isArray()) {
      argument.forEach(element -> collect(layer, element, sources));
    } else if (argument.path("class_name").asText().equals("__keras_tensor__")) {
      sources.add(source(layer, argument.path("config").path("keras_history")));
    } else if (argument.path("class_name").asText().equals("__tuple__")) {
      collect(layer, argument.path("items"), sources);
    } else {
      throw new KerasException(
          layer.describe()
              + ": is called with "
              + argument
              + "; only tensors of other layers are supported");
    }
  }

  private static Source source(KerasObject owner, JsonNode history) {
    boolean valid =
        history.isArray()
            && history.size() == 3
            && history.get(0).isTextual()
            && history.get(1).isInt()
            && history.get(2).isInt();
    if (!valid || history.get(2).intValue() != 0) {
      throw new KerasException(
          owner.describe() + ": expected a tensor [layer, call, 0], found " + history);
    }
    return new Source(history.get(0).textValue(), history.get(1).intValue());
  }

  /** Keras writes one tensor, a list of them, or an object of them. */
  private static Map<String, Source> tensors(KerasObject model, ConfigReader config, String key) {
    JsonNode json = config.json(key);
    Map<String, Source> tensors = new LinkedHashMap<>();
    if (json.isObject()) {
      json.properties()
          .forEach(entry -> tensors.put(entry.getKey(), source(model, entry.getValue())));
    } else if (json.isArray() && json.size() == 3 && json.get(0).isTextual()) {
      tensors.put("output_0", source(model, json));
    } else if (json.isArray()) {
      json.forEach(tensor -> tensors.put("output_" + tensors.size(), source(model, tensor)));
    } else {
      throw config.invalid(key, json, "tensors [layer, call, 0]");
    }
    return tensors;
  }

  private static Input input(KerasObject model, List<Entry> entries, Source source) {
    Entry entry =
        entries.stream()
            .filter(
                candidate -> candidate.name().equals(source.layer()) && candidate.layer() == null)
            .findFirst()
            .orElseThrow(
                () ->
                    new KerasException(
                        model.describe() + ": input " + source.layer() + " is no " + INPUT_LAYER));
    ConfigReader config = entry.object().config();
    String key = config.has("batch_shape") ? "batch_shape" : "batch_input_shape";
    List<JsonNode> dimensions = config.elements(key);
    long[] shape = new long[dimensions.size()];
    for (int d = 0; d < shape.length; d++) {
      JsonNode dimension = dimensions.get(d);
      if (!dimension.isNull() && (!dimension.isIntegralNumber() || dimension.longValue() < 0)) {
        throw config.invalid(key, config.json(key), "a list of sizes and nulls");
      }
      shape[d] = dimension.isNull() ? Shape.UNKNOWN_SIZE : dimension.longValue();
    }
    String dtype = config.text("dtype", "float32");
    Class<? extends TType> type = INPUT_TYPES.get(dtype);
    if (type == null) {
      throw config.invalid("dtype", dtype, "float32, int32 or int64");
    }
    for (String unsupported : List.of("sparse", "ragged", "optional")) {
      if (config.json(unsupported).asBoolean(false)) {
        throw config.invalid(unsupported, true, "false");
      }
    }
    return new Input(entry.name(), Shape.of(shape), type);
  }

  /**
   * What goes in, in the model's order.
   *
   * @return the inputs
   */
  public List<Input> inputs() {
    return inputs;
  }

  /**
   * The names of what comes out, in the model's order.
   *
   * @return the names
   */
  public Collection<String> outputNames() {
    return Collections.unmodifiableSet(outputs.keySet());
  }

  /**
   * The layers in the model's order, without its input layers.
   *
   * @return the layers
   */
  public List<Layer> layers() {
    return entries.stream().filter(entry -> entry.layer() != null).map(Entry::layer).toList();
  }

  /**
   * What the network expects of a weight file.
   *
   * @return all layers' expectations, input layers' (none) included, as Keras's files number them
   *     too
   * @throws IllegalStateException if the network was not built
   */
  public LayerSpec spec() {
    return LayerSpec.network(
        className,
        entries.stream()
            .map(
                entry ->
                    entry.layer() != null
                        ? entry.layer().spec()
                        : new LayerSpec(entry.name(), INPUT_LAYER, List.of()))
            .toList());
  }

  /**
   * Finds the stored weight of each weight of the network, strictly.
   *
   * @param store the file; one of the network's only layer, as Keras saves a layer by itself, will
   *     do too
   * @return stored weights by qualified name, as {@link WeightStore#match} gives them
   * @throws KerasException if a weight is missing, surplus, of another shape or not float32
   * @throws IllegalStateException if the network was not built
   */
  public Map<String, StoredWeight> match(WeightStore store) {
    boolean alone =
        layers().size() == 1
            && store.weights().stream().anyMatch(weight -> weight.path().startsWith("vars/"));
    return store.match(alone ? layers().get(0).spec() : spec());
  }

  /**
   * Gives all layers the weights that were found for them.
   *
   * @param found stored weights by qualified name
   * @param session a session over the graph that the network was built in
   * @param kernelPoints where Q comes from for a layer whose Q was not found
   * @throws KerasException if there are no kernel points for a layer, or a weight cannot be read
   */
  public void loadWeights(
      Map<String, StoredWeight> found, Session session, KernelPoints kernelPoints) {
    WeightLoader.load(layers(), found, kernelPoints, session);
  }

  /**
   * Gives every weight its first value.
   *
   * @param session a session over the graph that the network was built in
   * @param seed what random initializers without a seed of their own draw from; the same seed gives
   *     the same values
   * @throws IllegalStateException if the network was not built
   */
  public void initialize(Session session, long seed) {
    SplittableRandom seeds = new SplittableRandom(seed);
    layers().forEach(layer -> layer.initialize(session, seeds.nextLong()));
  }

  /**
   * All weights by {@linkplain LayerSpec#qualifiedWeights() qualified name}, in Keras's order.
   *
   * @return the weights
   * @throws IllegalStateException if the network was not built
   */
  public Map<String, LayerVariable> variables() {
    return collect(Layer::variables);
  }

  /**
   * The weights that an optimizer changes, by qualified name.
   *
   * @return the weights in Keras's order
   * @throws IllegalStateException if the network was not built
   */
  public Map<String, LayerVariable> trainableVariables() {
    return collect(Layer::trainableVariables);
  }

  /**
   * What is to be added to the loss in training, as {@link Layer#regularizationLosses} gives it.
   *
   * @param tf where to
   * @return scalars
   * @throws IllegalStateException if the network was not built
   */
  public Map<String, Operand<TFloat32>> regularizationLosses(Ops tf) {
    return collect(layer -> layer.regularizationLosses(tf));
  }

  /**
   * Operations that keep the weights to their constraints, as {@link Layer#projections} gives them.
   *
   * @param tf where to
   * @return the operations by the weight's qualified name
   * @throws IllegalStateException if the network was not built
   */
  public Map<String, Op> projections(Ops tf) {
    return collect(layer -> layer.projections(tf));
  }

  /**
   * What a training step has to run besides the optimizer, as {@link Layer#updates} gives it.
   *
   * @return the operations
   */
  public List<Op> updates() {
    return layers().stream().flatMap(layer -> layer.updates().stream()).toList();
  }

  private <T> Map<String, T> collect(Function<Layer, Map<String, T>> ofLayer) {
    Map<String, T> all = new LinkedHashMap<>();
    layers().forEach(layer -> all.putAll(ofLayer.apply(layer)));
    return Collections.unmodifiableMap(all);
  }

  /**
   * Adds the network to a graph: placeholders, weights, layers.
   *
   * @param tf where to
   * @param mode whether to train
   * @return its inputs, outputs and stages
   * @throws KerasException if a layer does not fit its inputs or the connections make no sense
   * @throws IllegalStateException if it was built before
   */
  public Built build(Ops tf, Mode mode) {
    return build(tf, CallContext.of(mode));
  }

  /**
   * Adds the network to a graph: placeholders, weights, layers.
   *
   * @param tf where to
   * @param context whether to train, where random numbers come from; its stages are told each
   *     layer's output under its name, and {@code layer/stage} for what a layer makes known about
   *     its inside
   * @return its inputs, outputs and stages
   * @throws KerasException if a layer does not fit its inputs or the connections make no sense
   * @throws IllegalStateException if it was built before
   */
  public Built build(Ops tf, CallContext context) {
    if (built) {
      throw new IllegalStateException("The network is built already: call it instead");
    }
    built = true;
    return call(tf, context);
  }

  /**
   * Adds the network's computation to the graph it was built in once more, with placeholders of its
   * own and the same weights: to train and to evaluate in one graph.
   *
   * @param tf where to
   * @param context whether to train, where random numbers come from, who is told of stages
   * @return its inputs, outputs and stages
   * @throws IllegalStateException if it was not built
   */
  public Built call(Ops tf, CallContext context) {
    requireBuilt();
    Map<String, Operand<?>> placeholders = new LinkedHashMap<>();
    Map<Source, Operand<?>> values = new HashMap<>();
    Map<String, Operand<?>> stages = new LinkedHashMap<>();
    Stages record =
        (name, value) -> {
          stages.put(name, value);
          context.stages().record(name, value);
        };
    for (Input input : inputs) {
      Operand<?> placeholder = tf.placeholder(input.type(), Placeholder.shape(input.shape()));
      placeholders.put(input.name(), placeholder);
      values.put(new Source(input.name(), 0), placeholder);
    }
    // A layer can be called once its inputs are there; a round without progress means that some
    // never will be.
    ArrayDeque<Call> waiting = calls();
    int idle = 0;
    while (!waiting.isEmpty()) {
      Call call = waiting.remove();
      if (!values.keySet().containsAll(call.sources())) {
        waiting.add(call);
        if (++idle > waiting.size()) {
          throw new KerasException(
              "Layer "
                  + call.layer().name()
                  + " takes its input from "
                  + call.sources()
                  + ", which never come to be");
        }
        continue;
      }
      idle = 0;
      List<Operand<?>> arguments = new ArrayList<>();
      call.sources().forEach(source -> arguments.add(values.get(source)));
      if (builtLayers.add(call.layer())) {
        call.layer().build(tf, arguments.stream().map(Operand::shape).toList());
      }
      String name =
          call.target().layer() + (call.target().node() == 0 ? "" : "#" + call.target().node());
      Operand<TFloat32> result =
          call.layer()
              .call(
                  tf,
                  arguments,
                  context.withStages((stage, value) -> record.record(name + "/" + stage, value)));
      record.record(name, result);
      values.put(call.target(), result);
    }
    Map<String, Operand<?>> results = new LinkedHashMap<>();
    outputs.forEach(
        (name, source) -> {
          if (!values.containsKey(source)) {
            throw new KerasException("Output " + name + " is " + source + ", which no layer makes");
          }
          results.put(name, values.get(source));
        });
    return new Built(placeholders, results, stages);
  }

  private void requireBuilt() {
    if (!built) {
      throw new IllegalStateException("The network is not built: call build first");
    }
  }

  private record Call(Layer layer, Source target, List<Source> sources) {}

  private ArrayDeque<Call> calls() {
    ArrayDeque<Call> calls = new ArrayDeque<>();
    for (Entry entry : entries) {
      for (int node = 0; entry.layer() != null && node < entry.calls().size(); node++) {
        calls.add(new Call(entry.layer(), new Source(entry.name(), node), entry.calls().get(node)));
      }
    }
    return calls;
  }
}
