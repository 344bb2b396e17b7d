package io.github.kpconvx.inference;

import java.util.LinkedHashMap;
import java.util.Map;
import org.tensorflow.Output;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.types.TFloat32;

/**
 * The TensorFlow session under a model of one output, run without the model's own checks, to tell
 * what those cost.
 */
public final class BareSession {
  private final LoadedGraph graph;
  private final Output<?> output;

  private BareSession(LoadedGraph graph, Output<?> output) {
    this.graph = graph;
    this.output = output;
  }

  /**
   * Takes hold of a model's session.
   *
   * @param model the model; the session is closed with it
   * @param inputs a tensor for each input, of the sizes to come
   * @return its session
   */
  public static BareSession of(Model model, Map<String, Tensor> inputs) {
    Map<String, Shape> shapes = new LinkedHashMap<>();
    inputs.forEach((name, tensor) -> shapes.put(name, tensor.shape()));
    LoadedGraph graph = model.graphs().with(shapes, found -> found);
    return new BareSession(graph, graph.fetches().get(model.outputs().keySet().iterator().next()));
  }

  /**
   * Runs the session.
   *
   * @param inputs a tensor for each of the model's inputs
   * @return the output, the caller's to close
   */
  public TFloat32 run(Map<String, Tensor> inputs) {
    Session.Runner runner = graph.session().runner();
    inputs.forEach((name, tensor) -> runner.feed(graph.feeds().get(name), tensor));
    return (TFloat32) runner.fetch(output).run().get(0);
  }
}
