package io.github.kpconvx.training;

import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.weights.WeightStore;
import io.github.kpconvx.layer.CallContext;
import io.github.kpconvx.layer.InputSpec;
import io.github.kpconvx.layer.KernelPoints;
import io.github.kpconvx.layer.LayerVariable;
import io.github.kpconvx.layer.Mode;
import io.github.kpconvx.layer.Operands;
import io.github.kpconvx.layer.RandomSource;
import io.github.kpconvx.network.LayerRegistry;
import io.github.kpconvx.network.ModelWriter;
import io.github.kpconvx.network.Network;
import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.numpy.NumpyException;
import io.github.kpconvx.tensor.TensorFlowErrors;
import io.github.kpconvx.tensor.Tensors;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.UnaryOperator;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import org.tensorflow.Graph;
import org.tensorflow.GraphOperation;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;

/**
 * Trains a network that classifies points.
 *
 * <pre>{@code
 * try (Trainer trainer = new Trainer(model, StandardLayers.registry(), settings)) {
 *   trainer.initialize();
 *   trainer.fit(examples, Optional.of(unseen), Optional.of(checkpoint), listener);
 *   Map<String, NpyArray> weights = trainer.weights();
 * }
 * }</pre>
 *
 * <p>A run follows from the network, the settings, the examples and the first weights alone: a run
 * that was killed and {@linkplain #resume resumed} ends with the weights that it would have had.
 * Belongs to one thread; holds native memory until it is closed.
 */
public final class Trainer implements AutoCloseable {
  private final KerasObject model;
  private final LayerRegistry registry;
  private final TrainingSettings settings;
  private final Graph graph = new Graph();
  private final Session session;
  private final Network network;
  private final Network.Built training;
  private final Network.Built evaluation;
  private final Operand<?> trainingLabels;
  private final Operand<?> evaluationLabels;
  private final Operand<TFloat32> trainingLoss;
  private final Operand<TFloat32> evaluationLoss;
  private final Operand<TInt32> trainingClasses;
  private final Operand<TInt32> evaluationClasses;
  private final Placeholder<TFloat32> rate;
  private final Placeholder<TInt64> seed;
  private final TrainingStep step;
  private final int classes;
  private final Map<String, State> optimizerState = new LinkedHashMap<>();

  private long done;
  private double lossSum;
  private ConfusionMatrix confusion;
  private double best = Double.NEGATIVE_INFINITY;
  private int withoutBetter;
  private Map<String, NpyArray> bestWeights = Map.of();

  /** A variable of the optimizer. */
  private record State(
      Operand<TFloat32> value, Placeholder<TFloat32> input, Operand<TFloat32> assign) {}

  /**
   * Builds the network and everything that trains it. Its weights have no values yet.
   *
   * @param model the serialized model: one float32 output of a known number of classes
   * @param registry the layers it may be made of
   * @param settings how to train
   * @throws TrainingException if the network has another kind of output, or nothing to train
   */
  public Trainer(KerasObject model, LayerRegistry registry, TrainingSettings settings) {
    this.model = model;
    this.registry = registry;
    this.settings = settings;
    Session opened = null;
    try {
      Ops tf = Ops.create(graph);
      network = Network.of(model, registry);
      seed = tf.placeholder(TInt64.class, Placeholder.shape(Shape.of(2)));
      rate = tf.placeholder(TFloat32.class, Placeholder.shape(Shape.scalar()));
      training =
          network.build(tf, CallContext.of(Mode.TRAINING).withRandom(RandomSource.seeded(seed)));
      evaluation = network.call(tf, CallContext.of(Mode.INFERENCE));
      Shape output = output(training).shape();
      int rank = output.numDimensions();
      if (training.outputs().size() != 1 || rank < 2 || output.get(rank - 1) < 2) {
        throw new TrainingException(
            "The network gives %s, expected one output (batch, …, classes) of at least 2 classes"
                .formatted(training.outputs()));
      }
      classes = (int) output.get(rank - 1);
      confusion = new ConfusionMatrix(classes);
      trainingLabels = labels(tf);
      evaluationLabels = labels(tf);
      step =
          TrainingStep.create(
              tf,
              network,
              settings.loss().create(tf, output(training), trainingLabels),
              settings.optimizer().create(graph, rate),
              settings.clipNorm());
      trainingLoss = tf.math.add(step.loss(), step.regularization());
      evaluationLoss =
          tf.math.add(
              settings.loss().create(tf, output(evaluation), evaluationLabels), penalty(tf));
      trainingClasses = tf.math.argMax(output(training), tf.constant(-1), TInt32.class);
      evaluationClasses = tf.math.argMax(output(evaluation), tf.constant(-1), TInt32.class);
      collectOptimizerState(tf);
      opened = new Session(graph);
      session = opened;
      // The optimizer's variables; the weights' first values are the caller's choice.
      session.initialize();
    } catch (RuntimeException | Error e) {
      if (opened != null) {
        opened.close();
      }
      graph.close();
      throw e;
    }
  }

  /** The regularization of the weights; that of activities belongs to a call in training mode. */
  private Operand<TFloat32> penalty(Ops tf) {
    Operand<TFloat32> sum = tf.constant(0f);
    for (Map.Entry<String, Operand<TFloat32>> loss : network.regularizationLosses(tf).entrySet()) {
      if (network.variables().containsKey(loss.getKey())) {
        sum = tf.math.add(sum, loss.getValue());
      }
    }
    return sum;
  }

  private Placeholder<?> labels(Ops tf) {
    return settings.loss().labels() == ClassificationLoss.Labels.SPARSE
        ? tf.placeholder(TInt32.class)
        : tf.placeholder(TFloat32.class);
  }

  private static Operand<TFloat32> output(Network.Built built) {
    return Operands.floats(built.outputs().values().iterator().next());
  }

  /** The graph's variables that are no weights. */
  private void collectOptimizerState(Ops tf) {
    Set<String> weights =
        network.variables().values().stream()
            .map(v -> v.variable().op().name())
            .collect(Collectors.toSet());
    List<GraphOperation> variables = new ArrayList<>();
    graph
        .operations()
        .forEachRemaining(
            op -> {
              if (op.type().equals("VariableV2") && !weights.contains(op.name())) {
                variables.add(op);
              }
            });
    for (GraphOperation variable : variables) {
      Operand<TFloat32> value = variable.output(0);
      Placeholder<TFloat32> input =
          tf.placeholder(TFloat32.class, Placeholder.shape(value.shape()));
      optimizerState.put(
          variable.name(), new State(tf.identity(value), input, tf.assign(value, input)));
    }
  }

  /** Gives every weight the first value that its initializer draws from the run's seed. */
  public void initialize() {
    network.initialize(session, settings.seed());
  }

  /**
   * Loads all weights from a file.
   *
   * @param weights the file
   * @param kernelPoints where Q comes from for a layer whose Q is not in the file
   */
  public void loadWeights(WeightStore weights, KernelPoints kernelPoints) {
    network.loadWeights(network.match(weights), session, kernelPoints);
  }

  /**
   * Goes on where a checkpoint was written.
   *
   * @param checkpoint the file
   * @throws TrainingException if it is no checkpoint, or one of another network or of other
   *     settings
   */
  public void resume(Path checkpoint) {
    Checkpoint saved = Checkpoint.read(checkpoint);
    if (!saved.identity().equals(identity())) {
      throw new TrainingException(
          checkpoint
              + " is the checkpoint of another network or of other settings: "
              + difference(saved.identity(), identity()));
    }
    requireSame(checkpoint, "weights", network.variables().keySet(), saved.weights().keySet());
    requireSame(checkpoint, "optimizer", optimizerState.keySet(), saved.optimizer().keySet());
    setWeights(saved.weights());
    saved
        .optimizer()
        .forEach(
            (name, array) -> {
              State state = optimizerState.get(name);
              try (Tensor value = Tensors.of(array)) {
                session.runner().feed(state.input(), value).addTarget(state.assign()).run().close();
              }
            });
    done = saved.step();
    lossSum = saved.lossSum();
    confusion = saved.confusion();
    best = saved.best();
    withoutBetter = saved.epochsWithoutBetter();
    bestWeights = saved.bestWeights();
  }

  private static void requireSame(
      Path checkpoint, String what, java.util.Set<String> expected, java.util.Set<String> found) {
    if (!expected.equals(found)) {
      throw new TrainingException(
          "%s holds the %s of %s, expected those of %s"
              .formatted(checkpoint, what, found, expected));
    }
  }

  private String identity() {
    return settings.identity() + "\n" + model;
  }

  /** Where two texts part. */
  private static String difference(String found, String expected) {
    int i = 0;
    while (i < Math.min(found.length(), expected.length())
        && found.charAt(i) == expected.charAt(i)) {
      i++;
    }
    int from = Math.max(0, i - 40);
    return "found \"…%s…\", expected \"…%s…\""
        .formatted(
            found.substring(from, Math.min(found.length(), i + 60)),
            expected.substring(from, Math.min(expected.length(), i + 60)));
  }

  private void setWeights(Map<String, NpyArray> values) {
    network
        .variables()
        .forEach(
            (name, variable) -> {
              try (Tensor value = Tensors.of(values.get(name))) {
                variable.assign(session, (TFloat32) value);
              }
            });
  }

  /**
   * All weights as they are now.
   *
   * @return arrays by {@linkplain io.github.kpconvx.keras.weights.LayerSpec#qualifiedWeights()
   *     qualified name}
   */
  public Map<String, NpyArray> weights() {
    Map<String, NpyArray> weights = new LinkedHashMap<>();
    for (Map.Entry<String, LayerVariable> entry : network.variables().entrySet()) {
      try (TFloat32 value = entry.getValue().read(session)) {
        weights.put(entry.getKey(), Tensors.toArray(value));
      }
    }
    return weights;
  }

  /**
   * Writes the network with its weights as they are now to a file that Keras opens.
   *
   * @param target a {@code .keras}, a {@code .weights.h5} or else a SavedModel directory
   * @param options changes the writer, such as {@code writer -> writer.replacing(true)}
   * @throws io.github.kpconvx.keras.KerasException if it cannot be written
   */
  public void write(Path target, UnaryOperator<ModelWriter> options) {
    ModelWriter writer = options.apply(ModelWriter.of(model, registry));
    Map<String, TFloat32> weights = new LinkedHashMap<>();
    try {
      network.variables().forEach((name, variable) -> weights.put(name, variable.read(session)));
      writer.write(target, weights);
    } finally {
      weights.values().forEach(Tensor::close);
    }
  }

  /**
   * Steps done since the first weights, those of resumed runs included.
   *
   * @return at least 0
   */
  public long steps() {
    return done;
  }

  /**
   * Trains until the epochs are over or early stopping ends them; then the weights are those of the
   * best epoch if there are examples for validation, else the last.
   *
   * @param examples to learn from
   * @param validation to measure on after each epoch, in inference mode
   * @param checkpoint where to keep what {@link #resume} needs; an older one is replaced
   * @param listener is told how it goes
   * @throws TrainingException if a set is empty, examples do not fit, a label is out of range, or
   *     the loss or a weight is no finite number: then the last checkpoint stays as it is
   */
  public void fit(
      ExampleSet examples,
      Optional<ExampleSet> validation,
      Optional<Path> checkpoint,
      TrainingListener listener) {
    requireExamples("to learn from", examples);
    validation.ifPresent(set -> requireExamples("for validation", set));
    int steps = (examples.size() + settings.batchSize() - 1) / settings.batchSize();
    for (int epoch = (int) (done / steps); epoch < settings.epochs() && !stopped(); epoch++) {
      int[] order = order(examples.size(), epoch);
      for (int s = (int) (done % steps); s < steps; s++) {
        double loss = step(examples, order, s);
        listener.step(
            new TrainingListener.Step(
                done,
                epoch + 1,
                s + 1,
                steps,
                settings.learningRate().at(done - 1),
                loss,
                new Metrics(lossSum / (s + 1), confusion)));
        // The end of an epoch is saved when it has been measured.
        if (s + 1 < steps && done % settings.checkpointSteps() == 0) {
          checkpoint.ifPresent(this::save);
        }
      }
      requireFinite(weights());
      endEpoch(epoch, steps, validation, listener);
      checkpoint.ifPresent(this::save);
    }
    if (validation.isPresent() && !bestWeights.isEmpty()) {
      setWeights(bestWeights);
    }
  }

  private boolean stopped() {
    return settings.patience() > 0 && withoutBetter >= settings.patience();
  }

  private static void requireExamples(String what, ExampleSet examples) {
    if (examples.size() < 1) {
      throw new TrainingException("There are no examples " + what + ", expected at least one");
    }
  }

  private void endEpoch(
      int epoch, int steps, Optional<ExampleSet> validation, TrainingListener listener) {
    Metrics trained = new Metrics(lossSum / steps, confusion);
    if (Double.isNaN(trained.accuracy())) {
      throw new TrainingException(
          "Nothing was learned in epoch %d: every point of its %d steps has the label that is ignored"
              .formatted(epoch + 1, steps));
    }
    Optional<Metrics> measured = validation.map(this::evaluate);
    double value = settings.monitor().of(measured.orElse(trained));
    boolean better = value > best;
    if (better) {
      best = value;
      withoutBetter = 0;
      if (validation.isPresent()) {
        bestWeights = weights();
      }
    } else {
      withoutBetter++;
    }
    lossSum = 0;
    confusion = new ConfusionMatrix(classes);
    listener.epoch(new TrainingListener.Epoch(epoch + 1, done, trained, measured, better));
  }

  private double step(ExampleSet examples, int[] order, int s) {
    Batch batch = new Batch();
    int first = s * settings.batchSize();
    int last = Math.min(order.length, first + settings.batchSize());
    for (int i = first; i < last; i++) {
      RandomGenerator random = new SplittableRandom(mix(settings.seed(), 1, done, i));
      batch.add(order[i], examples.get(order[i], random));
    }
    double rateOfStep = settings.learningRate().at(done);
    double loss;
    try (TFloat32 rateNow = TFloat32.scalarOf((float) rateOfStep);
        TInt64 seedNow = TInt64.vectorOf(settings.seed(), done)) {
      loss =
          batch.run(
              training,
              trainingLabels,
              session
                  .runner()
                  .feed(rate, rateNow)
                  .feed(seed, seedNow)
                  .addTarget(step.run())
                  .fetch(trainingLoss)
                  .fetch(trainingClasses),
              confusion);
    }
    done++;
    if (!Double.isFinite(loss)) {
      throw new TrainingException(
          "The loss of step %d is %s, expected a finite number; the last checkpoint is kept"
              .formatted(done, loss));
    }
    lossSum += loss;
    return loss;
  }

  /**
   * Measures the network in inference mode.
   *
   * @param examples to measure on, one at a time
   * @return loss and confusion
   * @throws TrainingException if there are none, one does not fit, a label is out of range, a loss
   *     is no finite number, or every point has the label that is ignored
   */
  public Metrics evaluate(ExampleSet examples) {
    requireExamples("to measure on", examples);
    ConfusionMatrix found = new ConfusionMatrix(classes);
    double sum = 0;
    for (int i = 0; i < examples.size(); i++) {
      Batch batch = new Batch();
      batch.add(i, examples.get(i, new SplittableRandom(i)));
      double loss =
          batch.run(
              evaluation,
              evaluationLabels,
              session.runner().fetch(evaluationLoss).fetch(evaluationClasses),
              found);
      if (!Double.isFinite(loss)) {
        throw new TrainingException(
            "The loss of example %d is %s, expected a finite number".formatted(i, loss));
      }
      sum += loss;
    }
    if (Double.isNaN(found.accuracy())) {
      throw new TrainingException(
          "There is nothing to measure on: every point of %d examples has the label that is ignored"
              .formatted(examples.size()));
    }
    return new Metrics(sum / examples.size(), found);
  }

  private void requireFinite(Map<String, NpyArray> weights) {
    weights.forEach(
        (name, array) -> {
          for (float value : array.toFloats()) {
            if (!Float.isFinite(value)) {
              throw new TrainingException(
                  "Weight %s holds %s after step %d, expected finite numbers; the last checkpoint is kept"
                      .formatted(name, value, done));
            }
          }
        });
  }

  private void save(Path file) {
    Map<String, NpyArray> weights = weights();
    requireFinite(weights);
    Map<String, NpyArray> optimizer = new LinkedHashMap<>();
    optimizerState.forEach(
        (name, state) -> {
          try (var result = session.runner().fetch(state.value()).run()) {
            optimizer.put(name, Tensors.toArray(result.get(0)));
          }
        });
    Path directory = file.toAbsolutePath().getParent();
    if (!Files.isDirectory(directory)) {
      throw new TrainingException("Cannot write " + file + ": there is no folder " + directory);
    }
    new Checkpoint(
            identity(),
            done,
            lossSum,
            confusion,
            best,
            withoutBetter,
            weights,
            optimizer,
            bestWeights)
        .write(file);
  }

  /** Another order for each epoch, the same for each run of the seed. */
  private int[] order(int size, int epoch) {
    int[] order = new int[size];
    SplittableRandom random = new SplittableRandom(mix(settings.seed(), 2, epoch, 0));
    for (int i = 0; i < size; i++) {
      int j = random.nextInt(i + 1);
      order[i] = order[j];
      order[j] = i;
    }
    return order;
  }

  /** One seed of several numbers. */
  private static long mix(long... parts) {
    long seed = 0;
    for (long part : parts) {
      seed = new SplittableRandom(seed ^ part).nextLong();
    }
    return seed;
  }

  @Override
  public void close() {
    session.close();
    graph.close();
  }

  /** Examples on their way through the graph together. */
  private final class Batch {
    private final List<Example> examples = new ArrayList<>();
    private final List<Integer> indices = new ArrayList<>();

    void add(int index, Example example) {
      examples.add(example);
      indices.add(index);
    }

    /** Runs, counts what was found, gives the loss, which is fetched first, the classes second. */
    double run(
        Network.Built built, Operand<?> labels, Session.Runner runner, ConfusionMatrix counts) {
      Map<String, NpyArray> arrays = new LinkedHashMap<>();
      for (InputSpec input : network.inputs()) {
        arrays.put(input.name(), stack("input " + input.name(), input(input)));
      }
      NpyArray truth = truth();
      int[] known = known(truth);
      return Tensors.with(
          arrays,
          tensors -> {
            tensors.forEach((name, tensor) -> runner.feed(built.inputs().get(name), tensor));
            try (Tensor truthTensor = Tensors.of(truth);
                Result result = result(runner.feed(labels, truthTensor))) {
              int[] found = Tensors.toArray(result.get(1)).toInts();
              if (found.length != known.length) {
                throw new TrainingException(
                    "There are %d labels for %d points that the network classifies"
                        .formatted(known.length, found.length));
              }
              for (int i = 0; i < known.length; i++) {
                if (known[i] >= 0) {
                  counts.add(known[i], found[i], 1);
                }
              }
              return (double) Tensors.toArray(result.get(0)).toFloats()[0];
            }
          });
    }

    private Result result(Session.Runner runner) {
      try {
        return runner.run();
      } catch (RuntimeException e) {
        String reason = TensorFlowErrors.reason(e).orElseThrow(() -> e);
        throw new TrainingException(
            "Example %s does not fit the network or its labels: %s"
                .formatted(
                    indices.stream().map(String::valueOf).collect(Collectors.joining(", ")),
                    reason),
            e);
      }
    }

    private boolean sparse() {
      return settings.loss().labels() == ClassificationLoss.Labels.SPARSE;
    }

    private NpyArray truth() {
      List<NpyArray> labels = new ArrayList<>();
      for (int i = 0; i < examples.size(); i++) {
        labels.add(
            converted(
                "The labels",
                i,
                examples.get(i).labels(),
                sparse() ? NpyArray.Type.INT32 : NpyArray.Type.FLOAT32));
      }
      return stack("labels", labels);
    }

    private NpyArray converted(String what, int i, NpyArray array, NpyArray.Type type) {
      try {
        return array.as(type);
      } catch (NumpyException e) {
        throw new TrainingException(
            "%s of example %d: %s".formatted(what, indices.get(i), e.getMessage()), e);
      }
    }

    private List<NpyArray> input(InputSpec input) {
      String name = input.name();
      List<NpyArray> arrays = new ArrayList<>();
      for (int i = 0; i < examples.size(); i++) {
        NpyArray array = examples.get(i).inputs().get(name);
        if (array == null || examples.get(i).inputs().size() != network.inputs().size()) {
          throw new TrainingException(
              "Example %d has the inputs %s, the network takes %s"
                  .formatted(
                      indices.get(i),
                      examples.get(i).inputs().keySet(),
                      network.inputs().stream().map(InputSpec::name).toList()));
        }
        arrays.add(converted("Input " + name, i, array, Tensors.arrayType(input.type())));
      }
      return arrays;
    }

    /** The class of each point, −1 where it does not count. */
    private int[] known(NpyArray truth) {
      if (!sparse()) {
        float[] shares = truth.toFloats();
        int[] known = new int[shares.length / classes];
        for (int i = 0; i < shares.length; i++) {
          known[i / classes] =
              shares[i] > shares[i / classes * classes + known[i / classes]]
                  ? i % classes
                  : known[i / classes];
        }
        return known;
      }
      int[] known = truth.toInts();
      for (int i = 0; i < known.length; i++) {
        if (settings.loss().ignoredLabel().equals(java.util.OptionalInt.of(known[i]))) {
          known[i] = -1;
        } else if (known[i] < 0 || known[i] >= classes) {
          int size = known.length / examples.size();
          throw new TrainingException(
              "Label %d of point %d of example %d is out of range, expected 0 to %d%s"
                  .formatted(
                      known[i],
                      i % size,
                      indices.get(i / size),
                      classes - 1,
                      settings.loss().ignoredLabel().isPresent()
                          ? " or "
                              + settings.loss().ignoredLabel().getAsInt()
                              + ", which is ignored"
                          : ""));
        }
      }
      return known;
    }

    private NpyArray stack(String what, List<NpyArray> arrays) {
      try {
        return NpyArray.stack(arrays);
      } catch (NumpyException e) {
        throw new TrainingException(
            "Examples %s differ in their %s: %s; a batch takes examples of one shape, or has a size of 1"
                .formatted(indices, what, e.getMessage()),
            e);
      }
    }
  }
}
