package io.github.kpconvx.layer;

import io.github.kpconvx.dtype.DType;
import io.github.kpconvx.dtype.TensorData;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.weights.WeightSpec;
import org.tensorflow.EagerSession;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.op.core.Variable;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TType;

/**
 * A layer's weight as it lives in a graph: a variable, which has no value until {@link #assign}
 * gave it one, or, in a frozen layer, a constant, or, in an outlined one, nothing but its shape.
 *
 * <p>Safe for use by many threads once it has a value.
 */
public final class LayerVariable {
  private final WeightSpec spec;
  private final WeightRules rules;
  private final Variable<? extends TType> variable;
  private final Operand<? extends TType> value;
  private final Placeholder<? extends TType> input;
  private final Operand<? extends TType> assign;

  private LayerVariable(
      WeightSpec spec,
      WeightRules rules,
      Variable<? extends TType> variable,
      Operand<? extends TType> value,
      Placeholder<? extends TType> input,
      Operand<? extends TType> assign) {
    this.spec = spec;
    this.rules = rules;
    this.variable = variable;
    this.value = value;
    this.input = input;
    this.assign = assign;
  }

  /** A weight that can change, of a layer whose operations have the given name. */
  static LayerVariable of(Ops tf, String layer, WeightSpec spec, WeightRules rules) {
    return variable(tf, layer, spec, rules, spec.dtype().tensor());
  }

  private static <T extends TType> LayerVariable variable(
      Ops tf, String layer, WeightSpec spec, WeightRules rules, Class<T> type) {
    // At the root of the graph, without a slash: optimizers of tensorflow-framework name their
    // state
    // after the variable there.
    Ops root = Ops.create(tf.scope().env());
    Variable<T> variable = named(root, layer, spec).variable(spec.shape(), type);
    Placeholder<T> input = tf.placeholder(type, Placeholder.shape(spec.shape()));
    // Gradients taken directly of a reference variable crash TensorFlow; of an identity of it they
    // do not.
    return new LayerVariable(
        spec, rules, variable, tf.identity(variable), input, tf.assign(variable, input));
  }

  /** A weight that keeps its value. */
  static LayerVariable constant(
      Ops tf, String layer, WeightSpec spec, WeightRules rules, TType constant) {
    LayerVariable variable =
        new LayerVariable(
            spec, rules, null, named(tf, layer, spec).constantOf(constant), null, null);
    variable.requireFit(constant);
    return variable;
  }

  /** A weight that never gets a value. */
  static LayerVariable outline(Ops tf, String layer, WeightSpec spec, WeightRules rules) {
    Operand<? extends TType> nothing =
        named(tf, layer, spec).placeholder(spec.dtype().tensor(), Placeholder.shape(spec.shape()));
    return new LayerVariable(spec, rules, null, nothing, null, null);
  }

  /** Not in a scope: for each, TensorFlow Java copies the names of all operations of the graph. */
  private static Ops named(Ops tf, String layer, WeightSpec spec) {
    return tf.withName(layer + "-" + spec.name());
  }

  /**
   * What the layer expects of it: name, shape, trainability.
   *
   * @return its specification
   */
  public WeightSpec spec() {
    return spec;
  }

  /**
   * How it starts, what its size costs and what it is kept to.
   *
   * @return its rules
   */
  public WeightRules rules() {
    return rules;
  }

  /**
   * The variable itself, for optimizers.
   *
   * @return the variable
   * @throws KerasException if the weight is not float32, the only type that is trained
   * @throws IllegalStateException if the layer is frozen or outlined
   */
  @SuppressWarnings("unchecked") // The type is checked.
  public Variable<TFloat32> variable() {
    requireVariable();
    requireFloat32();
    return (Variable<TFloat32>) variable;
  }

  /**
   * Its value, for use in a graph.
   *
   * @return an operand of the weight's shape
   * @throws KerasException if the weight is not float32
   */
  @SuppressWarnings("unchecked") // The type is checked.
  public Operand<TFloat32> value() {
    requireFloat32();
    return (Operand<TFloat32>) value;
  }

  /**
   * Its value, for use in a graph, of whatever type it is.
   *
   * @return an operand of the weight's shape and type
   */
  public Operand<? extends TType> operand() {
    return value;
  }

  private void requireFloat32() {
    if (spec.dtype() != DType.FLOAT32) {
      throw new KerasException(
          "Weight " + spec.name() + " is " + spec.dtype() + ", expected float32");
    }
  }

  /**
   * Gives it a value.
   *
   * @param session a session over the variable's graph
   * @param newValue the value, of the weight's shape and type; stays the caller's to close
   * @throws KerasException if the value has another shape or type
   * @throws IllegalStateException if the layer is frozen or outlined
   */
  public void assign(Session session, TType newValue) {
    requireVariable();
    requireFit(newValue);
    session.runner().feed(input.asOutput(), newValue).addTarget(assign).run().close();
  }

  private void requireVariable() {
    if (variable == null) {
      throw new IllegalStateException(
          "Weight " + spec.name() + " is no variable: its layer is frozen or outlined");
    }
  }

  private void requireFit(TType newValue) {
    Shape expected = spec.shape();
    if (!newValue.shape().equals(expected)) {
      throw new KerasException(
          "Weight "
              + spec.name()
              + " has shape "
              + expected
              + ", cannot take a value of shape "
              + newValue.shape());
    }
    DType type = DType.of(newValue.type());
    if (type != spec.dtype()) {
      throw new KerasException(
          "Weight " + spec.name() + " is " + spec.dtype() + ", cannot take a value of " + type);
    }
  }

  /**
   * Gives it the value that its initializer makes.
   *
   * @param session a session over the variable's graph
   * @param seed what a random initializer without a seed of its own draws from
   */
  public void initialize(Session session, long seed) {
    try (TType newValue = initialValue(seed)) {
      assign(session, newValue);
    }
  }

  /** Eagerly, so that the graph does not grow with each start. */
  private TType initialValue(long seed) {
    try (EagerSession eager = EagerSession.create()) {
      Ops tf = Ops.create(eager);
      Operand<TFloat32> first = rules.initializer().call(tf, spec.shape(), seed);
      // A copy, as the session's end takes its tensors with it.
      try (TType value = tf.dtypes.cast(first, spec.dtype().tensor()).asTensor()) {
        return TensorData.copy(value);
      }
    }
  }

  /**
   * The value that its initializer {@linkplain
   * io.github.kpconvx.layer.function.Initializer#isComputed() computes}.
   *
   * @return a new tensor, the caller's to close
   * @throws KerasException if it computes none, but draws random numbers, or is not float32
   */
  public TFloat32 computedValue() {
    if (!rules.initializer().isComputed()) {
      throw new KerasException(
          "Weight " + spec.name() + " cannot be recomputed: its initializer draws random numbers");
    }
    requireFloat32();
    return (TFloat32) initialValue(0);
  }

  /**
   * Reads its value.
   *
   * @param session a session over the variable's graph
   * @return a new tensor, the caller's to close
   * @throws KerasException if the weight is not float32
   */
  public TFloat32 read(Session session) {
    requireFloat32();
    return (TFloat32) readAny(session);
  }

  /**
   * Reads its value, of whatever type it is.
   *
   * @param session a session over the variable's graph
   * @return a new tensor of the weight's type, the caller's to close
   */
  public TType readAny(Session session) {
    // A copy: what is fetched of a variable is its own memory, which the next step changes.
    try (Tensor fetched = session.runner().fetch(value).run().get(0)) {
      return TensorData.copy((TType) fetched);
    }
  }
}
