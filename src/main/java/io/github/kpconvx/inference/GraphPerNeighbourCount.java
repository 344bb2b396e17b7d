package io.github.kpconvx.inference;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Function;
import java.util.function.Supplier;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;

/**
 * A graph for each number of neighbours κ that is asked for, made when it first is: compiled code
 * has one step for each neighbour. Numbers beyond the first {@value #LIMIT} are answered by one
 * graph for all of them, which is not compiled, until one of the first was not asked for in {@value
 * #PATIENCE} runs and makes room: compiling takes longer than many answers, so that graphs made and
 * dropped in turn would be slower than none. Safe for use by many threads; {@link #close} is for
 * when none is inside.
 */
final class GraphPerNeighbourCount implements LoadedGraphs {
  /** Clouds of one pipeline share their κ; more than a few are an experiment. */
  static final int LIMIT = 8;

  /** Compiling takes as long as some hundred answers. */
  static final int PATIENCE = 1000;

  private final List<TensorSpec> indices;
  private final Function<Map<String, Shape>, LoadedGraph> make;
  private final Supplier<LoadedGraph> makeForAny;
  private final Runnable release;
  // By numbers, since shapes with unknown dimensions equal no other, not even themselves.
  private final Map<List<Long>, Entry> entries = new HashMap<>();
  private Entry forAny;
  private long runs;

  /** A graph that is made by whoever asks first; others wait for it alone. */
  private static final class Entry {
    private final CompletableFuture<LoadedGraph> graph = new CompletableFuture<>();
    private boolean begun;
    private int users;
    private boolean dropped;
    private long lastRun;

    private void closeIfUnused() {
      if (dropped && users == 0) {
        closeGraph();
      }
    }

    private void closeGraph() {
      if (graph.isDone() && !graph.isCompletedExceptionally()) {
        graph.join().close();
      }
    }
  }

  /**
   * @param inputs the model's inputs
   * @param make makes a graph for inputs of more definite shapes
   * @param makeForAny makes a graph for inputs of any shapes
   * @param release closes what these use
   */
  GraphPerNeighbourCount(
      List<TensorSpec> inputs,
      Function<Map<String, Shape>, LoadedGraph> make,
      Supplier<LoadedGraph> makeForAny,
      Runnable release) {
    this.indices =
        inputs.stream()
            .filter(input -> input.type() == TInt32.class || input.type() == TInt64.class)
            .filter(input -> input.shape().numDimensions() == 3)
            .toList();
    this.make = make;
    this.makeForAny = makeForAny;
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
      return run.apply(graph(entry, key));
    } finally {
      release(entry);
    }
  }

  /** Makes the graph outside of any lock, so that answers that need none are not held up. */
  private LoadedGraph graph(Entry entry, List<Long> key) {
    boolean first;
    synchronized (this) {
      first = !entry.begun;
      entry.begun = true;
    }
    if (first) {
      try {
        entry.graph.complete(entry == forAny ? makeForAny.get() : make.apply(definite(key)));
      } catch (RuntimeException | Error e) {
        entry.graph.completeExceptionally(e);
        forget(entry, key);
      }
    }
    try {
      return entry.graph.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof Error error) {
        throw error;
      }
      throw e.getCause() instanceof RuntimeException cause ? cause : e;
    }
  }

  /** What failed once may succeed the next time. */
  private synchronized void forget(Entry entry, List<Long> key) {
    entries.remove(key, entry);
    if (entry == forAny) {
      forAny = null;
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
    runs++;
    Entry entry = entries.get(key);
    if (entry == null && hasRoom()) {
      entry = new Entry();
      entries.put(key, entry);
    }
    if (entry == null) {
      if (forAny == null) {
        forAny = new Entry();
      }
      entry = forAny;
    }
    entry.lastRun = runs;
    entry.users++;
    return entry;
  }

  /** Whether one more graph may be held, perhaps in the place of one that nobody asks for. */
  private boolean hasRoom() {
    if (entries.size() < LIMIT) {
      return true;
    }
    Optional<Map.Entry<List<Long>, Entry>> oldest =
        entries.entrySet().stream()
            .min(Comparator.comparingLong(held -> held.getValue().lastRun))
            .filter(held -> runs - held.getValue().lastRun > PATIENCE);
    oldest.ifPresent(
        held -> {
          entries.remove(held.getKey());
          held.getValue().dropped = true;
          held.getValue().closeIfUnused();
        });
    return oldest.isPresent();
  }

  private synchronized void release(Entry entry) {
    entry.users--;
    entry.closeIfUnused();
  }

  @Override
  public synchronized void close() {
    List<Entry> held = new ArrayList<>(entries.values());
    if (forAny != null) {
      held.add(forAny);
    }
    for (Entry entry : held) {
      entry.closeGraph();
    }
    entries.clear();
    forAny = null;
    release.run();
  }
}
