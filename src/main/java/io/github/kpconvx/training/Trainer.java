package io.github.kpconvx.training;

import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.weights.WeightStore;
import io.github.kpconvx.layer.KernelPoints;
import io.github.kpconvx.network.LayerRegistry;
import io.github.kpconvx.network.ModelWriter;
import io.github.kpconvx.network.WriteOptions;
import io.github.kpconvx.numpy.NpyArray;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;

/**
 * Trains a network that classifies points.
 *
 * <pre>{@code
 * try (Trainer trainer = new Trainer(model, StandardLayers.registry(), settings)) {
 *   trainer.initialize();
 *   trainer.saveTo(checkpoint);
 *   trainer.fit(training, validation, listener);
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
  private final RunRandomness randomness;
  private final TrainingGraph graph;
  private long done;
  private EpochProgress progress;
  private BestEpoch best = BestEpoch.NONE;
  private Optional<Path> checkpoint = Optional.empty();

  /**
   * Builds the network and everything that trains it. Its weights have no values yet.
   *
   * @param model the serialized model: one float32 output of a known number of classes
   * @param registry the layers it may be made of
   * @param settings how to train
   * @throws io.github.kpconvx.network.UnsupportedModelException if the network cannot be rebuilt,
   *     which training needs; names all that is in its way
   * @throws TrainingException if the network has another kind of output, or nothing to train
   */
  public Trainer(KerasObject model, LayerRegistry registry, TrainingSettings settings) {
    this.model = model;
    this.registry = registry;
    this.settings = settings;
    this.randomness = new RunRandomness(settings.seed());
    this.graph = new TrainingGraph(model, registry, settings);
    this.progress = EpochProgress.start(graph.classes());
  }

  /** Gives every weight the first value that its initializer draws from the run's seed. */
  public void initialize() {
    graph.initialize(settings.seed());
  }

  /**
   * Loads all weights from a file.
   *
   * @param weights the file
   * @param kernelPoints where Q comes from for a layer whose Q is not in the file
   */
  public void loadWeights(WeightStore weights, KernelPoints kernelPoints) {
    graph.loadWeights(weights, kernelPoints);
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
    saved.requireRun(checkpoint, identity(), graph.weightNames(), graph.optimizerNames());
    graph.assignWeights(saved.weights());
    graph.assignOptimizer(saved.optimizer());
    done = saved.step();
    progress = saved.progress();
    best = saved.best();
  }

  private String identity() {
    return settings.identity() + "\n" + model;
  }

  /**
   * All weights as they are now.
   *
   * @return arrays by {@linkplain io.github.kpconvx.keras.weights.LayerSpec#qualifiedWeights()
   *     qualified name}
   */
  public Map<String, NpyArray> weights() {
    return graph.weights();
  }

  /**
   * What writes the network, to be told more before it is given to {@link #write(Path, ModelWriter,
   * WriteOptions)}.
   *
   * @return a writer
   */
  public ModelWriter writer() {
    return ModelWriter.of(model, registry);
  }

  /**
   * Writes the network with its weights as they are now to a file that Keras opens.
   *
   * @param target a {@code .keras}, a {@code .weights.h5} or else a SavedModel directory
   * @throws io.github.kpconvx.keras.KerasException if it is there already or cannot be written
   */
  public void write(Path target) {
    write(target, writer(), WriteOptions.DEFAULT);
  }

  /**
   * Writes the network with its weights as they are now to a file that Keras opens.
   *
   * @param target a {@code .keras}, a {@code .weights.h5} or else a SavedModel directory
   * @param writer made of {@link #writer}, such as {@code trainer.writer().withAssets(assets)}
   * @param options whether it replaces a target that exists, where kernel points go that the target
   *     cannot hold
   * @throws io.github.kpconvx.keras.KerasException if it cannot be written
   */
  public void write(Path target, ModelWriter writer, WriteOptions options) {
    graph.withWeights(weights -> writer.write(target, weights, options));
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
   * Says where training keeps what {@link #resume} needs; not told, nowhere.
   *
   * @param file a file, which is replaced again and again
   */
  public void saveTo(Path file) {
    checkpoint = Optional.of(file);
  }

  /**
   * Trains until the epochs are over; then the weights are those of the last.
   *
   * @param training the training data
   * @param listener is told how it goes
   * @throws TrainingException as {@link #fit(ExampleSet, ExampleSet, TrainingListener)}
   */
  public void fit(ExampleSet training, TrainingListener listener) {
    fit(training, Optional.empty(), listener);
  }

  /**
   * Trains until the epochs are over or early stopping ends them; then the weights are those of the
   * best epoch.
   *
   * @param training the training data
   * @param validation the validation data, evaluated after each epoch
   * @param listener is told how it goes
   * @throws TrainingException if a set is empty, examples do not fit, a label is out of range, or
   *     the loss or a weight is no finite number: then the last {@linkplain #saveTo checkpoint}
   *     stays as it is
   */
  public void fit(ExampleSet training, ExampleSet validation, TrainingListener listener) {
    fit(training, Optional.of(validation), listener);
  }

  private void fit(
      ExampleSet training, Optional<ExampleSet> validation, TrainingListener listener) {
    requireExamples("training", training);
    validation.ifPresent(set -> requireExamples("validation", set));
    int steps = (training.size() + settings.batchSize() - 1) / settings.batchSize();
    for (int epoch = (int) (done / steps);
        epoch < settings.epochs() && !best.outlasts(settings.patience());
        epoch++) {
      int[] order = randomness.order(training.size(), epoch);
      for (int s = (int) (done % steps); s < steps; s++) {
        double loss = step(training, order, s);
        listener.step(
            new TrainingListener.Step(
                done,
                epoch + 1,
                s + 1,
                steps,
                settings.learningRate().at(done - 1),
                loss,
                progress.metrics(s + 1)));
        // The end of an epoch is saved after its evaluation.
        if (s + 1 < steps && done % settings.checkpointSteps() == 0) {
          checkpoint.ifPresent(this::save);
        }
      }
      requireFinite(weights());
      endEpoch(epoch, steps, validation, listener);
      checkpoint.ifPresent(this::save);
    }
    if (validation.isPresent() && !best.weights().isEmpty()) {
      graph.assignWeights(best.weights());
    }
  }

  private static void requireExamples(String what, ExampleSet examples) {
    if (examples.size() < 1) {
      throw new TrainingException(
          "There are no examples of " + what + " data, expected at least one");
    }
  }

  private void endEpoch(
      int epoch, int steps, Optional<ExampleSet> validation, TrainingListener listener) {
    Metrics trained = progress.metrics(steps);
    if (Double.isNaN(trained.accuracy())) {
      throw new TrainingException(
          "Nothing was learned in epoch %d: every point of its %d steps has the label that is ignored"
              .formatted(epoch + 1, steps));
    }
    Optional<Metrics> evaluated = validation.map(this::evaluate);
    double value = settings.monitor().of(evaluated.orElse(trained));
    boolean better = value > best.value();
    best =
        better
            ? new BestEpoch(value, 0, validation.isPresent() ? weights() : Map.of())
            : best.withoutBetter();
    progress = EpochProgress.start(graph.classes());
    listener.epoch(new TrainingListener.Epoch(epoch + 1, done, trained, evaluated, better));
  }

  private double step(ExampleSet examples, int[] order, int s) {
    Map<Integer, Example> batch = new LinkedHashMap<>();
    int first = s * settings.batchSize();
    int last = Math.min(order.length, first + settings.batchSize());
    for (int i = first; i < last; i++) {
      batch.put(order[i], examples.get(order[i], randomness.variation(done, i)));
    }
    double loss =
        graph.step(
            batch(batch),
            settings.learningRate().at(done),
            settings.seed(),
            done,
            progress.confusion());
    done++;
    if (!Double.isFinite(loss)) {
      throw new TrainingException(
          "The loss of step %d is %s, expected a finite number; the last checkpoint is kept"
              .formatted(done, loss));
    }
    progress.add(loss);
    return loss;
  }

  private Batch batch(Map<Integer, Example> examples) {
    return new Batch(examples, graph.inputs(), settings.loss(), graph.classes());
  }

  /**
   * Evaluates the network, in inference mode.
   *
   * @param evaluation the evaluation data, taken one example at a time
   * @return loss and confusion
   * @throws TrainingException if there are none, one does not fit, a label is out of range, a loss
   *     is no finite number, or every point has the label that is ignored
   */
  public Metrics evaluate(ExampleSet evaluation) {
    requireExamples("evaluation", evaluation);
    ConfusionMatrix found = new ConfusionMatrix(graph.classes());
    double sum = 0;
    for (int i = 0; i < evaluation.size(); i++) {
      Map<Integer, Example> one = Map.of(i, evaluation.get(i, new SplittableRandom(i)));
      double loss = graph.evaluate(batch(one), found);
      if (!Double.isFinite(loss)) {
        throw new TrainingException(
            "The loss of example %d is %s, expected a finite number".formatted(i, loss));
      }
      sum += loss;
    }
    if (Double.isNaN(found.accuracy())) {
      throw new TrainingException(
          "There is nothing to evaluate: every point of %d examples has the label that is ignored"
              .formatted(evaluation.size()));
    }
    return new Metrics(sum / evaluation.size(), found);
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
    Path directory = file.toAbsolutePath().getParent();
    if (!Files.isDirectory(directory)) {
      throw new TrainingException("Cannot write " + file + ": there is no folder " + directory);
    }
    new Checkpoint(identity(), done, progress, best, weights, graph.optimizer()).write(file);
  }

  @Override
  public void close() {
    graph.close();
  }
}
