package io.github.kpconvx.training;

import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.weights.WeightStore;
import io.github.kpconvx.layer.CallContext;
import io.github.kpconvx.layer.InputSpec;
import io.github.kpconvx.layer.KernelPoints;
import io.github.kpconvx.layer.Mode;
import io.github.kpconvx.layer.Operands;
import io.github.kpconvx.layer.RandomSource;
import io.github.kpconvx.network.LayerRegistry;
import io.github.kpconvx.network.Network;
import io.github.kpconvx.network.UnsupportedModelException;
import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.tensor.TensorFlowErrors;
import io.github.kpconvx.tensor.Tensors;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TType;

/**
 * A network in a graph, called once to train and once to be evaluated, with an optimizer's step.
 * Knows nothing of epochs. Belongs to one thread; holds native memory until it is closed.
 */
final class TrainingGraph implements AutoCloseable {
  private final Graph graph = new Graph();
  private final Session session;
  private final Network network;
  private final Call training;
  private final Call evaluation;
  private final Placeholder<TFloat32> rate;
  private final Placeholder<TInt64> seed;
  private final Op step;
  private final OptimizerVariables optimizer;
  private final int classes;

  /** The network in one mode: what is fed, and what is found. */
  private record Call(
      Map<String, Operand<?>> inputs,
      Operand<?> labels,
      Operand<TFloat32> loss,
      Operand<TInt32> classes) {}

  private static Network network(KerasObject model, LayerRegistry registry) {
    try {
      return Network.of(model, registry);
    } catch (UnsupportedModelException e) {
      throw e.told("Only a model that can be rebuilt is trained, no stored graph. ");
    }
  }

  /**
   * Builds it. Its weights have no values yet, those of the optimizer have their first.
   *
   * @throws TrainingException if the network has another kind of output than one of classes, or
   *     nothing to train
   */
  TrainingGraph(KerasObject model, LayerRegistry registry, TrainingSettings settings) {
    Session opened = null;
    try {
      Ops tf = Ops.create(graph);
      network = network(model, registry);
      seed = tf.placeholder(TInt64.class, Placeholder.shape(Shape.of(2)));
      rate = tf.placeholder(TFloat32.class, Placeholder.shape(Shape.scalar()));
      Network.Built trained =
          network.build(tf, CallContext.of(Mode.TRAINING).withRandom(RandomSource.seeded(seed)));
      TrainingMemory.requireRoom(network.variables());
      classes = classes(trained);
      ClassificationLoss loss = settings.loss();
      Placeholder<?> trainingLabels = labels(tf, loss);
      TrainingStep made =
          TrainingStep.create(
              tf,
              network,
              loss.create(tf, output(trained), trainingLabels),
              settings.optimizer().create(graph, rate),
              settings.clipNorm());
      step = made.run();
      training = call(tf, trained, trainingLabels, tf.math.add(made.loss(), made.regularization()));
      // As inference computes it, but with the losses that layers add when they are called.
      Set<String> before = network.regularizationLosses(tf).keySet();
      Network.Built evaluated = network.call(tf, CallContext.of(Mode.TRAINING_FIXED));
      Placeholder<?> evaluationLabels = labels(tf, loss);
      evaluation =
          call(
              tf,
              evaluated,
              evaluationLabels,
              tf.math.add(
                  loss.create(tf, output(evaluated), evaluationLabels),
                  evaluationLosses(tf, network, before)));
      optimizer = new OptimizerVariables(tf, graph, network);
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

  private static int classes(Network.Built built) {
    Shape output = output(built).shape();
    int rank = output.numDimensions();
    if (built.outputs().size() != 1 || rank < 2 || output.get(rank - 1) < 2) {
      throw new TrainingException(
          "The network gives %s, expected one output (batch, …, classes) of at least 2 classes"
              .formatted(built.outputs()));
    }
    return Math.toIntExact(output.get(rank - 1));
  }

  private static Operand<TFloat32> output(Network.Built built) {
    return Operands.floats(built.outputs().values().iterator().next());
  }

  private static Placeholder<?> labels(Ops tf, ClassificationLoss loss) {
    return loss.labels() == ClassificationLoss.Labels.SPARSE
        ? tf.placeholder(TInt32.class)
        : tf.placeholder(TFloat32.class);
  }

  private static Call call(Ops tf, Network.Built built, Operand<?> labels, Operand<TFloat32> loss) {
    return new Call(
        built.inputs(), labels, loss, tf.math.argMax(output(built), tf.constant(-1), TInt32.class));
  }

  /** Those of the weights, and those that calls added after the first. */
  private static Operand<TFloat32> evaluationLosses(Ops tf, Network network, Set<String> first) {
    Operand<TFloat32> sum = tf.constant(0f);
    for (Map.Entry<String, Operand<TFloat32>> loss : network.regularizationLosses(tf).entrySet()) {
      if (network.variables().containsKey(loss.getKey()) || !first.contains(loss.getKey())) {
        sum = tf.math.add(sum, loss.getValue());
      }
    }
    return sum;
  }

  int classes() {
    return classes;
  }

  List<InputSpec> inputs() {
    return network.inputs();
  }

  void initialize(long weightSeed) {
    network.initialize(session, weightSeed);
  }

  void loadWeights(WeightStore weights, KernelPoints kernelPoints) {
    network.loadWeights(network.match(weights), session, kernelPoints);
  }

  Set<String> weightNames() {
    return network.variables().keySet();
  }

  /** The weights as they are now, by qualified name. */
  Map<String, NpyArray> weights() {
    Map<String, NpyArray> weights = new LinkedHashMap<>();
    network
        .variables()
        .forEach(
            (name, variable) -> {
              try (TType value = variable.readAny(session)) {
                weights.put(name, Tensors.toArray(value));
              }
            });
    return weights;
  }

  /** Sets all weights. */
  void assignWeights(Map<String, NpyArray> values) {
    network
        .variables()
        .forEach(
            (name, variable) -> {
              try (Tensor value = Tensors.of(values.get(name))) {
                variable.assign(session, (TType) value);
              }
            });
  }

  /** Runs something on the weights as they are now. */
  void withWeights(Consumer<Map<String, TType>> body) {
    Map<String, TType> weights = new LinkedHashMap<>();
    try {
      network.variables().forEach((name, variable) -> weights.put(name, variable.readAny(session)));
      body.accept(weights);
    } finally {
      weights.values().forEach(Tensor::close);
    }
  }

  Set<String> optimizerNames() {
    return optimizer.names();
  }

  Map<String, NpyArray> optimizer() {
    return optimizer.read(session);
  }

  void assignOptimizer(Map<String, NpyArray> values) {
    optimizer.assign(session, values);
  }

  /**
   * Performs one step.
   *
   * @param batch the examples
   * @param learningRate the rate of this step
   * @param runSeed of all that is drawn in the run
   * @param stepNumber tells this step's draws from others'
   * @param counts is told what the network found
   * @return the loss before the step, with regularization
   */
  double step(
      Batch batch, double learningRate, long runSeed, long stepNumber, ConfusionMatrix counts) {
    try (TFloat32 rateNow = TFloat32.scalarOf((float) learningRate);
        TInt64 seedNow = TInt64.vectorOf(runSeed, stepNumber)) {
      Session.Runner runner =
          session.runner().feed(rate, rateNow).feed(seed, seedNow).addTarget(step);
      return run(training, batch, runner, counts);
    }
  }

  /**
   * Evaluates the network in inference mode.
   *
   * @param batch the examples
   * @param counts is told what the network found
   * @return the loss, with regularization
   */
  double evaluate(Batch batch, ConfusionMatrix counts) {
    return run(evaluation, batch, session.runner(), counts);
  }

  private static double run(Call call, Batch batch, Session.Runner runner, ConfusionMatrix counts) {
    runner.fetch(call.loss()).fetch(call.classes());
    return Tensors.with(
        batch.inputs(),
        inputs -> {
          inputs.forEach((name, tensor) -> runner.feed(call.inputs().get(name), tensor));
          try (Tensor labels = Tensors.of(batch.labels());
              Result result = result(runner.feed(call.labels(), labels), batch)) {
            batch.count(Tensors.toArray(result.get(1)).toInts(), counts);
            return (double) Tensors.toArray(result.get(0)).toFloats()[0];
          }
        });
  }

  private static Result result(Session.Runner runner, Batch batch) {
    try {
      return runner.run();
    } catch (RuntimeException e) {
      String reason = TensorFlowErrors.reason(e).orElseThrow(() -> e);
      throw new TrainingException(
          "Example %s does not fit the network or its labels: %s".formatted(batch, reason), e);
    }
  }

  @Override
  public void close() {
    session.close();
    graph.close();
  }
}
