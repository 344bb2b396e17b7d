package io.github.kpconvx.layer;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.KerasObject;
import io.github.kpconvx.keras.LayerSpec;
import io.github.kpconvx.keras.WeightSpec;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

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
    if (built) {
      throw new IllegalStateException("Layer " + name + " is built already");
    }
    built = true;
    createWeights(scope(tf), inputs);
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
    return call(tf, inputs, mode, Stages.NONE);
  }

  /**
   * Adds the layer's computation to a graph and tells what happens inside.
   *
   * @param tf where to
   * @param inputs its inputs in Keras's order
   * @param mode whether to train
   * @param stages is told each intermediate result that the layer makes known
   * @return its output
   * @throws KerasException if the inputs do not fit the layer
   * @throws IllegalStateException if it was not built
   */
  public final Operand<TFloat32> call(Ops tf, List<Operand<?>> inputs, Mode mode, Stages stages) {
    requireBuilt();
    return compute(scope(tf), inputs, mode, stages);
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
   * @param mode whether to train
   * @param stages to be told intermediate results worth comparing with other implementations
   * @return the output
   */
  protected abstract Operand<TFloat32> compute(
      Ops tf, List<Operand<?>> inputs, Mode mode, Stages stages);

  /**
   * Adds a weight; the order of the calls is Keras's order of creation.
   *
   * @param tf where to
   * @param spec what it is
   * @return the weight
   */
  protected final LayerVariable addWeight(Ops tf, WeightSpec spec) {
    LayerVariable variable = new LayerVariable(tf, spec);
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
    sublayers.forEach(
        (attribute, layers) -> {
          for (int i = 0; i < layers.size(); i++) {
            layers.get(i).collect(prefix + attribute + "/" + i + "/", all);
          }
        });
  }

  /** Throws unless the layer was built. */
  private void requireBuilt() {
    if (!built) {
      throw new IllegalStateException("Layer " + name + " is not built: call build first");
    }
  }

  private Ops scope(Ops tf) {
    return tf.withSubScope(name.replaceAll("[^A-Za-z0-9_.]", "_").replaceFirst("^_", "."));
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
