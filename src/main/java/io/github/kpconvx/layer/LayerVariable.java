package io.github.kpconvx.layer;

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

/**
 * A layer's weight as it lives in a graph: a variable, which has no value until {@link #assign}
 * gave it one, or, in a frozen layer, a constant, or, in an outlined one, nothing but its shape.
 *
 * <p>Safe for use by many threads once it has a value.
 */
public final class LayerVariable {
  private final WeightSpec spec;
  private final WeightRules rules;
  private final Variable<TFloat32> variable;
  private final Operand<TFloat32> value;
  private final Placeholder<TFloat32> input;
  private final Operand<TFloat32> assign;

  /** A weight that can change, of a layer whose operations have the given name. */
  LayerVariable(Ops tf, String layer, WeightSpec spec, WeightRules rules) {
    this.spec = spec;
    this.rules = rules;
    // At the root of the graph, without a slash: optimizers of tensorflow-framework name their
    // state
    // after the variable there.
    Ops root = Ops.create(tf.scope().env());
    this.variable = named(root, layer, spec).variable(spec.shape(), TFloat32.class);
    // Gradients taken directly of a reference variable crash TensorFlow; of an identity of it they
    // do not.
    this.value = tf.identity(variable);
    this.input = tf.placeholder(TFloat32.class, Placeholder.shape(spec.shape()));
    this.assign = tf.assign(variable, input);
  }

  private LayerVariable(WeightSpec spec, WeightRules rules, Operand<TFloat32> value) {
    this.spec = spec;
    this.rules = rules;
    this.variable = null;
    this.input = null;
    this.assign = null;
    this.value = value;
  }

  /** A weight that keeps its value. */
  static LayerVariable constant(
      Ops tf, String layer, WeightSpec spec, WeightRules rules, TFloat32 constant) {
    LayerVariable variable =
        new LayerVariable(spec, rules, named(tf, layer, spec).constantOf(constant));
    variable.requireShape(constant);
    return variable;
  }

  /** A weight that never gets a value. */
  static LayerVariable outline(Ops tf, String layer, WeightSpec spec, WeightRules rules) {
    return new LayerVariable(
        spec,
        rules,
        named(tf, layer, spec).placeholder(TFloat32.class, Placeholder.shape(spec.shape())));
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
   * @throws IllegalStateException if the layer is frozen or outlined
   */
  public Variable<TFloat32> variable() {
    requireVariable();
    return variable;
  }

  /**
   * Its value, for use in a graph.
   *
   * @return an operand of the weight's shape
   */
  public Operand<TFloat32> value() {
    return value;
  }

  /**
   * Gives it a value.
   *
   * @param session a session over the variable's graph
   * @param newValue the value, of the weight's shape; stays the caller's to close
   * @throws KerasException if the value has another shape
   * @throws IllegalStateException if the layer is frozen or outlined
   */
  public void assign(Session session, TFloat32 newValue) {
    requireVariable();
    requireShape(newValue);
    session.runner().feed(input, newValue).addTarget(assign).run().close();
  }

  private void requireVariable() {
    if (variable == null) {
      throw new IllegalStateException(
          "Weight " + spec.name() + " is no variable: its layer is frozen or outlined");
    }
  }

  private void requireShape(TFloat32 newValue) {
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
  }

  /**
   * Gives it the value that its initializer makes.
   *
   * @param session a session over the variable's graph
   * @param seed what a random initializer without a seed of its own draws from
   */
  public void initialize(Session session, long seed) {
    try (TFloat32 newValue = initialValue(seed)) {
      assign(session, newValue);
    }
  }

  /** Eagerly, so that the graph does not grow with each start. */
  private TFloat32 initialValue(long seed) {
    try (EagerSession eager = EagerSession.create()) {
      Operand<TFloat32> first = rules.initializer().call(Ops.create(eager), spec.shape(), seed);
      // A copy, as the session's end takes its tensors with it.
      try (TFloat32 value = first.asTensor()) {
        return TFloat32.tensorOf(value);
      }
    }
  }

  /**
   * The value that its initializer {@linkplain
   * io.github.kpconvx.layer.function.Initializer#isComputed() computes}.
   *
   * @return a new tensor, the caller's to close
   * @throws KerasException if it computes none, but draws random numbers
   */
  public TFloat32 computedValue() {
    if (!rules.initializer().isComputed()) {
      throw new KerasException(
          "Weight " + spec.name() + " cannot be recomputed: its initializer draws random numbers");
    }
    return initialValue(0);
  }

  /**
   * Reads its value.
   *
   * @param session a session over the variable's graph
   * @return a new tensor, the caller's to close
   */
  public TFloat32 read(Session session) {
    // A copy: what is fetched of a variable is its own memory, which the next step changes.
    try (Tensor fetched = session.runner().fetch(value).run().get(0)) {
      return TFloat32.tensorOf((TFloat32) fetched);
    }
  }
}
