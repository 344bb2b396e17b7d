package io.github.kpconvx;

import io.github.kpconvx.keras.file.StoredModel;
import io.github.kpconvx.layer.Mode;
import io.github.kpconvx.layer.Operands;
import io.github.kpconvx.network.Network;
import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.tensor.Tensors;
import io.github.kpconvx.training.OptimizerSettings;
import io.github.kpconvx.training.TrainingStep;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;

/** The network of a {@link VL3DModel} in a graph of its own, run with its case's inputs. */
public final class VL3DNetwork implements AutoCloseable {
  private static final String TARGET = "target";

  private final VL3DModel model;
  private final Graph graph = new Graph();
  private final Ops tf = Ops.create(graph);
  private final Session session = new Session(graph);
  private final Network network;
  private final Network.Built built;

  /** The weights have to be loaded after all that the graph is to have was added. */
  public VL3DNetwork(VL3DModel model, Mode mode) {
    this.model = model;
    try (StoredModel stored = StoredModel.open(model.file())) {
      network = Network.of(stored.config().orElseThrow(), model.layers());
      built = network.build(tf, mode);
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  public Ops tf() {
    return tf;
  }

  public Session session() {
    return session;
  }

  public Network network() {
    return network;
  }

  /** Its placeholders by the inputs' names. */
  public Map<String, Operand<?>> inputs() {
    return built.inputs();
  }

  /** Its first output. */
  public Operand<TFloat32> output() {
    return Operands.floats(built.outputs().get("output_0"));
  }

  /** All axes of that. */
  public Operand<TInt32> axes() {
    return tf.constant(IntStream.range(0, output().shape().numDimensions()).toArray());
  }

  /** Gives every weight the file's value. */
  public void loadWeights() {
    try (StoredModel stored = StoredModel.open(model.file())) {
      network.loadWeights(network.match(stored.weights()), session, model.kernelPoints());
    }
  }

  /** Runs it; gives what was asked for, by its name. */
  public Map<String, NpyArray> fetch(Map<String, Operand<?>> wanted) {
    return run(built.inputs(), model.inputs(), wanted, List.of());
  }

  private Map<String, NpyArray> run(
      Map<String, Operand<?>> places,
      Map<String, NpyArray> arrays,
      Map<String, Operand<?>> wanted,
      List<Op> targets) {
    return Tensors.with(
        arrays,
        tensors -> {
          Session.Runner runner = session.runner();
          targets.forEach(runner::addTarget);
          places.forEach((name, place) -> runner.feed(place, tensors.get(name)));
          wanted.values().forEach(runner::fetch);
          Map<String, NpyArray> found = new LinkedHashMap<>();
          try (var results = runner.run()) {
            int next = 0;
            for (String name : wanted.keySet()) {
              found.put(name, Tensors.toArray(results.get(next++)));
            }
          }
          return found;
        });
  }

  @Override
  public void close() {
    session.close();
    graph.close();
  }

  /** Steps of training, each from where the one before left the weights. */
  public interface Training {
    /** Takes a step; gives the gradients by their names, and {@code loss} before it. */
    Map<String, NpyArray> step();

    /** Takes many; gives the loss before each. */
    default double[] losses(int steps) {
      return IntStream.range(0, steps)
          .mapToDouble(i -> step().get("loss").toDoubles()[0])
          .toArray();
    }
  }

  /** Adds training on the mean squared difference from a target, and loads the weights. */
  public Training training(OptimizerSettings optimizer, double rate, NpyArray target) {
    Operand<TFloat32> wanted = tf.placeholder(TFloat32.class, Placeholder.shape(output().shape()));
    TrainingStep step =
        TrainingStep.create(
            tf,
            network,
            tf.math.mean(tf.math.squaredDifference(output(), wanted), axes()),
            optimizer.create(graph, tf.constant((float) rate)));
    Map<String, Operand<?>> places = new LinkedHashMap<>(built.inputs());
    places.put(TARGET, wanted);
    Map<String, NpyArray> arrays = new LinkedHashMap<>(model.inputs());
    arrays.put(TARGET, target);
    Map<String, Operand<?>> found = new LinkedHashMap<>(step.gradients());
    found.put("loss", tf.math.add(step.loss(), step.regularization()));
    session.initialize();
    loadWeights();
    return () -> run(places, arrays, found, List.of(step.run()));
  }
}
