package io.github.kpconvx.inference;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;

/**
 * A graph for each number of neighbours κ that is asked for, made when it first is: compiled code
 * has one step for each neighbour. The graphs that were not used for longest are closed when there
 * are too many. Safe for use by many threads.
 */
final class GraphPerNeighbourCount implements LoadedGraphs {
  /** Clouds of one pipeline share their κ; more than a few are an experiment. */
  static final int LIMIT = 8;

  private final List<TensorSpec> indices;
  private final Function<Map<String, Shape>, LoadedGraph> make;
  private final Runnable release;
  // By numbers, since shapes with unknown dimensions equal no other, not even themselves.
  private final Map<List<Long>, Entry> entries = new LinkedHashMap<>(LIMIT, 0.75f, true);
  private boolean closed;

  private static final class Entry {
    private final LoadedGraph graph;
    private int users;
    private boolean dropped;

    private Entry(LoadedGraph graph) {
      this.graph = graph;
    }
  }

  /**
   * @param inputs the model's inputs
   * @param make makes a graph for inputs of more definite shapes
   * @param release closes what {@code make} uses
   */
  GraphPerNeighbourCount(
      List<TensorSpec> inputs, Function<Map<String, Shape>, LoadedGraph> make, Runnable release) {
    this.indices =
        inputs.stream()
            .filter(input -> input.type() == TInt32.class || input.type() == TInt64.class)
            .filter(input -> input.shape().numDimensions() == 3)
            .toList();
    this.make = make;
    this.release = release;
  }

  @Override
  public <T> T with(Map<String, Shape> shapes, Function<LoadedGraph, T> run) {
    List<Long> key = new ArrayList<>(indices.size());
    for (TensorSpec input : indices) {
      key.add(shapes.get(input.name()).get(2));
    }
    Entry entry = acquire(key);
    try {
      return run.apply(entry.graph);
    } finally {
      release(entry);
    }
  }

  private Map<String, Shape> definite(List<Long> key) {
    Map<String, Shape> shapes = new LinkedHashMap<>();
    for (int i = 0; i < key.size(); i++) {
      Shape known = indices.get(i).shape();
      shapes.put(indices.get(i).name(), Shape.of(known.get(0), known.get(1), key.get(i)));
    }
    return shapes;
  }

  private synchronized Entry acquire(List<Long> key) {
    if (closed) {
      throw new IllegalStateException("The model is closed");
    }
    Entry entry = entries.get(key);
    if (entry == null) {
      entry = new Entry(make.apply(definite(key)));
      entries.put(key, entry);
    }
    entry.users++;
    while (entries.size() > LIMIT) {
      List<Long> oldest = entries.keySet().iterator().next();
      drop(entries.remove(oldest));
    }
    return entry;
  }

  private synchronized void release(Entry entry) {
    entry.users--;
    if (entry.dropped && entry.users == 0) {
      entry.graph.close();
    }
  }

  private static void drop(Entry entry) {
    entry.dropped = true;
    if (entry.users == 0) {
      entry.graph.close();
    }
  }

  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      new ArrayList<>(entries.values()).forEach(GraphPerNeighbourCount::drop);
      entries.clear();
      release.run();
    }
  }
}
