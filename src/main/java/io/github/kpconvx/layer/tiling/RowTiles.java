package io.github.kpconvx.layer.tiling;

import io.github.kpconvx.layer.Operands;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiFunction;
import org.tensorflow.ConcreteFunction;
import org.tensorflow.Operand;
import org.tensorflow.Operation;
import org.tensorflow.OperationBuilder;
import org.tensorflow.Output;
import org.tensorflow.Signature;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.proto.DataType;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TType;

/**
 * Computes the rows of matrices tile by tile, inside the graph: what lies between inputs and
 * results is held for as many tiles as there are processors, however many rows there are.
 *
 * <p>A tile is small enough for a processor's caches, and best computed on one processor alone:
 * operations that are divided among all wait for one another.
 *
 * @param rows P, how many rows there are
 * @param tile how many of them are a tile; the last one may have fewer
 * @param divided whether a tile's operations may use all processors, or a GPU: then one tile is
 *     under way at a time
 * @param queue how many tiles begin at once for each processor, if they are not divided: with
 *     several, none is idle while tiles differ in time; with one, none is late by a whole tile
 */
public record RowTiles(Operand<TInt32> rows, Operand<TInt32> tile, boolean divided, int queue) {
  private static final String START = "start";
  private static final String ROWS = "rows";
  private static final String TILE = "tile";

  /** Inlines the loop's functions into the graph, where TensorFlow fuses their operations. */
  private static final String LOWER = "_lower_using_switch_merge";

  /**
   * A matrix (P, C) that is computed.
   *
   * @param type its type
   * @param columns C
   * @param known C if it is known when the graph is built, or {@link Shape#UNKNOWN_SIZE}
   */
  public record Result(Class<? extends TType> type, Operand<TInt32> columns, long known) {
    Shape shape() {
      return Shape.of(Shape.UNKNOWN_SIZE, known);
    }
  }

  /** Makes a tile's results of its inputs, by name. */
  private interface Body
      extends BiFunction<Ops, Map<String, Operand<?>>, Map<String, Operand<?>>> {}

  /**
   * Adds the computation to a graph.
   *
   * @param tf the operations of the graph that is added to
   * @param what what is computed, for the operation's name
   * @param cut matrices of which a tile sees its own rows, by name
   * @param whole what every tile sees all of, by other names
   * @param results what is computed, by name
   * @param body makes a tile's results of its inputs, by name; what it uses of the graph outside it
   *     has to be among the inputs
   * @return the results of all rows, by name
   */
  public Map<String, Operand<?>> map(
      Ops tf,
      String what,
      Map<String, Operand<?>> cut,
      Map<String, Operand<?>> whole,
      Map<String, Result> results,
      BiFunction<Ops, Map<String, Operand<?>>, Map<String, Operand<?>>> body) {
    Map<String, Operand<?>> given = new LinkedHashMap<>();
    given.put(ROWS, rows);
    given.put(TILE, tile);
    given.putAll(cut);
    given.putAll(whole);
    results.forEach(
        (name, result) -> {
          Operand<?> empty = tf.empty(tf.stack(List.of(rows, result.columns())), result.type());
          given.put(name, tf.ensureShape(empty, result.shape()));
        });
    Body step = (inside, now) -> step(inside, now, cut.keySet(), whole.keySet(), body);
    return loop(
        tf,
        what,
        given,
        results,
        divided ? step : (inside, now) -> calls(inside, now, results.keySet(), step));
  }

  private static Map<String, Operand<?>> loop(
      Ops tf, String what, Map<String, Operand<?>> given, Map<String, Result> results, Body turn) {
    Map<String, Operand<?>> state = new LinkedHashMap<>();
    state.put(START, tf.constant(0));
    state.putAll(given);
    try (ConcreteFunction condition =
            ConcreteFunction.create(inside -> trace(inside, state, RowTiles::hasMore));
        ConcreteFunction body = ConcreteFunction.create(inside -> trace(inside, state, turn))) {
      OperationBuilder loop = tf.scope().opBuilder("StatelessWhile", what + "_tiles");
      loop.addInputList(outputs(state));
      loop.setAttr("T", types(state));
      loop.setAttr("cond", condition);
      loop.setAttr("body", body);
      // Of a GPU's large tiles memory is to hold one.
      loop.setAttr("parallel_iterations", 1L);
      loop.setAttr(LOWER, true);
      Operation operation = tf.scope().apply(loop).build();
      Map<String, Operand<?>> filled = new LinkedHashMap<>();
      int index = state.size() - results.size();
      for (Map.Entry<String, Result> result : results.entrySet()) {
        // Loops do not tell the shapes of what they return.
        filled.put(
            result.getKey(), tf.ensureShape(operation.output(index++), result.getValue().shape()));
      }
      return filled;
    }
  }

  /**
   * Computes the next tiles, each on one processor: the state of the next turn. No more than some
   * for each processor, as all begin at once.
   */
  private Map<String, Operand<?>> calls(
      Ops tf, Map<String, Operand<?>> state, Set<String> results, Body step) {
    Body counted =
        (inside, now) -> {
          Map<String, Operand<?>> next = step.apply(inside, now);
          List<Op> writes = new ArrayList<>();
          results.forEach(name -> writes.add(next.get(name)));
          Operand<TInt32> size = inside.math.sub(integers(next, START), integers(now, START));
          return Map.of("written", inside.withControlDependencies(writes).identity(size));
        };
    Operand<TInt32> start = integers(state, START);
    Operand<TInt32> tile = integers(state, TILE);
    Operand<TInt32> most = tf.math.mul(tile, tf.constant(queue * processors()));
    Operand<TInt32> end = tf.math.minimum(tf.math.add(start, most), integers(state, ROWS));
    Map<String, Operand<?>> captured = new LinkedHashMap<>(state);
    captured.remove(START);
    try (ConcreteFunction call = ConcreteFunction.create(inside -> trace(inside, state, counted))) {
      OperationBuilder calls = tf.scope().opBuilder("MapDefun", "calls");
      calls.addInputList(new Output<?>[] {tf.range(start, end, tile).asOutput()});
      calls.addInputList(outputs(captured));
      calls.setAttr("Targuments", new DataType[] {DataType.DT_INT32});
      calls.setAttr("Tcaptured", types(captured));
      calls.setAttr("output_types", new DataType[] {DataType.DT_INT32});
      calls.setAttr("output_shapes", new Shape[] {Shape.scalar()});
      calls.setAttr("f", call);
      calls.setAttr("max_intra_op_parallelism", 1L);
      Operand<TInt32> counts = tf.scope().apply(calls).build().output(0);
      // By what was written: TensorFlow leaves out calls that give nothing to anyone.
      Operand<TInt32> next = tf.math.add(start, tf.reduceSum(counts, tf.constant(0)));
      Ops then = tf.withControlDependencies(next);
      Map<String, Operand<?>> after = new LinkedHashMap<>();
      state.forEach((name, value) -> after.put(name, then.identity(value)));
      after.put(START, next);
      return after;
    }
  }

  /** How many tiles are computed at a time. */
  static int processors() {
    return Runtime.getRuntime().availableProcessors();
  }

  private static Output<?>[] outputs(Map<String, Operand<?>> operands) {
    return operands.values().stream().map(Operand::asOutput).toArray(Output<?>[]::new);
  }

  private static DataType[] types(Map<String, Operand<?>> operands) {
    return operands.values().stream()
        .map(operand -> operand.asOutput().dataType())
        .toArray(DataType[]::new);
  }

  private static Signature trace(Ops tf, Map<String, Operand<?>> state, Body function) {
    Signature.Builder signature = Signature.builder();
    Map<String, Operand<?>> inside = new LinkedHashMap<>();
    state.forEach(
        (name, outside) -> {
          Operand<?> placeholder =
              tf.placeholder(outside.type(), Placeholder.shape(outside.shape()));
          inside.put(name, placeholder);
          signature.input(name, placeholder);
        });
    function.apply(tf, inside).forEach(signature::output);
    return signature.build();
  }

  private static Map<String, Operand<?>> hasMore(Ops tf, Map<String, Operand<?>> state) {
    return Map.of("more", tf.math.less(integers(state, START), integers(state, ROWS)));
  }

  /** Computes a tile and puts its results into their places: the state of the next step. */
  private static Map<String, Operand<?>> step(
      Ops tf,
      Map<String, Operand<?>> state,
      Iterable<String> cut,
      Iterable<String> whole,
      BiFunction<Ops, Map<String, Operand<?>>, Map<String, Operand<?>>> body) {
    Operand<TInt32> start = integers(state, START);
    Operand<TInt32> size =
        tf.math.minimum(integers(state, TILE), tf.math.sub(integers(state, ROWS), start));
    Map<String, Operand<?>> inputs = new LinkedHashMap<>();
    cut.forEach(name -> inputs.put(name, slice(tf, state.get(name), start, size)));
    whole.forEach(name -> inputs.put(name, state.get(name)));
    Map<String, Operand<?>> results = body.apply(tf, inputs);

    Operand<TInt32> end = tf.math.add(start, size);
    Operand<TInt32> places = tf.range(start, end, tf.constant(1));
    Map<String, Operand<?>> next = new LinkedHashMap<>();
    state.forEach(
        (name, value) ->
            next.put(
                name,
                name.equals(START)
                    ? end
                    : results.containsKey(name)
                        ? write(tf, value, places, results.get(name))
                        : tf.identity(value)));
    return next;
  }

  private static <T extends TType> Operand<T> slice(
      Ops tf, Operand<T> matrix, Operand<TInt32> start, Operand<TInt32> size) {
    List<Operand<TInt32>> begin = new ArrayList<>(List.of(start, tf.constant(0)));
    List<Operand<TInt32>> sizes = new ArrayList<>(List.of(size, tf.constant(-1)));
    return tf.ensureShape(
        tf.slice(matrix, tf.stack(begin), tf.stack(sizes)),
        Shape.of(Shape.UNKNOWN_SIZE).append(matrix.shape().tail()));
  }

  /**
   * Writes into the memory of {@code all} itself: it was made empty for these tiles, each has rows
   * of its own there, and nothing else sees it before all are written.
   */
  @SuppressWarnings("unchecked") // A result has the type that was asked for.
  private static <T extends TType> Operand<T> write(
      Ops tf, Operand<T> all, Operand<TInt32> places, Operand<?> rows) {
    return tf.inplaceUpdate(all, places, (Operand<T>) rows);
  }

  private static Operand<TInt32> integers(Map<String, Operand<?>> state, String name) {
    return Operands.integers(state.get(name));
  }
}
