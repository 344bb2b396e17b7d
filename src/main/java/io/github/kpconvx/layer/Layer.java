package io.github.kpconvx.layer;

import io.github.kpconvx.dtype.DType;
import io.github.kpconvx.io.Failures;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.DTypePolicy;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.weights.LayerSpec;
import io.github.kpconvx.keras.weights.WeightSpec;
import io.github.kpconvx.layer.function.Regularizer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.index.Indices;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Variable;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TFloating;
import org.tensorflow.types.family.TType;

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
  private final DTypePolicy policy;
  private final boolean autocast;
  private final Map<String, LayerVariable> weights = new LinkedHashMap<>();
  private final Map<String, List<Layer>> sublayers = new LinkedHashMap<>();
  private final Set<String> singleSublayers = new HashSet<>();
  private final Optional<Regularizer> activityRegularizer;
  private final Map<String, Operand<TFloat32>> activityLosses = new LinkedHashMap<>();
  private final List<Op> updates = new ArrayList<>();
  private Map<String, TType> frozen;
  private boolean outlined;
  private boolean built;

  /**
   * Reads what every Keras layer has: name, trainability, data type; for a layer that computes in
   * float32.
   *
   * @param object the serialized layer
   * @throws KerasException if the dtype policy is not float32 or a value is of a wrong type
   */
  protected Layer(KerasObject object) {
    this(object, Set.of(DType.FLOAT32));
  }

  /**
   * Reads what every Keras layer has: name, trainability, data type; for a layer that computes in
   * several types, such as {@link DType#FLOATS}.
   *
   * @param object the serialized layer
   * @param types the types that the layer can compute in
   * @throws KerasException if the dtype policy is of another type, or a value is of a wrong type
   */
  protected Layer(KerasObject object, Set<DType> types) {
    this.object = object;
    var config = object.config();
    // An operation computes in the types of its arguments.
    this.policy = object.isOperation() ? DTypePolicy.FLOAT32 : DTypePolicy.of(config, types);
    this.autocast = config.bool("autocast", true);
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
   * The type that it computes in: floating-point inputs are cast to it, as Keras does.
   *
   * @return Keras's {@code layer.compute_dtype}
   */
  public final DType computeType() {
    return policy.compute();
  }

  /**
   * The type that its weights are kept in.
   *
   * @return Keras's {@code layer.variable_dtype}
   */
  public final DType variableType() {
    return policy.variable();
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
   * @param tf the operations of the graph that is added to
   * @param inputs the shapes of its inputs; unknown dimensions are allowed where no weight depends
   *     on them
   * @throws KerasException if the shapes do not fit the layer
   * @throws IllegalStateException if it was built before
   */
  public final void build(Ops tf, List<Shape> inputs) {
    build(tf, Arguments.of(inputs));
  }

  /**
   * Creates the layer's weights.
   *
   * @param tf the operations of the graph that is added to
   * @param arguments what it will be called with, tensors by their shapes; unknown dimensions are
   *     allowed where no weight depends on them
   * @throws KerasException if the shapes do not fit the layer
   * @throws IllegalStateException if it was built before
   */
  public final void build(Ops tf, Arguments<Shape> arguments) {
    requireNotBuilt();
    built = true;
    fitting(
        arguments.tensors(),
        () -> {
          createWeights(tf, arguments);
          return null;
        });
  }

  /** What fails for the inputs that a layer got is told with the layer and their shapes. */
  private <T> T fitting(List<Shape> inputs, Supplier<T> work) {
    try {
      return work.get();
    } catch (IllegalArgumentException // Of TensorFlow too, whose operations look at shapes.
        | IndexOutOfBoundsException
        | ArithmeticException e) {
      throw new KerasException(
          "%s cannot be computed from %s: %s"
              .formatted(
                  object.describe(),
                  inputs.isEmpty() ? "no inputs" : "inputs of shapes " + inputs,
                  Failures.reason(e)),
          e);
    }
  }

  /**
   * Gives the layer, before it is built, values that its weights keep: they become constants of the
   * graph, from which a faster {@link Formulation} may be derived.
   *
   * @param values a value for each weight by {@linkplain LayerSpec#qualifiedWeights() qualified
   *     name}; they stay the caller's to close, and have to last until the layer was called
   * @throws IllegalStateException if it was built before
   */
  public final void freeze(Map<String, ? extends TType> values) {
    visit(
        (prefix, layer) -> {
          layer.requireNotBuilt();
          Map<String, TType> own = new LinkedHashMap<>();
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

  /** Whether it only tells shapes and weights, and is never run. */
  protected final boolean isOutlined() {
    return outlined;
  }

  /** Whether its weights are constants. */
  protected final boolean isFrozen() {
    return frozen != null;
  }

  /** The value that one of the layer's own weights of float32 keeps. */
  public final TFloat32 frozen(String weight) {
    return (TFloat32) frozenValue(weight);
  }

  private TType frozenValue(String weight) {
    TType value = frozen.get(weight);
    if (value == null) {
      throw new KerasException(
          object.describe() + ": no value for weight " + weight + ", got " + frozen.keySet());
    }
    return value;
  }

  /**
   * Adds the computation of a layer of one float32 output to a graph.
   *
   * @param tf the operations of the graph
   * @param inputs its inputs in Keras's order
   * @param mode whether to train
   * @return its output
   * @throws KerasException if the inputs do not fit the layer, or its outputs are others
   * @throws IllegalStateException if it was not built
   */
  public final Operand<TFloat32> call(Ops tf, List<Operand<?>> inputs, Mode mode) {
    return call(tf, inputs, CallContext.of(mode));
  }

  /**
   * Adds the computation of a layer of one float32 output to a graph.
   *
   * @param tf the operations of the graph
   * @param inputs its inputs in Keras's order
   * @param context whether to train, where random numbers come from, who is told of stages
   * @return its output
   * @throws KerasException if the inputs do not fit the layer, or its outputs are others
   * @throws IllegalStateException if it was not built
   */
  public final Operand<TFloat32> call(Ops tf, List<Operand<?>> inputs, CallContext context) {
    List<Operand<?>> outputs = call(tf, LayerCall.of(inputs, context));
    if (outputs.size() != 1) {
      throw new KerasException(
          object.describe() + " has " + outputs.size() + " outputs, expected one");
    }
    return floats(outputs.get(0), "its output");
  }

  /**
   * Adds the layer's computation to a graph.
   *
   * @param tf the operations of the graph
   * @param call what it is called with
   * @return its outputs, of any number and type, in Keras's order
   * @throws KerasException if the inputs or keyword arguments do not fit the layer
   * @throws IllegalStateException if it was not built
   */
  public final List<Operand<?>> call(Ops tf, LayerCall call) {
    requireBuilt();
    requireKnownArguments(call.arguments());
    List<Operand<?>> outputs = outputs(tf, withCastInputs(tf, call));
    if (call.context().mode() != Mode.INFERENCE
        && activityRegularizer.isPresent()
        && regularizesActivity()) {
      outputs.forEach(output -> addActivityLoss(tf, output, activityRegularizer.get()));
    }
    return outputs;
  }

  /**
   * Keras 3 casts floating-point tensors among all arguments to the type that the layer computes
   * in, Keras 2 those of the first argument alone ({@code _maybe_cast_inputs} of its
   * base_layer.py).
   */
  private LayerCall withCastInputs(Ops tf, LayerCall call) {
    if (!autocast || !castsInputs()) {
      return call;
    }
    var cast = call.arguments().<Operand<?>>map(tensor -> cast(tf, tensor));
    return new LayerCall(
        object.isOfKeras2()
            ? new Arguments<>(cast.positional(), call.arguments().keywords())
            : cast,
        call.masks(),
        call.context());
  }

  private Operand<?> cast(Ops tf, Operand<?> tensor) {
    boolean other = DType.of(tensor.type()) != computeType();
    return other && TFloating.class.isAssignableFrom(tensor.type())
        ? tf.dtypes.cast(tensor, computeType().tensor())
        : tensor;
  }

  /**
   * Whether floating-point inputs are cast to {@linkplain #computeType() the type that the layer
   * computes in}, as Keras does unless its {@code autocast} is off.
   *
   * @return true, unless the layer says otherwise
   */
  protected boolean castsInputs() {
    return true;
  }

  private List<Operand<?>> outputs(Ops tf, LayerCall call) {
    return fitting(
        call.inputs().stream().map(Operand::shape).toList(),
        () -> {
          if (outlined) {
            return computeOutline(tf, call);
          }
          return call.context().mode() != Mode.INFERENCE
                  || call.context().formulation() == Formulation.PLAIN
              ? compute(tf, call)
              : computeFrozen(tf, call);
        });
  }

  /**
   * Adds a penalty on an output to the loss of training: per element of the batch, as Keras does,
   * but for Keras 3 before 3.14.
   *
   * @param tf the operations of the graph that is added to
   * @param output the output
   * @param regularizer the penalty
   */
  protected final void addActivityLoss(Ops tf, Operand<?> output, Regularizer regularizer) {
    Operand<TFloat32> loss = regularizer.call(tf, floats(output, "its output"));
    if (!object.isOfKeras3Before(14)) {
      Operand<TInt32> batch = tf.stridedSlice(tf.shape(output), Indices.at(0));
      loss = tf.math.div(loss, tf.dtypes.cast(batch, TFloat32.class));
    }
    addLoss("activity_regularizer", loss);
  }

  /**
   * Adds a term to the loss of training, as Keras's {@code add_loss}; for calls that are not for
   * inference.
   *
   * @param what what it is, for its name among the {@linkplain #regularizationLosses losses}
   * @param loss a scalar
   */
  protected final void addLoss(String what, Operand<TFloat32> loss) {
    long earlier =
        activityLosses.keySet().stream()
            .filter(name -> name.equals(what) || name.startsWith(what + "#"))
            .count();
    activityLosses.put(what + (earlier == 0 ? "" : "#" + earlier), loss);
  }

  /**
   * Checks that the layer understands what it is called with besides tensors.
   *
   * @param arguments the arguments of a call
   * @throws KerasException if there is one that it does not understand
   */
  public final void requireKnownArguments(Arguments<?> arguments) {
    for (Argument<?> argument : arguments.positional()) {
      if (!takesConstants()) {
        argument.forEachConstant(
            constant -> {
              if (!constant.isNull()) {
                throw new KerasException(
                    object.describe()
                        + ": is called with "
                        + KerasObject.abbreviate(constant)
                        + "; only tensors of other layers are supported");
              }
            });
      }
    }
    arguments
        .keywords()
        .forEach(
            (keyword, argument) -> {
              if (!keywords().contains(keyword) && !argument.isUnset()) {
                throw new KerasException(
                    object.describe()
                        + ": is called with "
                        + keyword
                        + (argument instanceof Argument.Constant<?> constant
                            ? " = " + KerasObject.abbreviate(constant.value())
                            : "")
                        + "; "
                        + (keywords().isEmpty()
                            ? "call arguments other than the inputs are not supported"
                            : "supported call arguments are " + keywords()));
              }
            });
  }

  /**
   * Creates weights with {@link #addWeight} and sublayers with {@link #addSublayer} and {@link
   * #addSublayers}; for layers that tell their inputs by what they are called with.
   *
   * @param tf the operations of the graph
   * @param arguments what the layer will be called with, tensors by their shapes
   */
  protected void createWeights(Ops tf, Arguments<Shape> arguments) {
    createWeights(tf, arguments.tensors());
  }

  /**
   * Creates weights with {@link #addWeight} and sublayers with {@link #addSublayer} and {@link
   * #addSublayers}; none, unless the layer has some.
   *
   * @param tf the operations of the graph
   * @param inputs the shapes of the inputs, those among keyword arguments last
   */
  protected void createWeights(Ops tf, List<Shape> inputs) {}

  /**
   * Computes the outputs, step by step as Keras does.
   *
   * @param tf the operations of the graph
   * @param call what the layer is called with
   * @return the outputs, of any number and type, in Keras's order
   */
  protected abstract List<Operand<?>> compute(Ops tf, LayerCall call);

  /**
   * Computes the outputs of a {@linkplain #freeze frozen} layer in the {@linkplain
   * CallContext#formulation() formulation} that is asked for; as {@link #compute} does, unless the
   * layer knows better.
   *
   * @param tf the operations of the graph
   * @param call what the layer is called with; not to train
   * @return the outputs
   */
  protected List<Operand<?>> computeFrozen(Ops tf, LayerCall call) {
    return compute(tf, call);
  }

  /**
   * Tells the types and shapes of the outputs and stages of an {@linkplain #outline outlined}
   * layer; as {@link #compute} does, unless the layer knows a shorter way.
   *
   * @param tf the operations of the graph
   * @param call what the layer is called with
   * @return operands like the outputs
   */
  protected List<Operand<?>> computeOutline(Ops tf, LayerCall call) {
    return compute(tf, call);
  }

  /**
   * The names of the keyword arguments that the layer understands; others are an error, unless they
   * are null or false.
   *
   * @return the names; none, unless the layer has some
   */
  protected Set<String> keywords() {
    return Set.of();
  }

  /**
   * Whether {@code activity_regularizer} is a penalty on the layer's own outputs.
   *
   * @return true, unless the layer only hands it on to its sublayers
   */
  protected boolean regularizesActivity() {
    return true;
  }

  /**
   * Whether the layer makes something of arguments without a name that are no tensors; else they
   * are an error.
   *
   * @return true if so; false, unless the layer says otherwise
   */
  protected boolean takesConstants() {
    return false;
  }

  /**
   * Which elements of the outputs count: Keras's {@code compute_mask}.
   *
   * @param tf the operations of the graph
   * @param call what the layer is called with
   * @param outputs what it gave
   * @return masks by the output's place; none, unless the layer has some
   */
  protected Map<Integer, Operand<TBool>> computeMasks(
      Ops tf, LayerCall call, List<Operand<?>> outputs) {
    return Map.of();
  }

  /**
   * Which elements of the outputs of a call count.
   *
   * @param tf the operations of the graph
   * @param call what the layer was called with
   * @param outputs what it gave
   * @return masks by the output's place; outputs that are not in it have none
   */
  public final Map<Integer, Operand<TBool>> masks(
      Ops tf, LayerCall call, List<Operand<?>> outputs) {
    return computeMasks(tf, withCastInputs(tf, call), outputs);
  }

  /**
   * Adds a weight of the {@linkplain #variableType() type that the layer's weights are kept in};
   * the order of the calls is Keras's order of creation.
   *
   * @param tf the operations of the graph that is added to
   * @param spec what it is
   * @param rules how it starts, what its size costs and what it is kept to
   * @return the weight
   */
  protected final LayerVariable addWeight(Ops tf, WeightSpec spec, WeightRules rules) {
    return addWeight(tf, spec, rules, variableType());
  }

  /**
   * Adds a weight of a type that the dtype policy does not tell.
   *
   * @param tf the operations of the graph that is added to
   * @param spec what it is
   * @param rules how it starts, what its size costs and what it is kept to
   * @param type its type
   * @return the weight
   */
  protected final LayerVariable addWeight(Ops tf, WeightSpec spec, WeightRules rules, DType type) {
    WeightSpec typed = spec.of(type);
    LayerVariable variable =
        outlined
            ? LayerVariable.outline(tf, operationName(), typed, rules)
            : frozen == null
                ? LayerVariable.of(tf, operationName(), typed, rules)
                : LayerVariable.constant(
                    tf, operationName(), typed, rules, frozenValue(spec.name()));
    weights.put(spec.name(), variable);
    return variable;
  }

  /**
   * Adds a sublayer that is an attribute of the Keras layer; before the sublayer is built.
   *
   * @param attribute the attribute's name
   * @param layer the sublayer
   */
  protected final void addSublayer(String attribute, Layer layer) {
    singleSublayers.add(attribute);
    addSublayers(attribute, List.of(layer));
  }

  /**
   * Adds sublayers that the Keras layer holds in an attribute that is a list or tuple of them, or a
   * dictionary, in its order; before they are built.
   *
   * @param attribute the attribute's name
   * @param layers the sublayers
   */
  protected final void addSublayers(String attribute, List<? extends Layer> layers) {
    sublayers.put(attribute, List.copyOf(layers));
    for (int i = 0; i < layers.size(); i++) {
      String prefix = LayerSpec.prefixOf("", attribute, singleSublayers.contains(attribute), i);
      inherit(prefix, layers.get(i));
    }
  }

  /** A layer that is frozen or outlined when it makes a sublayer has that be so too. */
  private void inherit(String prefix, Layer sublayer) {
    if (outlined) {
      sublayer.outline();
    }
    if (frozen != null) {
      Map<String, TType> values = new LinkedHashMap<>();
      frozen.forEach(
          (weight, value) -> {
            if (weight.startsWith(prefix)) {
              values.put(sublayer.name() + "/" + weight.substring(prefix.length()), value);
            }
          });
      sublayer.freeze(values);
    }
  }

  /**
   * One of the layer's own weights, which is of float32.
   *
   * @param weight its name
   * @return its value
   */
  protected final Operand<TFloat32> weight(String weight) {
    return weights.get(weight).value();
  }

  /**
   * One of the layer's own weights, cast to the type of what it is computed with.
   *
   * @param tf the operations of the graph that is added to
   * @param weight its name
   * @param like a tensor of the type
   * @param <T> the type
   * @return its value
   */
  @SuppressWarnings("unchecked") // The type is checked.
  protected final <T extends TType> Operand<T> weight(Ops tf, String weight, Operand<T> like) {
    Operand<? extends TType> value = weights.get(weight).operand();
    return value.type().equals(like.type())
        ? (Operand<T>) value
        : tf.dtypes.cast(value, like.type());
  }

  /**
   * Adds to what a training step changes besides the trained weights, such as a moving average.
   * Several updates of one weight happen in the order in which they were added.
   *
   * @param tf the operations of the graph that is added to
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
   * @param tf the operations of the graph that is added to
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
   * @param tf the operations of the graph that is added to
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
   * trainable and belong to none that is not, but for those that stand {@linkplain #isApart apart}.
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

  /**
   * Whether a weight of this layer stands outside of those that Keras knows: a bare variable of a
   * layer in Python, as VL3D's have. Keras 2 tracks such a variable like any other weight; Keras 3
   * neither saves nor trains it. A class that is registered in a package is none of VL3D's.
   *
   * @param weight one of the layer's own weights
   * @return true if so
   */
  public final boolean isApart(LayerVariable weight) {
    return weight.spec().floating()
        && !object.isOfKeras2()
        && !object.registeredName().orElse("").contains(">");
  }

  private void collectTrainable(String prefix, Map<String, LayerVariable> all) {
    if (!trainable) {
      return;
    }
    weights.forEach(
        (weight, variable) -> {
          if (variable.spec().trainable() && !isApart(variable)) {
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
        pythonClass(),
        trainable,
        weights.values().stream().map(LayerVariable::spec).toList(),
        below,
        singleSublayers);
  }

  /**
   * The name of the class in Python, which weight files go by.
   *
   * @return the name; that of the serialized layer, unless Keras exports the class under another
   */
  protected String pythonClass() {
    return object.className();
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
            visitor.accept(
                LayerSpec.prefixOf(prefix, attribute, singleSublayers.contains(attribute), i),
                layers.get(i));
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

  private String operationName() {
    return name.replaceAll("[^A-Za-z0-9_.]", "_").replaceFirst("^_", ".");
  }

  /**
   * The only input of a layer that takes one.
   *
   * @param call what it is called with
   * @return the input, checked to be float32
   * @throws KerasException if there are several or it is of another type
   */
  protected final Operand<TFloat32> onlyInput(LayerCall call) {
    return floats(only(call), "its input");
  }

  /**
   * The only input of a layer that takes one and computes in {@linkplain DType#FLOATS any type of
   * floating-point numbers}.
   *
   * @param call what it is called with
   * @return the input, of the {@linkplain #computeType() type that the layer computes in}
   * @throws KerasException if there are several or it is of another type
   */
  protected final Operand<? extends TFloating> onlyFloats(LayerCall call) {
    return typed(only(call), computeType().tensor().asSubclass(TFloating.class), "its input");
  }

  /**
   * The only input of a layer that takes one.
   *
   * @param call what it is called with
   * @return the input, of any type
   * @throws KerasException if there are several
   */
  protected final Operand<?> only(LayerCall call) {
    List<Operand<?>> inputs = call.inputs();
    if (inputs.size() != 1) {
      throw new KerasException(
          object.describe()
              + " takes one input, got "
              + inputs.size()
              + ", of shapes "
              + inputs.stream().map(Operand::shape).toList());
    }
    return inputs.get(0);
  }

  /**
   * Checks that a tensor is float32.
   *
   * @param tensor the tensor
   * @param what what it is, for the message
   * @return the tensor
   * @throws KerasException if it is of another type
   */
  protected final Operand<TFloat32> floats(Operand<?> tensor, String what) {
    return typed(tensor, TFloat32.class, what);
  }

  /**
   * Checks that a tensor is of a type.
   *
   * @param tensor the tensor
   * @param type the type
   * @param what what it is, for the message
   * @param <T> the type
   * @return the tensor
   * @throws KerasException if it is of another type
   */
  @SuppressWarnings("unchecked") // The type is checked.
  protected final <T extends TType> Operand<T> typed(
      Operand<?> tensor, Class<T> type, String what) {
    if (!tensor.type().equals(type)) {
      throw new KerasException(
          object.describe()
              + ": "
              + what
              + " is "
              + DType.of(tensor.type())
              + ", expected "
              + DType.of(type));
    }
    return (Operand<T>) tensor;
  }
}
