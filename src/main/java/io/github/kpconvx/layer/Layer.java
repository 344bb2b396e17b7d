package io.github.kpconvx.layer;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.weights.LayerSpec;
import io.github.kpconvx.keras.weights.WeightSpec;
import io.github.kpconvx.layer.function.Regularizer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.BiConsumer;
import java.util.function.UnaryOperator;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.index.Indices;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Variable;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;

/**
 * A Keras layer in a TensorFlow graph: configured once, built once for known shapes, called as
 * often as needed.
 *
 * <p>Subclasses say what weights there are ({@link #createWeights}) and what is computed ({@link
 * #compute}). Building and calling add operations to a graph and belong to one thread; what was
 * built may run in many.
 */
public abstract class Layer {
  private final KerasObject object;
  private final String name;
  private final boolean trainable;
  private final Map<String, LayerVariable> weights = new LinkedHashMap<>();
  private final Map<String, List<Layer>> sublayers = new LinkedHashMap<>();
  private final Optional<Regularizer> activityRegularizer;
  private final Map<String, Operand<TFloat32>> activityLosses = new LinkedHashMap<>();
  private final List<Op> updates = new ArrayList<>();
  private Map<String, TFloat32> frozen;
  private boolean outlined;
  private boolean built;

  /**
   * Reads what every Keras layer has: name, trainability, data type.
   *
   * @param object the serialized layer
   * @throws KerasException if the data type policy is not float32 or a value is of a wrong type
   */
  protected Layer(KerasObject object) {
    this.object = object;
    var config = object.config();
    config.requireFloat32();
    this.name = config.text("name", object.className());
    this.trainable = config.bool("trainable", true);
    this.activityRegularizer =
        Regularizer.of(
            object.describe(), "activity_regularizer", config.json("activity_regularizer"));
  }

  /**
   * The layer's name.
   *
   * @return the name
   */
  public final String name() {
    return name;
  }

  /**
   * Whether its trainable weights are to be trained.
   *
   * @return Keras's {@code layer.trainable}
   */
  public final boolean trainable() {
    return trainable;
  }

  /**
   * The layer as Keras serializes it; what was read is given back unchanged.
   *
   * @return the serialized layer
   */
  public final KerasObject serialize() {
    return object;
  }

  /**
   * The configuration, as Keras's {@code get_config()} gives it.
   *
   * @return a JSON object
   */
  public final String getConfig() {
    return object.configJson().toString();
  }

  /**
   * Creates the layer's weights.
   *
   * @param tf where to
   * @param inputs the shapes of its inputs; unknown dimensions are allowed where no weight depends
   *     on them
   * @throws KerasException if the shapes do not fit the layer
   * @throws IllegalStateException if it was built before
   */
  public final void build(Ops tf, List<Shape> inputs) {
    requireNotBuilt();
    built = true;
    createWeights(tf, inputs);
  }

  /**
   * Gives the layer, before it is built, values that its weights keep: they become constants of the
   * graph, from which a faster {@link Formulation} may be derived.
   *
   * @param values a value for each weight by {@linkplain LayerSpec#qualifiedWeights() qualified
   *     name}; they stay the caller's to close, and have to last until the layer was called
   * @throws IllegalStateException if it was built before
   */
  public final void freeze(Map<String, TFloat32> values) {
    visit(
        (prefix, layer) -> {
          layer.requireNotBuilt();
          Map<String, TFloat32> own = new LinkedHashMap<>();
          values.forEach(
              (weight, value) -> {
                if (weight.startsWith(prefix)) {
                  own.put(weight.substring(prefix.length()), value);
                }
              });
          layer.frozen = own;
        });
  }

  /**
   * Makes the layer, before it is built, an outline: it tells what weights it expects and what
   * shapes come out of it, but cannot be run. That takes a fraction of the time.
   *
   * @throws IllegalStateException if it was built before
   */
  public final void outline() {
    visit(
        (prefix, layer) -> {
          layer.requireNotBuilt();
          layer.outlined = true;
        });
  }

  /** Whether only the shapes of what it computes are of interest. */
  protected final boolean isOutlined() {
    return outlined;
  }

  /** Whether its weights are constants. */
  protected final boolean isFrozen() {
    return frozen != null;
  }

  /** The value that one of the layer's own weights keeps. */
  public final TFloat32 frozen(String weight) {
    TFloat32 value = frozen.get(weight);
    if (value == null) {
      throw new KerasException(
          object.describe() + ": no value for weight " + weight + ", got " + frozen.keySet());
    }
    return value;
  }

  /**
   * Adds the layer's computation to a graph.
   *
   * @param tf where to
   * @param inputs its inputs in Keras's order
   * @param mode whether to train
   * @return its output
   * @throws KerasException if the inputs do not fit the layer
   * @throws IllegalStateException if it was not built
   */
  public final Operand<TFloat32> call(Ops tf, List<Operand<?>> inputs, Mode mode) {
    return call(tf, inputs, CallContext.of(mode));
  }

  /**
   * Adds the layer's computation to a graph.
   *
   * @param tf where to
   * @param inputs its inputs in Keras's order
   * @param context whether to train, where random numbers come from, who is told of stages
   * @return its output
   * @throws KerasException if the inputs do not fit the layer
   * @throws IllegalStateException if it was not built
   */
  public final Operand<TFloat32> call(Ops tf, List<Operand<?>> inputs, CallContext context) {
    requireBuilt();
    Ops scoped = scope(tf);
    Operand<TFloat32> output = compute(scoped, inputs, context);
    if (context.training() && activityRegularizer.isPresent()) {
      // As Keras does, per element of the batch.
      Operand<TInt32> batch = tf.stridedSlice(tf.shape(output), Indices.at(0));
      activityLosses.put(
          "activity_regularizer" + (activityLosses.isEmpty() ? "" : "#" + activityLosses.size()),
          scoped.math.div(
              activityRegularizer.get().call(scoped, output),
              scoped.dtypes.cast(batch, TFloat32.class)));
    }
    return output;
  }

  /**
   * Creates weights with {@link #addWeight} and sublayers with {@link #addSublayers}.
   *
   * @param tf where to
   * @param inputs the shapes of the inputs
   */
  protected abstract void createWeights(Ops tf, List<Shape> inputs);

  /**
   * Computes the output.
   *
   * @param tf where to
   * @param inputs the inputs
   * @param context whether to train, where random numbers come from, and who is to be told
   *     intermediate results worth comparing with other implementations
   * @return the output
   */
  protected abstract Operand<TFloat32> compute(
      Ops tf, List<Operand<?>> inputs, CallContext context);

  /**
   * Adds a weight; the order of the calls is Keras's order of creation.
   *
   * @param tf where to
   * @param spec what it is
   * @param rules how it starts, what its size costs and what it is kept to
   * @return the weight
   */
  protected final LayerVariable addWeight(Ops tf, WeightSpec spec, WeightRules rules) {
    LayerVariable variable =
        outlined
            ? LayerVariable.outline(tf, operationName(), spec, rules)
            : frozen == null
                ? new LayerVariable(tf, operationName(), spec, rules)
                : LayerVariable.constant(tf, operationName(), spec, rules, frozen(spec.name()));
    weights.put(spec.name(), variable);
    return variable;
  }

  /**
   * Adds sublayers that the Keras layer holds in a list attribute.
   *
   * @param attribute the attribute's name
   * @param layers the sublayers
   */
  protected final void addSublayers(String attribute, List<? extends Layer> layers) {
    sublayers.put(attribute, List.copyOf(layers));
  }

  /**
   * One of the layer's own weights.
   *
   * @param weight its name
   * @return its value
   */
  protected final Operand<TFloat32> weight(String weight) {
    return weights.get(weight).value();
  }

  /**
   * Adds to what a training step changes besides the trained weights, such as a moving average.
   * Several updates of one weight happen in the order in which they were added.
   *
   * @param tf where to
   * @param weight the weight's name
   * @param next makes the new value of the old
   */
  protected final void addUpdate(Ops tf, String weight, UnaryOperator<Operand<TFloat32>> next) {
    Variable<TFloat32> variable = weights.get(weight).variable();
    Ops after = tf.withControlDependencies(updates);
    updates.add(after.assign(variable, next.apply(after.identity(variable))));
  }

  /**
   * What a training step has to run besides the optimizer: the updates that calls in training mode
   * made, sublayers' included.
   *
   * @return the operations, in the order of the calls
   */
  public final List<Op> updates() {
    List<Op> all = new ArrayList<>(updates);
    sublayers.values().forEach(layers -> layers.forEach(layer -> all.addAll(layer.updates())));
    return all;
  }

  /**
   * What is to be added to the loss in training: the penalty of each regularized weight that is
   * trained, by the weight's qualified name, and that of the outputs of calls in training mode, as
   * {@code layer/activity_regularizer}.
   *
   * @param tf where to
   * @return scalars
   * @throws IllegalStateException if it was not built
   */
  public final Map<String, Operand<TFloat32>> regularizationLosses(Ops tf) {
    Map<String, Operand<TFloat32>> losses = new LinkedHashMap<>();
    trainableVariables()
        .forEach(
            (weight, variable) ->
                variable
                    .rules()
                    .regularizer()
                    .ifPresent(penalty -> losses.put(weight, penalty.call(tf, variable.value()))));
    collectActivityLosses(name + "/", losses);
    return losses;
  }

  private void collectActivityLosses(String prefix, Map<String, Operand<TFloat32>> all) {
    activityLosses.forEach((activity, loss) -> all.put(prefix + activity, loss));
    visitSublayers(prefix, (below, layer) -> layer.collectActivityLosses(below, all));
  }

  /**
   * Operations that project each constrained weight that is trained onto what its constraint
   * allows; to be run after each step of an optimizer.
   *
   * @param tf where to
   * @return the operations by the weight's qualified name
   * @throws IllegalStateException if it was not built
   */
  public final Map<String, Op> projections(Ops tf) {
    Map<String, Op> projections = new LinkedHashMap<>();
    trainableVariables()
        .forEach(
            (weight, variable) ->
                variable
                    .rules()
                    .constraint()
                    .ifPresent(
                        constraint ->
                            projections.put(
                                weight,
                                // Read here, so that a control dependency of tf orders the read.
                                tf.assign(
                                    variable.variable(),
                                    constraint.call(tf, tf.identity(variable.variable()))))));
    return projections;
  }

  /**
   * The weights that an optimizer changes, by qualified name: trainable ones of layers that are
   * trainable and belong to none that is not.
   *
   * @return the weights in Keras's order
   * @throws IllegalStateException if it was not built
   */
  public final Map<String, LayerVariable> trainableVariables() {
    requireBuilt();
    Map<String, LayerVariable> all = new LinkedHashMap<>();
    collectTrainable(name + "/", all);
    return Collections.unmodifiableMap(all);
  }

  private void collectTrainable(String prefix, Map<String, LayerVariable> all) {
    if (!trainable) {
      return;
    }
    weights.forEach(
        (weight, variable) -> {
          if (variable.spec().trainable()) {
            all.put(prefix + weight, variable);
          }
        });
    visitSublayers(prefix, (below, layer) -> layer.collectTrainable(below, all));
  }

  /**
   * Gives every weight its first value.
   *
   * @param session a session over the layer's graph
   * @param seed what random initializers without a seed of their own draw from; the same seed gives
   *     the same values
   * @throws IllegalStateException if it was not built
   */
  public final void initialize(Session session, long seed) {
    SplittableRandom seeds = new SplittableRandom(seed);
    variables().values().forEach(variable -> variable.initialize(session, seeds.nextLong()));
  }

  /**
   * What the layer expects of a weight file.
   *
   * @return its weights and those of its sublayers
   * @throws IllegalStateException if it was not built
   */
  public final LayerSpec spec() {
    requireBuilt();
    Map<String, List<LayerSpec>> below = new LinkedHashMap<>();
    sublayers.forEach(
        (attribute, layers) -> below.put(attribute, layers.stream().map(Layer::spec).toList()));
    return new LayerSpec(
        name,
        object.className(),
        trainable,
        weights.values().stream().map(LayerVariable::spec).toList(),
        below);
  }

  /**
   * All weights by {@linkplain LayerSpec#qualifiedWeights() qualified name}, sublayers' included.
   *
   * @return the weights in Keras's order
   * @throws IllegalStateException if it was not built
   */
  public final Map<String, LayerVariable> variables() {
    requireBuilt();
    Map<String, LayerVariable> all = new LinkedHashMap<>();
    collect(name + "/", all);
    return Collections.unmodifiableMap(all);
  }

  private void collect(String prefix, Map<String, LayerVariable> all) {
    List<LayerVariable> ordered = new ArrayList<>(weights.values());
    ordered.sort((a, b) -> Boolean.compare(b.spec().trainable(), a.spec().trainable()));
    ordered.forEach(variable -> all.put(prefix + variable.spec().name(), variable));
    visitSublayers(prefix, (below, layer) -> layer.collect(below, all));
  }

  private void visitSublayers(String prefix, BiConsumer<String, Layer> visitor) {
    sublayers.forEach(
        (attribute, layers) -> {
          for (int i = 0; i < layers.size(); i++) {
            visitor.accept(prefix + attribute + "/" + i + "/", layers.get(i));
          }
        });
  }

  /**
   * Visits this layer and its sublayers, depth first, in Keras's order.
   *
   * @param visitor gets each layer with what its weights' {@linkplain LayerSpec#qualifiedWeights()
   *     qualified names} begin with
   */
  public final void visit(BiConsumer<String, Layer> visitor) {
    visit(name + "/", visitor);
  }

  private void visit(String prefix, BiConsumer<String, Layer> visitor) {
    visitor.accept(prefix, this);
    visitSublayers(prefix, (below, layer) -> layer.visit(below, visitor));
  }

  /** The layer's own weights by name, without its sublayers'. */
  public final Map<String, LayerVariable> ownVariables() {
    requireBuilt();
    return Collections.unmodifiableMap(weights);
  }

  private void requireNotBuilt() {
    if (built) {
      throw new IllegalStateException("Layer " + name + " is built already");
    }
  }

  /** Throws unless the layer was built. */
  private void requireBuilt() {
    if (!built) {
      throw new IllegalStateException("Layer " + name + " is not built: call build first");
    }
  }

  private Ops scope(Ops tf) {
    return tf.withSubScope(operationName());
  }

  private String operationName() {
    return name.replaceAll("[^A-Za-z0-9_.]", "_").replaceFirst("^_", ".");
  }

  /**
   * The only input of a layer that takes one.
   *
   * @param inputs the inputs
   * @return the input, checked to be float32
   * @throws KerasException if there are several or it is of another type
   */
  @SuppressWarnings("unchecked") // The type is checked.
  protected final Operand<TFloat32> onlyInput(List<Operand<?>> inputs) {
    if (inputs.size() != 1) {
      throw new KerasException(object.describe() + " takes one input, got " + inputs.size());
    }
    return floatInput(inputs.get(0), "its input");
  }

  /**
   * Checks that an input is float32.
   *
   * @param input the input
   * @param what what it is, for the message
   * @return the input
   * @throws KerasException if it is of another type
   */
  @SuppressWarnings("unchecked") // The type is checked.
  protected final Operand<TFloat32> floatInput(Operand<?> input, String what) {
    if (!input.type().equals(TFloat32.class)) {
      throw new KerasException(
          object.describe()
              + ": "
              + what
              + " is "
              + input.type().getSimpleName()
              + ", expected TFloat32");
    }
    return (Operand<TFloat32>) input;
  }
}
