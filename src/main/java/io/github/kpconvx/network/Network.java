package io.github.kpconvx.network;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.weights.LayerSpec;
import io.github.kpconvx.keras.weights.StoredWeight;
import io.github.kpconvx.keras.weights.WeightStore;
import io.github.kpconvx.layer.Argument;
import io.github.kpconvx.layer.Arguments;
import io.github.kpconvx.layer.CallContext;
import io.github.kpconvx.layer.InputSpec;
import io.github.kpconvx.layer.KernelPoints;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.LayerVariable;
import io.github.kpconvx.layer.Mode;
import io.github.kpconvx.layer.Stages;
import io.github.kpconvx.layer.StandaloneLayer;
import io.github.kpconvx.layer.WeightLoader;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Function;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TType;

/**
 * A functional or sequential model of Keras 3 or Keras 2, rebuilt from its configuration: which
 * layers there are, how they are connected, what goes in and out.
 *
 * <p>A network is a description; {@link #build} turns it into operations of one graph, once, and
 * {@link #call} adds them to that graph again. Belongs to one thread until it is built.
 *
 * @see <a href="https://keras.io/api/models/model/">The Functional API in Keras</a>
 */
public final class Network {
  /** The class name of Keras's input layers. */
  static final String INPUT_LAYER = "InputLayer";

  private final String className;
  private final LayerGraph graph;
  private boolean built;

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

  private Network(String className, LayerGraph graph) {
    this.className = className;
    this.graph = graph;
  }

  /**
   * Reads a functional or sequential model.
   *
   * @param model the serialized model, as in {@code config.json} or from {@code model.to_json()}
   * @param registry the layers it may be made of
   * @return the network
   * @throws UnsupportedModelException if the model is of another kind, or layers cannot be rebuilt:
   *     names all of them
   * @throws KerasException if the connections make no sense
   */
  public static Network of(KerasObject model, LayerRegistry registry) {
    return new Network(model.className(), GraphReader.read(model, registry));
  }

  /**
   * Reads a model, or a layer that a file holds by itself.
   *
   * @param object the serialized model or layer
   * @param weights the shapes of the weights that are there, which may tell what inputs a layer by
   *     itself takes
   * @param registry the layers it may be made of
   * @return the network
   * @throws KerasException as {@link #of(KerasObject, LayerRegistry)}, or if the weights are not
   *     the layer's
   */
  public static Network of(KerasObject object, Collection<Shape> weights, LayerRegistry registry) {
    if (GraphReader.isModel(object)) {
      return of(object, registry);
    }
    Layer layer = registry.create(object);
    if (!(layer instanceof StandaloneLayer alone)) {
      throw GraphReader.noModel(object);
    }
    List<InputSpec> inputs = alone.inputs(weights);
    List<LayerGraph.Entry> entries = new ArrayList<>();
    List<Source> sources = new ArrayList<>();
    for (InputSpec input : inputs) {
      entries.add(LayerGraph.Entry.input(input.name()));
      sources.add(new Source(input.name(), 0, 0));
    }
    entries.add(new LayerGraph.Entry(layer.name(), layer, 0, List.of(Arguments.of(sources))));
    Argument<Source> output = new Argument.Tensor<>(new Source(layer.name(), 0, 0));
    return new Network("Functional", new LayerGraph(entries, inputs, output));
  }

  /**
   * Whether an object is a layer by itself, not a model.
   *
   * @param object the serialized model or layer
   * @return true if it is no functional or sequential model
   */
  public static boolean isLayer(KerasObject object) {
    return !GraphReader.isModel(object);
  }

  /**
   * What goes in, in the model's order.
   *
   * @return the inputs
   */
  public List<InputSpec> inputs() {
    return graph.inputs();
  }

  /**
   * The names of what comes out, in the model's order.
   *
   * @return the names
   */
  public Collection<String> outputNames() {
    return Collections.unmodifiableSet(graph.outputNames());
  }

  /**
   * Whether the model gives its outputs as a dictionary.
   *
   * @return true if so; false if as one tensor or a list
   */
  boolean givesDictionary() {
    return graph.givesDictionary();
  }

  /**
   * The layers in the model's order, without its input layers.
   *
   * @return the layers
   */
  public List<Layer> layers() {
    return graph.layers();
  }

  /**
   * What the network expects of a weight file.
   *
   * @return all layers' expectations, input layers' (none) included, as Keras's files number them
   *     too
   * @throws IllegalStateException if the network was not built
   */
  public LayerSpec spec() {
    return LayerSpec.network(className, graph.specs());
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
   * @param tf the operations of the graph that is added to
   * @return scalars
   * @throws IllegalStateException if the network was not built
   */
  public Map<String, Operand<TFloat32>> regularizationLosses(Ops tf) {
    return collect(layer -> layer.regularizationLosses(tf));
  }

  /**
   * Operations that keep the weights to their constraints, as {@link Layer#projections} gives them.
   *
   * @param tf the operations of the graph that is added to
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
   * Gives the network, before it is built, values that its weights keep, as {@link Layer#freeze}.
   *
   * @param values a value for each weight by {@linkplain LayerSpec#qualifiedWeights() qualified
   *     name}; they stay the caller's to close, and have to last until the network was called
   * @throws IllegalStateException if it was built before
   */
  public void freeze(Map<String, ? extends TType> values) {
    layers().forEach(layer -> layer.freeze(values));
  }

  /**
   * Builds an outline of the network for inference, as {@link Layer#outline}: it tells what it
   * takes and gives, its {@link #spec} and the names and shapes of its stages, but cannot be run.
   *
   * @param tf the operations of the graph that is added to
   * @return its inputs, outputs and stages
   * @throws KerasException if a layer does not fit its inputs or the connections make no sense
   * @throws IllegalStateException if it was built before
   */
  public Built outline(Ops tf) {
    layers().forEach(Layer::outline);
    return build(tf, Mode.INFERENCE);
  }

  /**
   * Adds the network to a graph: placeholders, weights, layers.
   *
   * @param tf the operations of the graph that is added to
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
   * @param tf the operations of the graph that is added to
   * @param context whether to train, where random numbers come from; its stages are told each
   *     layer's output under its name, and {@code layer/stage} for what a layer makes known about
   *     its inside
   * @return its inputs, outputs and stages
   * @throws KerasException if a layer does not fit its inputs or the connections make no sense
   * @throws IllegalStateException if it was built before
   */
  public Built build(Ops tf, CallContext context) {
    return build(tf, context, Map.of());
  }

  /**
   * Adds the network to a graph, with inputs of more definite shapes than its own.
   *
   * @param tf the operations of the graph that is added to
   * @param context whether to train, where random numbers come from, who is told of stages
   * @param shapes the shapes of some or all inputs by name
   * @return its inputs, outputs and stages
   * @throws KerasException if a layer does not fit its inputs or the connections make no sense
   * @throws IllegalStateException if it was built before
   */
  public Built build(Ops tf, CallContext context, Map<String, Shape> shapes) {
    if (built) {
      throw new IllegalStateException("The network is built already: call it instead");
    }
    built = true;
    return call(tf, context, shapes);
  }

  /**
   * Adds the network's computation to the graph it was built in once more, with placeholders of its
   * own and the same weights: to train and to evaluate in one graph.
   *
   * @param tf the operations of the graph that is added to
   * @param context whether to train, where random numbers come from, who is told of stages
   * @return its inputs, outputs and stages
   * @throws IllegalStateException if it was not built
   */
  public Built call(Ops tf, CallContext context) {
    requireBuilt();
    return call(tf, context, Map.of());
  }

  private Built call(Ops tf, CallContext context, Map<String, Shape> shapes) {
    Map<String, Operand<?>> placeholders = new LinkedHashMap<>();
    for (InputSpec input : graph.inputs()) {
      placeholders.put(
          input.name(),
          tf.placeholder(
              input.type(), Placeholder.shape(shapes.getOrDefault(input.name(), input.shape()))));
    }
    Map<String, Operand<?>> stages = new LinkedHashMap<>();
    Stages record =
        (name, value) -> {
          stages.put(name, value);
          context.stages().record(name, value);
        };
    Map<String, Operand<?>> outputs =
        graph.call(tf, List.copyOf(placeholders.values()), context.withStages(record));
    // What is fed cannot be fetched.
    outputs.replaceAll(
        (name, value) -> placeholders.containsValue(value) ? tf.identity(value) : value);
    return new Built(placeholders, outputs, stages);
  }

  private void requireBuilt() {
    if (!built) {
      throw new IllegalStateException("The network is not built: call build first");
    }
  }
}
