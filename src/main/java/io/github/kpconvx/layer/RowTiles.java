package io.github.kpconvx.layer;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import org.tensorflow.ConcreteFunction;
import org.tensorflow.Operand;
import org.tensorflow.Operation;
import org.tensorflow.OperationBuilder;
import org.tensorflow.Output;
import org.tensorflow.Signature;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.proto.DataType;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TType;

/**
 * Computes the rows of matrices a tile at a time, in a loop inside the graph: what lies between
 * inputs and results is never held for more rows than a tile has, however many there are.
 *
 * @param rows P, how many rows there are
 * @param tile how many of them are computed at a time; the last tile may have fewer
 */
record RowTiles(Operand<TInt32> rows, Operand<TInt32> tile) {
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
  record Result(Class<? extends TType> type, Operand<TInt32> columns, long known) {
    Shape shape() {
      return Shape.of(Shape.UNKNOWN_SIZE, known);
    }
  }

  /**
   * Adds the computation to a graph.
   *
   * @param tf where to
   * @param cut matrices of which a tile sees its own rows, by name
   * @param whole what every tile sees all of, by other names
   * @param results what is computed, by name
   * @param body makes a tile's results of its inputs, by name; what it uses of the graph outside it
   *     has to be among the inputs
   * @return the results of all rows, by name
   */
  Map<String, Operand<?>> map(
      Ops tf,
      Map<String, Operand<?>> cut,
      Map<String, Operand<?>> whole,
      Map<String, Result> results,
      BiFunction<Ops, Map<String, Operand<?>>, Map<String, Operand<?>>> body) {
    Map<String, Operand<?>> state = new LinkedHashMap<>();
    state.put(START, tf.constant(0));
    state.put(ROWS, rows);
    state.put(TILE, tile);
    state.putAll(cut);
    state.putAll(whole);
    results.forEach(
        (name, result) -> {
          Operand<?> empty = tf.empty(tf.stack(List.of(rows, result.columns())), result.type());
          state.put(name, tf.ensureShape(empty, result.shape()));
        });
    Map<String, Operand<?>> filled = new LinkedHashMap<>();
    try (ConcreteFunction condition =
            ConcreteFunction.create(inside -> trace(inside, state, RowTiles::hasMore));
        ConcreteFunction step =
            ConcreteFunction.create(
                inside ->
                    trace(
                        inside,
                        state,
                        (ops, now) -> step(ops, now, cut.keySet(), whole.keySet(), body)))) {
      Operation loop = loop(tf, state, condition, step);
      int index = state.size() - results.size();
      for (Map.Entry<String, Result> result : results.entrySet()) {
        // Loops do not tell the shapes of what they return.
        filled.put(
            result.getKey(), tf.ensureShape(loop.output(index++), result.getValue().shape()));
      }
    }
    return filled;
  }

  private static Operation loop(
      Ops tf, Map<String, Operand<?>> state, ConcreteFunction condition, ConcreteFunction step) {
    OperationBuilder loop = tf.scope().opBuilder("StatelessWhile", "tiles");
    loop.addInputList(state.values().stream().map(Operand::asOutput).toArray(Output<?>[]::new));
    loop.setAttr(
        "T",
        step.signature().getInputs().values().stream()
            .map(input -> input.dataType)
            .toArray(DataType[]::new));
    loop.setAttr("cond", condition);
    loop.setAttr("body", step);
    // More would hold several tiles at a time; a tile's operations use all processors already.
    loop.setAttr("parallel_iterations", 1L);
    loop.setAttr(LOWER, true);
    return tf.scope().apply(loop).build();
  }

  private static Signature trace(
      Ops tf,
      Map<String, Operand<?>> state,
      BiFunction<Ops, Map<String, Operand<?>>, Map<String, Operand<?>>> function) {
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
   * Writes into the memory of {@code all} itself: it was made empty for this loop, and nothing else
   * sees it before the loop ends.
   */
  @SuppressWarnings("unchecked") // A result has the type that was asked for.
  private static <T extends TType> Operand<T> write(
      Ops tf, Operand<T> all, Operand<TInt32> places, Operand<?> rows) {
    return tf.inplaceUpdate(all, places, (Operand<T>) rows);
  }

  private static Operand<TInt32> integers(Map<String, Operand<?>> state, String name) {
    return Geometry.integers(state.get(name));
  }
}
