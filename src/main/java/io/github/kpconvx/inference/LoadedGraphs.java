package io.github.kpconvx.inference;

import java.util.Map;
import java.util.function.Function;
import org.tensorflow.ndarray.Shape;

/** The graphs of a model: one for all inputs, or one for each number of neighbours. */
interface LoadedGraphs extends AutoCloseable {
  /**
   * Runs a graph that takes inputs of the given shapes; it stays open that long.
   *
   * @param shapes the shape of each input by name
   * @param run uses the graph
   * @return what {@code run} returns
   */
  <T> T with(Map<String, Shape> shapes, Function<LoadedGraph, T> run);

  @Override
  void close();

  /** One graph for all inputs. */
  static LoadedGraphs of(LoadedGraph graph) {
    return new LoadedGraphs() {
      @Override
      public <T> T with(Map<String, Shape> shapes, Function<LoadedGraph, T> run) {
        return run.apply(graph);
      }

      @Override
      public void close() {
        graph.close();
      }
    };
  }
}
