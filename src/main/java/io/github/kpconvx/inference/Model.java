package io.github.kpconvx.inference;

import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.numpy.NumpyException;
import io.github.kpconvx.tensor.Tensors;
import java.nio.FloatBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.tensorflow.Output;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.RunMetadata;
import org.tensorflow.proto.RunOptions;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TNumber;
import org.tensorflow.types.family.TType;

/**
 * A loaded model. Immutable and safe for use by many threads at once; holds native memory until it
 * is closed.
 *
 * <pre>{@code
 * try (Model model = KPConvX.load(Path.of("model.keras"));
 *     Prediction y = model.predict(Map.of("X", x, "F", f, "N", n))) {
 *   …
 * }
 * }</pre>
 */
public final class Model implements AutoCloseable {
  private static final Set<String> POINTS = Set.of("X", "F", "N");

  /** What TensorFlow says of a run that took too long. */
  private static final String TIMED_OUT = "Timed out waiting for notification";

  private final Engine engine;
  private final String engineReason;
  private final LoadedGraphs graphs;
  private final Map<String, TensorSpec> inputs;
  private final Map<String, TensorSpec> outputs;
  private final Set<String> stages;
  private final RunOptions options;
  private final Gate gate = new Gate();

  /**
   * @param engine what computes the answers
   * @param engineReason why it is this engine
   * @param graphs what it runs
   * @param inputs what the model takes
   * @param outputs what the model gives
   * @param stages names of intermediate results
   * @param options how each prediction is run
   */
  Model(
      Engine engine,
      String engineReason,
      LoadedGraphs graphs,
      List<TensorSpec> inputs,
      List<TensorSpec> outputs,
      Set<String> stages,
      RunOptions options) {
    this.engine = engine;
    this.engineReason = engineReason;
    this.graphs = graphs;
    this.inputs = byName(inputs);
    this.outputs = byName(outputs);
    this.stages = Collections.unmodifiableSet(stages);
    this.options = options;
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
   * @return the engine; what {@link Engine#AUTO} came to, if that was asked for
   */
  public Engine engine() {
    return engine;
  }

  /**
   * Why it is this engine: it was asked for, the network could be rebuilt, or what kept it from
   * being rebuilt.
   *
   * @return a line of text
   */
  public String engineReason() {
    return engineReason;
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
   * Predicts with a model whose inputs are named X, F and N, in whatever order, and that has one
   * float32 output: a shorthand for {@link #predict(Map)}.
   *
   * @param x coordinates (B, R, 3)
   * @param f features (B, R, D)
   * @param n neighbour indices (B, R, κ), of the type that the model takes
   * @return the output, the caller's to close
   * @throws ModelException if the model has inputs of other names or other outputs, an input does
   *     not fit, or the model is closed
   */
  public TFloat32 predict(TFloat32 x, TFloat32 f, TNumber n) {
    if (!inputs.keySet().equals(POINTS)) {
      throw new ModelException(
          "predict(x, f, n) is for models whose inputs are named X, F and N; this one takes "
              + describe()
              + ": give each by its name, predict(Map.of(…))");
    }
    if (outputs.size() != 1 || !outputs.values().iterator().next().type().equals(TFloat32.class)) {
      throw new ModelException(
          "predict(x, f, n) is for models of one float32 output; this one gives "
              + outputs.values().stream()
                  .map(output -> output.name() + " " + output.describe())
                  .toList()
              + ": take each by its name, predict(Map.of(…))");
    }
    Map<String, Tensor> given = new LinkedHashMap<>();
    given.put("X", x);
    given.put("F", f);
    given.put("N", (Tensor) n);
    return (TFloat32) run(fed(given), List.copyOf(outputs.keySet()), options).tensors().get(0);
  }

  /**
   * Predicts.
   *
   * @param tensors a tensor for each input by name; they stay the caller's to close
   * @return all outputs, the caller's to close
   * @throws ModelException if an input is missing, surplus, null, closed, or of another type or
   *     shape; if coordinates, which are inputs of float32 and shape (B, R, 3), are not finite; if
   *     the graph refuses the inputs, as it does where they disagree; if it takes longer than the
   *     loader allowed; or if the model is closed
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
   * @throws ModelException if a name is unknown, and as {@link #predict(Map)}
   */
  public Prediction predict(Map<String, ? extends Tensor> tensors, Collection<String> names) {
    return predict(tensors, names, RunOptions.getDefaultInstance());
  }

  /**
   * Computes chosen outputs and stages, run as TensorFlow's options say: with a time limit of its
   * own, or traced.
   *
   * @param tensors a tensor for each input; they stay the caller's to close
   * @param names which outputs and stages
   * @param more what differs from the loader's options
   * @return what was asked for, the caller's to close; with {@linkplain Prediction#metadata() what
   *     TensorFlow tells of the run} if it is traced
   * @throws ModelException if a name is unknown, and as {@link #predict(Map)}
   */
  public Prediction predict(
      Map<String, ? extends Tensor> tensors, Collection<String> names, RunOptions more) {
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
    Run run = run(fed(tensors), distinct, options.toBuilder().mergeFrom(more).build());
    Map<String, Tensor> named = new LinkedHashMap<>();
    for (int i = 0; i < distinct.size(); i++) {
      named.put(distinct.get(i), run.tensors().get(i));
    }
    return new Prediction(named, run.metadata());
  }

  /**
   * Computes chosen outputs and stages of NumPy's arrays: integers of any type are taken where
   * integers are asked for, floating-point numbers of any where float32 is, if none changes by it.
   *
   * @param arrays an array for each input by name
   * @param names which outputs and stages
   * @return an array for each name, in their order
   * @throws ModelException if an array cannot be of the input's type, and as {@link #predict(Map,
   *     Collection)}
   */
  public Map<String, NpyArray> predictArrays(
      Map<String, NpyArray> arrays, Collection<String> names) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    requireInputs(arrays.keySet());
    try {
      arrays.forEach((name, array) -> tensors.put(name, tensor(name, array)));
      try (Prediction prediction = predict(tensors, names)) {
        Map<String, NpyArray> results = new LinkedHashMap<>();
        prediction.tensors().forEach((name, tensor) -> results.put(name, Tensors.toArray(tensor)));
        return results;
      }
    } finally {
      tensors.values().forEach(Tensor::close);
    }
  }

  private Tensor tensor(String name, NpyArray array) {
    TensorSpec input = inputs.get(name);
    try {
      return Tensors.of(array, input.type());
    } catch (NumpyException e) {
      throw new ModelException(
          "Input %s is %s, expected %s: %s"
              .formatted(name, array, input.describe(), e.getMessage()),
          e);
    }
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

  /**
   * The graph that answers, for inspection: of the compiled form the one for inputs of such shapes,
   * of the others the only one.
   *
   * @param shapes the shape of each input by name
   * @return a copy of it
   * @throws ModelException if an input is missing or surplus, or the model is closed
   */
  public ModelGraph graph(Map<String, Shape> shapes) {
    requireInputs(shapes.keySet());
    gate.enter();
    try {
      return graphs.with(shapes, ModelGraph::of);
    } finally {
      gate.leave();
    }
  }

  /** A tensor for each name, the same one for names of the same thing; and what is told of it. */
  private record Run(List<Tensor> tensors, Optional<RunMetadata> metadata) {}

  private Run run(Map<String, Tensor> fed, List<String> names, RunOptions how) {
    Map<String, Shape> shapes = new LinkedHashMap<>();
    fed.forEach((name, tensor) -> shapes.put(name, tensor.shape()));
    gate.enter();
    try {
      return graphs.with(shapes, graph -> run(graph, fed, names, how));
    } catch (RuntimeException e) {
      if (how.getTimeoutInMs() > 0 && String.valueOf(e.getMessage()).contains(TIMED_OUT)) {
        throw new ModelException(
            "Prediction was stopped for %s: it took longer than the %,d ms that it was given (Loader.withTimeout, --timeout)"
                .formatted(found(fed), how.getTimeoutInMs()),
            e);
      }
      throw ModelException.translate("Prediction failed for " + found(fed), e);
    } finally {
      gate.leave();
    }
  }

  private static String found(Map<String, Tensor> fed) {
    StringBuilder text = new StringBuilder();
    fed.forEach(
        (name, tensor) ->
            text.append(text.isEmpty() ? "" : ", ")
                .append(name)
                .append(" ")
                .append(TensorSpec.describe(((TType) tensor).type(), tensor.shape())));
    return text.toString();
  }

  private static Run run(
      LoadedGraph graph, Map<String, Tensor> fed, List<String> names, RunOptions how) {
    Session.Runner runner = graph.session().runner().setOptions(how);
    fed.forEach((name, tensor) -> runner.feed(graph.feeds().get(name), tensor));
    // A layer's output may be the model's too; TensorFlow refuses to fetch a tensor twice.
    Map<Output<?>, Integer> places = new LinkedHashMap<>();
    for (String name : names) {
      Output<?> output = graph.fetches().get(name);
      if (places.putIfAbsent(output, places.size()) == null) {
        runner.fetch(output);
      }
    }
    boolean told =
        how.getTraceLevel() != RunOptions.TraceLevel.NO_TRACE || how.getOutputPartitionGraphs();
    Result results = told ? runner.runAndFetchMetadata() : runner.run();
    try {
      List<Tensor> tensors = new ArrayList<>(names.size());
      for (String name : names) {
        tensors.add(results.get(places.get(graph.fetches().get(name))));
      }
      return new Run(tensors, results.getMetadata());
    } catch (RuntimeException | Error e) {
      results.close();
      throw e;
    }
  }

  private void requireInputs(Set<String> given) {
    if (!given.equals(inputs.keySet())) {
      throw new ModelException("Expected the inputs " + describe() + ", got " + given);
    }
  }

  private Map<String, Tensor> fed(Map<String, ? extends Tensor> given) {
    requireInputs(given.keySet());
    Map<String, Tensor> fed = new LinkedHashMap<>();
    for (TensorSpec input : inputs.values()) {
      fed.put(input.name(), accepted(input, given.get(input.name())));
    }
    return fed;
  }

  private static Tensor accepted(TensorSpec expected, Tensor tensor) {
    if (tensor == null) {
      throw new ModelException(
          "Input " + expected.name() + " is null, expected " + expected.describe());
    }
    try {
      tensor.numBytes();
    } catch (IllegalStateException e) {
      throw new ModelException("Input " + expected.name() + " is a closed tensor", e);
    }
    if (!expected.accepts(tensor)) {
      throw new ModelException(
          "Input "
              + expected.name()
              + " is "
              + TensorSpec.describe(((TType) tensor).type(), tensor.shape())
              + ", expected "
              + expected.describe());
    }
    requireFinite(expected, tensor);
    return tensor;
  }

  /**
   * Refuses coordinates that are no numbers, whatever the engine: they are near nothing, and the
   * answers for their neighbours would be wrong without a word.
   */
  private static void requireFinite(TensorSpec expected, Tensor tensor) {
    Shape shape = tensor.shape();
    if (!expected.type().equals(TFloat32.class)
        || shape.numDimensions() != 3
        || shape.get(2) != 3
        || tensor.numBytes() > Integer.MAX_VALUE) {
      return;
    }
    FloatBuffer values = Tensors.memory(tensor).asFloatBuffer();
    for (int i = 0; i < values.capacity(); i++) {
      if (!Float.isFinite(values.get(i))) {
        long point = i / 3;
        throw new ModelException(
            "%s holds a coordinate that is not finite: %s at (batch element, point, axis) = (%d, %d, %d)"
                .formatted(
                    expected.name(),
                    values.get(i),
                    point / shape.get(1),
                    point % shape.get(1),
                    i % 3));
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

  /**
   * Releases the native memory: predictions that are asked for from now on are refused, those under
   * way end first, in every form. Closing twice does nothing.
   */
  @Override
  public void close() {
    if (gate.shut()) {
      graphs.close();
    }
  }
}
