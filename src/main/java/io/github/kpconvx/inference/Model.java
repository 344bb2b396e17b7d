package io.github.kpconvx.inference;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.tensorflow.Output;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TNumber;
import org.tensorflow.types.family.TType;

/**
 * A loaded model. Immutable and safe for use by many threads at once; holds native memory until it
 * is closed.
 *
 * <pre>{@code
 * try (Model model = KPConvX.load(Path.of("model.keras"));
 *     TFloat32 y = model.predict(x, f, n)) {
 *   …
 * }
 * }</pre>
 */
public final class Model implements AutoCloseable {
  private static final Set<String> ROLES = Set.of("X", "F", "N");

  private final Engine engine;
  private final LoadedGraphs graphs;
  private final Map<String, TensorSpec> inputs;
  private final Map<String, TensorSpec> outputs;
  private final Set<String> stages;

  /** X, F and N by the names of the inputs that are these; empty for a model of other inputs. */
  private final Map<String, String> roles;

  /**
   * @param engine what computes the answers
   * @param graphs what it runs
   * @param inputs what the model takes
   * @param outputs what the model gives
   * @param stages names of intermediate results
   */
  Model(
      Engine engine,
      LoadedGraphs graphs,
      List<TensorSpec> inputs,
      List<TensorSpec> outputs,
      Set<String> stages) {
    this.engine = engine;
    this.graphs = graphs;
    this.inputs = byName(inputs);
    this.outputs = byName(outputs);
    this.stages = Collections.unmodifiableSet(stages);
    this.roles = roles(inputs);
  }

  private static Map<String, TensorSpec> byName(List<TensorSpec> specs) {
    Map<String, TensorSpec> map = new LinkedHashMap<>();
    specs.forEach(spec -> map.put(spec.name(), spec));
    return Collections.unmodifiableMap(map);
  }

  /** What it runs. */
  LoadedGraphs graphs() {
    return graphs;
  }

  /**
   * What computes the answers.
   *
   * @return the engine
   */
  public Engine engine() {
    return engine;
  }

  /**
   * What the model takes, by name.
   *
   * @return the inputs, in the model's order
   */
  public Map<String, TensorSpec> inputs() {
    return inputs;
  }

  /**
   * What the model gives, by name.
   *
   * @return the outputs, in the model's order
   */
  public Map<String, TensorSpec> outputs() {
    return outputs;
  }

  /**
   * The intermediate results that can be asked for: {@code layer} for a layer's output, {@code
   * layer/stage} for what it makes known about its inside. A stored signature has none.
   *
   * @return their names
   */
  public Set<String> stages() {
    return stages;
  }

  /**
   * Predicts with a model of the inputs X, F, N (in whatever order it lists them) and one output.
   *
   * @param x coordinates (B, R, 3)
   * @param f features (B, R, D)
   * @param n neighbour indices (B, R, κ), of the type that the model takes
   * @return the output, the caller's to close
   * @throws ModelException if the model has other inputs or several outputs, or an input does not
   *     fit
   */
  public TFloat32 predict(TFloat32 x, TFloat32 f, TNumber n) {
    if (inputs.size() != 3
        || outputs.size() != 1
        || !outputs.values().iterator().next().type().equals(TFloat32.class)) {
      throw new ModelException(
          "The model takes "
              + inputs.keySet()
              + " and gives "
              + outputs.keySet()
              + "; predict(x, f, n) is for models of three inputs and one float32 output");
    }
    String output = outputs.keySet().iterator().next();
    return (TFloat32)
        run(fed(Map.of("X", (Tensor) x, "F", (Tensor) f, "N", (Tensor) n)), List.of(output)).get(0);
  }

  /**
   * Predicts.
   *
   * @param tensors a tensor for each input; they stay the caller's to close. A model of three
   *     inputs takes X, F and N under these names too, whatever its own are
   * @return all outputs, the caller's to close
   * @throws ModelException if an input is missing, surplus, of another type or shape, or disagrees
   *     with the others
   */
  public Prediction predict(Map<String, ? extends Tensor> tensors) {
    return predict(tensors, outputs.keySet());
  }

  /**
   * Computes chosen outputs and stages.
   *
   * @param tensors a tensor for each input; they stay the caller's to close
   * @param names which outputs and stages
   * @return what was asked for, the caller's to close
   * @throws ModelException if a name is unknown, or an input is missing, surplus, of another type
   *     or shape, or disagrees with the others
   */
  public Prediction predict(Map<String, ? extends Tensor> tensors, Collection<String> names) {
    List<String> distinct = List.copyOf(new LinkedHashSet<>(names));
    for (String name : distinct) {
      if (!outputs.containsKey(name) && !stages.contains(name)) {
        throw new ModelException(
            "Unknown output "
                + name
                + ", expected one of "
                + outputs.keySet()
                + " or of the stages "
                + stages);
      }
    }
    List<Tensor> results = run(fed(tensors), distinct);
    Map<String, Tensor> named = new LinkedHashMap<>();
    for (int i = 0; i < distinct.size(); i++) {
      named.put(distinct.get(i), results.get(i));
    }
    return new Prediction(named);
  }

  /**
   * Predicts once for inputs of zeros, so that what happens only the first time, compilation above
   * all, is over before the first question.
   *
   * @param shapes the shape of each input by name, as it will be asked for
   * @return how long it took
   * @throws ModelException if an input is missing, surplus or of another shape
   */
  public Duration warmUp(Map<String, Shape> shapes) {
    Map<String, Tensor> zeros = new LinkedHashMap<>();
    try {
      for (Map.Entry<String, Shape> shape : shapes.entrySet()) {
        TensorSpec input = inputs.get(shape.getKey());
        if (input == null) {
          throw new ModelException(
              "Expected the inputs " + describe() + ", got " + shapes.keySet());
        }
        Tensor tensor = Tensor.of(input.type(), shape.getValue());
        zeros.put(shape.getKey(), tensor);
        // New memory holds anything; neighbour indices have to be those of points.
        tensor.asRawTensor().data().write(new byte[Math.toIntExact(tensor.numBytes())]);
      }
      long start = System.nanoTime();
      predict(zeros).close();
      return Duration.ofNanos(System.nanoTime() - start);
    } finally {
      zeros.values().forEach(Tensor::close);
    }
  }

  /** A tensor for each name; the same one for names of the same thing. */
  private List<Tensor> run(Map<String, Tensor> fed, List<String> names) {
    checkAgreement(fed);
    Map<String, Shape> shapes = new LinkedHashMap<>();
    fed.forEach((name, tensor) -> shapes.put(name, tensor.shape()));
    try {
      return graphs.with(shapes, graph -> run(graph, fed, names));
    } catch (RuntimeException e) {
      throw TensorFlowErrors.translate("Prediction failed", e);
    }
  }

  private static List<Tensor> run(LoadedGraph graph, Map<String, Tensor> fed, List<String> names) {
    Session.Runner runner = graph.session().runner();
    fed.forEach((name, tensor) -> runner.feed(graph.feeds().get(name), tensor));
    // A layer's output may be the model's too; TensorFlow refuses to fetch a tensor twice.
    Map<Output<?>, Integer> places = new LinkedHashMap<>();
    for (String name : names) {
      Output<?> output = graph.fetches().get(name);
      if (places.putIfAbsent(output, places.size()) == null) {
        runner.fetch(output);
      }
    }
    Result results = runner.run();
    List<Tensor> tensors = new ArrayList<>(names.size());
    for (String name : names) {
      tensors.add(results.get(places.get(graph.fetches().get(name))));
    }
    return tensors;
  }

  private Map<String, Tensor> fed(Map<String, ? extends Tensor> given) {
    boolean own = given.keySet().equals(inputs.keySet());
    if (!own && (roles.isEmpty() || !given.keySet().equals(ROLES))) {
      throw new ModelException("Expected the inputs " + describe() + ", got " + given.keySet());
    }
    Map<String, Tensor> fed = new LinkedHashMap<>();
    for (TensorSpec input : inputs.values()) {
      String name = own ? input.name() : roles.get(input.name());
      fed.put(input.name(), accepted(input, given.get(name)));
    }
    return fed;
  }

  /**
   * X, F and N told apart by what they are: N is the integers, X the three coordinates, F what is
   * left.
   */
  private static Map<String, String> roles(List<TensorSpec> inputs) {
    Map<String, String> roles = new LinkedHashMap<>();
    for (TensorSpec input : inputs) {
      boolean integers = input.type().equals(TInt32.class) || input.type().equals(TInt64.class);
      boolean coordinates = input.shape().numDimensions() == 3 && input.shape().get(2) == 3;
      roles.put(
          input.name(), integers ? "N" : coordinates && !roles.containsValue("X") ? "X" : "F");
    }
    return inputs.size() == 3 && ROLES.equals(Set.copyOf(roles.values())) ? roles : Map.of();
  }

  private static Tensor accepted(TensorSpec expected, Tensor tensor) {
    if (!expected.accepts(tensor)) {
      throw new ModelException(
          "Input "
              + expected.name()
              + " is "
              + TensorSpec.describe(((TType) tensor).type(), tensor.shape())
              + ", expected "
              + expected.describe());
    }
    return tensor;
  }

  /**
   * All inputs share the batch; those of a three-input point-cloud model share their points too.
   */
  private void checkAgreement(Map<String, Tensor> fed) {
    boolean pointCloud = fed.size() == 3;
    for (Tensor tensor : fed.values()) {
      pointCloud &= tensor.shape().numDimensions() == 3;
    }
    int shared = pointCloud ? 2 : 1;
    Tensor first = fed.values().iterator().next();
    for (Tensor tensor : fed.values()) {
      for (int d = 0;
          d
              < Math.min(
                  shared, Math.min(tensor.shape().numDimensions(), first.shape().numDimensions()));
          d++) {
        if (tensor.shape().get(d) != first.shape().get(d)) {
          StringBuilder shapes = new StringBuilder();
          fed.forEach(
              (name, value) ->
                  shapes
                      .append(shapes.isEmpty() ? "" : ", ")
                      .append(name)
                      .append(" has shape ")
                      .append(TensorSpec.dimensions(value.shape())));
          throw new ModelException(
              "The inputs disagree in " + (d == 0 ? "B" : "R") + ": " + shapes);
        }
      }
    }
  }

  private String describe() {
    StringBuilder text = new StringBuilder();
    inputs.forEach(
        (name, spec) ->
            text.append(text.isEmpty() ? "" : ", ")
                .append(name)
                .append(" ")
                .append(spec.describe()));
    return text.toString();
  }

  /** Releases the native memory; waits for predictions under way. */
  @Override
  public void close() {
    graphs.close();
  }
}
