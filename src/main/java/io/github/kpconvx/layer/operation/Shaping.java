package io.github.kpconvx.layer.operation;

import static io.github.kpconvx.layer.operation.Operations.keras;
import static io.github.kpconvx.layer.operation.Operations.tensorFlow;
import static io.github.kpconvx.layer.operation.Tensors.any;
import static io.github.kpconvx.layer.operation.Tensors.as;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Squeeze;
import org.tensorflow.op.core.Stack;
import org.tensorflow.op.core.StridedSlice;
import org.tensorflow.op.core.Unstack;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TNumber;

/** Operations that move elements: shapes, axes, joining, cutting and repeating. */
final class Shaping {
  private Shaping() {}

  static void define() {
    Function reshape = Function.of(Shaping::reshape);
    keras("x, newshape>shape", reshape, "Reshape");
    tensorFlow("tensor>x, shape", reshape, "reshape");
    keras("x", Function.of((tf, in) -> tf.reshape(in.tensor("x"), tf.array(-1))), "Ravel");
    Function expand = Function.of(Shaping::expandDims);
    keras("x, axis", expand, "ExpandDims");
    tensorFlow("input>x, axis", expand, "expand_dims");
    Function squeeze = Function.of(Shaping::squeeze);
    keras("x, axis=None", squeeze, "Squeeze");
    tensorFlow("input>x, axis=None, squeeze_dims=None", squeeze, "compat.v1.squeeze", "squeeze");
    Function transpose = Function.of(Shaping::transpose);
    keras("x, axes=None", transpose, "Transpose");
    tensorFlow(
        "a>x, perm>axes=None, conjugate=False", transpose, "compat.v1.transpose", "transpose");
    tensorFlow(
        "a>x, conjugate=False",
        Function.of(
            (tf, in) -> {
              Operand<TNumber> x = in.tensor("x");
              return swap(tf, x, matrixAxis(in, x) - 1, matrixAxis(in, x));
            }),
        "linalg.matrix_transpose");
    keras(
        "x, axis1, axis2",
        Function.of(
            (tf, in) -> {
              Operand<TNumber> x = in.tensor("x");
              return swap(tf, x, in.axis("axis1", x), in.axis("axis2", x));
            }),
        "Swapaxes");
    keras("x, source, destination", Function.of(Shaping::moveAxes), "Moveaxis");
    Function flip =
        Function.of(
            (tf, in) -> {
              Operand<TNumber> x = in.tensor("x");
              return tf.reverse(x, tf.constant(in.axes("axis", x)));
            });
    keras("x, axis=None", flip, "Flip");
    tensorFlow("tensor>x, axis", flip, "reverse");
    keras("x", Function.of((tf, in) -> tf.reverse(in.tensor("x"), tf.array(0))), "Flipud");
    keras("x", Function.of((tf, in) -> tf.reverse(in.tensor("x"), tf.array(1))), "Fliplr");
    Function roll = Function.of(Shaping::roll);
    keras("x, shift, axis=None", roll, "Roll");
    tensorFlow("input>x, shift, axis", roll, "roll");
    Function concatenate = Function.of(Shaping::concatenate);
    keras("xs, axis=0", concatenate, "Concatenate");
    tensorFlow("values>xs, axis", concatenate, "concat");
    Function stack = Function.of(Shaping::stack);
    keras("x>xs, axis=0", stack, "Stack");
    tensorFlow("values>xs, axis=0", stack, "stack");
    keras("xs", Function.of((tf, in) -> join(tf, in, 2, 0)), "Vstack");
    keras("xs", Function.of((tf, in) -> join(tf, in, 1, 1)), "Hstack");
    keras("xs", Function.of((tf, in) -> join(tf, in, 3, 2)), "Dstack");
    keras("x, num=None, axis=0", Shaping::unstack, "Unstack");
    tensorFlow("value>x, num=None, axis=0", Shaping::unstack, "unstack");
    keras("x, indices_or_sections, axis=0", Shaping::split, "Split");
    keras("x, indices_or_sections, axis=0", Shaping::split, "ArraySplit");
    tensorFlow("value>x, num_or_size_splits, axis=0, num=None", Shaping::splitBySizes, "split");
    keras("x, repeats", Function.of(Shaping::tile), "Tile");
    tensorFlow("input>x, multiples>repeats", Function.of(Shaping::tile), "tile");
    Function repeat = Function.of(Shaping::repeat);
    keras("x, repeats, axis=None", repeat, "Repeat");
    tensorFlow("input>x, repeats, axis=None", repeat, "repeat");
    Function broadcast = Function.of(Shaping::broadcastTo);
    keras("x, shape", broadcast, "BroadcastTo");
    tensorFlow("input>x, shape", broadcast, "broadcast_to");
    keras(
        "x, pad_width, mode=\"constant\", constant_values=None", Function.of(Shaping::pad), "Pad");
    tensorFlow(
        "tensor>x, paddings>pad_width, mode=\"CONSTANT\", constant_values=0",
        Function.of(Shaping::pad),
        "compat.v1.pad",
        "pad");
    tensorFlow("x, shape", Function.of((tf, in) -> tf.identity(in.tensor("x"))), "ensure_shape");
  }

  /** The last axis of what has to have two. */
  static int matrixAxis(BoundArguments in, Operand<?> x) {
    if (Tensors.rank(x) < 2) {
      throw in.error("its input has shape %s, expected at least two axes".formatted(x.shape()));
    }
    return Tensors.rank(x) - 1;
  }

  private static Operand<?> reshape(Ops tf, BoundArguments in) {
    Operand<TNumber> x = in.tensor("x");
    if (in.argument("shape").tensors().isEmpty()) {
      int[] known = in.openSizes("shape");
      long open = Arrays.stream(known).filter(size -> size == -1).count();
      long rest =
          Arrays.stream(known).asLongStream().filter(size -> size != -1).reduce(1, (a, b) -> a * b);
      long there = x.shape().size();
      boolean fits =
          there == Shape.UNKNOWN_SIZE
              || (open == 0 ? rest == there : rest == 0 || there % rest == 0);
      if (open > 1 || !fits) {
        throw in.error(
            ("shape %s does not fit its input of shape %s; expected as many elements, at most one"
                    + " size left open")
                .formatted(Arrays.toString(known), x.shape()));
      }
      return tf.reshape(x, tf.constant(known));
    }
    return tf.reshape(x, Tensors.pack(tf, in.sizes("shape")));
  }

  private static Operand<?> expandDims(Ops tf, BoundArguments in) {
    Operand<TNumber> x = in.tensor("x");
    int rank = Tensors.rank(x) + in.parts("axis").size();
    int[] axes = in.axes("axis", x, rank);
    Arrays.sort(axes);
    Operand<TNumber> y = x;
    for (int axis : axes) {
      y = any(tf.expandDims(y, tf.constant(axis)));
    }
    return y;
  }

  private static Operand<?> squeeze(Ops tf, BoundArguments in) {
    Operand<TNumber> x = in.tensor("x");
    String name =
        in.isNone("axis") && in.values().containsKey("squeeze_dims") ? "squeeze_dims" : "axis";
    Shape shape = x.shape();
    int[] axes =
        in.isNone(name)
            ? IntStream.range(0, Tensors.rank(x)).filter(axis -> shape.get(axis) == 1).toArray()
            : in.axes(name, x);
    for (int axis : axes) {
      if (shape.get(axis) != 1 && Tensors.isKnown(shape.get(axis))) {
        throw in.error(
            "axis %d of its input of shape %s cannot be left out, as its size is not 1"
                .formatted(axis, shape));
      }
    }
    if (axes.length == 0) {
      return tf.identity(x);
    }
    return tf.squeeze(x, Squeeze.axis(Arrays.stream(axes).asLongStream().boxed().toList()));
  }

  /** Leaves out an axis of size 1. */
  static Operand<TNumber> drop(Ops tf, Operand<TNumber> x, int axis) {
    return any(tf.squeeze(x, Squeeze.axis(List.of((long) axis))));
  }

  private static Operand<?> transpose(Ops tf, BoundArguments in) {
    Operand<TNumber> x = in.tensor("x");
    int rank = Tensors.rank(x);
    int[] axes =
        in.isNone("axes")
            ? IntStream.range(0, rank).map(axis -> rank - 1 - axis).toArray()
            : in.axes("axes", x);
    if (axes.length != rank) {
      throw in.error(
          "axes %s, expected one for each axis of its input of shape %s"
              .formatted(Arrays.toString(axes), x.shape()));
    }
    return tf.linalg.transpose(x, tf.constant(axes));
  }

  static Operand<TNumber> swap(Ops tf, Operand<TNumber> x, int one, int other) {
    int[] axes = IntStream.range(0, Tensors.rank(x)).toArray();
    axes[one] = other;
    axes[other] = one;
    return one == other ? x : any(tf.linalg.transpose(x, tf.constant(axes)));
  }

  /** Moves an axis to another place, the others keeping their order. */
  static Operand<TNumber> move(Ops tf, Operand<TNumber> x, int from, int to) {
    List<Integer> order = new ArrayList<>(IntStream.range(0, Tensors.rank(x)).boxed().toList());
    order.add(to, order.remove(from));
    return from == to
        ? x
        : any(tf.linalg.transpose(x, tf.constant(order.stream().mapToInt(i -> i).toArray())));
  }

  private static Operand<?> moveAxes(Ops tf, BoundArguments in) {
    Operand<TNumber> x = in.tensor("x");
    int[] source = in.axes("source", x);
    int[] destination = in.axes("destination", x);
    if (source.length != destination.length) {
      throw in.error(
          "source %s and destination %s, expected as many of both"
              .formatted(Arrays.toString(source), Arrays.toString(destination)));
    }
    int rank = Tensors.rank(x);
    int[] order = new int[rank];
    Arrays.fill(order, -1);
    for (int i = 0; i < source.length; i++) {
      order[destination[i]] = source[i];
    }
    int[] rest =
        IntStream.range(0, rank)
            .filter(axis -> Arrays.stream(source).noneMatch(moved -> moved == axis))
            .toArray();
    int next = 0;
    for (int axis = 0; axis < rank; axis++) {
      if (order[axis] == -1) {
        order[axis] = rest[next++];
      }
    }
    return tf.linalg.transpose(x, tf.constant(order));
  }

  /** By gathering, which has a gradient in TensorFlow's C++ library; Roll has none there. */
  private static Operand<?> roll(Ops tf, BoundArguments in) {
    Operand<TNumber> x = in.tensor("x");
    int[] shifts = in.integers("shift");
    if (in.isNone("axis")) {
      Operand<TNumber> flat = any(tf.reshape(x, tf.array(-1)));
      return tf.reshape(roll(tf, flat, Arrays.stream(shifts).sum(), 0), tf.shape(x));
    }
    int[] axes =
        Arrays.stream(in.integers("axis"))
            .map(axis -> in.axis("axis", axis, x, Tensors.rank(x)))
            .toArray();
    if (shifts.length != axes.length && shifts.length != 1) {
      throw in.error(
          "%d shifts along %d axes, expected one for each".formatted(shifts.length, axes.length));
    }
    Operand<TNumber> y = x;
    for (int i = 0; i < axes.length; i++) {
      y = roll(tf, y, shifts[shifts.length == 1 ? 0 : i], axes[i]);
    }
    return y;
  }

  private static Operand<TNumber> roll(Ops tf, Operand<TNumber> x, int shift, int axis) {
    Operand<TInt32> size = Tensors.size(tf, x, axis);
    Operand<TInt32> places = tf.range(tf.constant(0), size, tf.constant(1));
    Operand<TInt32> from = tf.math.floorMod(tf.math.sub(places, tf.constant(shift)), size);
    return any(tf.gather(x, from, tf.constant(axis)));
  }

  private static Operand<?> concatenate(Ops tf, BoundArguments in) {
    List<Operand<TNumber>> xs = in.promotedList("xs");
    int axis = in.axis("axis", xs.get(0));
    requireEqualShapes(in, xs, axis);
    return xs.size() == 1 ? tf.identity(xs.get(0)) : tf.concat(xs, tf.constant(axis));
  }

  /** Throws unless shapes are equal but for an axis; −1 for none. */
  private static void requireEqualShapes(BoundArguments in, List<Operand<TNumber>> xs, int except) {
    Shape first = xs.get(0).shape();
    for (Operand<TNumber> x : xs) {
      Shape shape = x.shape();
      boolean fits = shape.numDimensions() == first.numDimensions();
      for (int axis = 0; fits && axis < first.numDimensions(); axis++) {
        long a = shape.get(axis);
        long b = first.get(axis);
        fits = axis == except || a == b || !Tensors.isKnown(a) || !Tensors.isKnown(b);
      }
      if (!fits) {
        throw in.error(
            "cannot join tensors of shapes %s%s"
                .formatted(
                    xs.stream().map(Operand::shape).toList(),
                    except < 0
                        ? "; expected equal shapes"
                        : " along axis " + except + "; expected equal shapes but for that axis"));
      }
    }
  }

  private static Operand<?> stack(Ops tf, BoundArguments in) {
    List<Operand<TNumber>> xs = in.promotedList("xs");
    int axis = in.axis("axis", xs.get(0), Tensors.rank(xs.get(0)) + 1);
    requireEqualShapes(in, xs, -1);
    return tf.stack(xs, Stack.axis((long) axis));
  }

  /** Joins along an axis what has at least some rank; of vectors there is only the first axis. */
  private static Operand<?> join(Ops tf, BoundArguments in, int rank, int axis) {
    List<Operand<TNumber>> xs =
        in.promotedList("xs").stream().map(x -> atLeast(tf, x, rank)).toList();
    int along = Math.min(axis, Tensors.rank(xs.get(0)) - 1);
    requireEqualShapes(in, xs, along);
    return tf.concat(xs, tf.constant(along));
  }

  /** As NumPy's {@code atleast_1d} and its kin. */
  private static Operand<TNumber> atLeast(Ops tf, Operand<TNumber> x, int rank) {
    Operand<TNumber> y = x;
    while (Tensors.rank(y) < Math.min(rank, 2)) {
      y = any(tf.expandDims(y, tf.constant(0)));
    }
    while (Tensors.rank(y) < rank) {
      y = any(tf.expandDims(y, tf.constant(-1)));
    }
    return y;
  }

  private static List<? extends Operand<?>> unstack(Ops tf, BoundArguments in) {
    Operand<TNumber> x = in.tensor("x");
    int axis = in.axis("axis", x);
    return tf.unstack(x, (long) knownSize(in, x, axis), Unstack.axis((long) axis)).output();
  }

  /** The size along an axis, which has to be known. */
  static int knownSize(BoundArguments in, Operand<?> x, int axis) {
    long size = x.shape().get(axis);
    if (!Tensors.isKnown(size)) {
      throw in.error(
          "axis %d of its input of shape %s has to have a known size".formatted(axis, x.shape()));
    }
    return Math.toIntExact(size);
  }

  private static List<? extends Operand<?>> split(Ops tf, BoundArguments in) {
    Operand<TNumber> x = in.tensor("x");
    int axis = in.axis("axis", x);
    if (!in.isList("indices_or_sections")) {
      return splitEqually(tf, in, x, axis, in.integer("indices_or_sections"));
    }
    int[] starts = in.integers("indices_or_sections");
    List<Operand<?>> pieces = new ArrayList<>();
    int from = 0;
    for (int start : starts) {
      pieces.add(slice(tf, x, axis, from, start));
      from = start;
    }
    pieces.add(slice(tf, x, axis, from, Integer.MAX_VALUE));
    return pieces;
  }

  private static List<? extends Operand<?>> splitEqually(
      Ops tf, BoundArguments in, Operand<TNumber> x, int axis, int pieces) {
    long size = x.shape().get(axis);
    if (pieces < 1 || (Tensors.isKnown(size) && size % pieces != 0)) {
      throw in.error(
          "cannot cut its input of shape %s into %d equal pieces along axis %d"
              .formatted(x.shape(), pieces, axis));
    }
    return tf.split(tf.constant(axis), x, (long) pieces).output();
  }

  private static List<? extends Operand<?>> splitBySizes(Ops tf, BoundArguments in) {
    Operand<TNumber> x = in.tensor("x");
    int axis = in.axis("axis", x);
    if (!in.isList("num_or_size_splits")) {
      return splitEqually(tf, in, x, axis, in.integer("num_or_size_splits"));
    }
    int[] sizes = in.integers("num_or_size_splits");
    int known = Arrays.stream(sizes).filter(size -> size >= 0).sum();
    if (Arrays.stream(sizes).anyMatch(size -> size < 0)) {
      int open = knownSize(in, x, axis) - known;
      sizes = Arrays.stream(sizes).map(size -> size < 0 ? open : size).toArray();
    }
    long there = x.shape().get(axis);
    if (Tensors.isKnown(there) && Arrays.stream(sizes).sum() != there) {
      throw in.error(
          "sizes %s do not make up axis %d of its input of shape %s"
              .formatted(Arrays.toString(sizes), axis, x.shape()));
    }
    List<Operand<?>> pieces = new ArrayList<>();
    int from = 0;
    for (int size : sizes) {
      pieces.add(slice(tf, x, axis, from, from + size));
      from += size;
    }
    return pieces;
  }

  /** What lies along an axis from a place up to, without it, another. */
  static Operand<TNumber> slice(Ops tf, Operand<TNumber> x, int axis, int from, int to) {
    int[] begin = new int[axis + 1];
    int[] end = new int[axis + 1];
    int[] steps = new int[axis + 1];
    Arrays.fill(steps, 1);
    begin[axis] = from;
    end[axis] = to;
    long whole = (1L << axis) - 1;
    return any(
        tf.stridedSlice(
            x,
            tf.constant(begin),
            tf.constant(end),
            tf.constant(steps),
            StridedSlice.beginMask(whole),
            StridedSlice.endMask(to == Integer.MAX_VALUE ? whole | (1L << axis) : whole)));
  }

  private static Operand<?> tile(Ops tf, BoundArguments in) {
    Operand<TNumber> x = in.tensor("x");
    List<Operand<TInt32>> repeats = new ArrayList<>(in.sizes("repeats"));
    if (in.isTensorFlow() && repeats.size() != Tensors.rank(x)) {
      throw in.error(
          "%d repeats, expected one for each axis of its input of shape %s"
              .formatted(repeats.size(), x.shape()));
    }
    while (repeats.size() < Tensors.rank(x)) { // Keras repeats along the last axes then,
      repeats.add(0, tf.constant(1));
    }
    while (Tensors.rank(x) < repeats.size()) { // or adds axes in front.
      x = any(tf.expandDims(x, tf.constant(0)));
    }
    return tf.tile(x, constantOr(tf, in, "repeats", repeats));
  }

  private static Operand<TInt32> constantOr(
      Ops tf, BoundArguments in, String name, List<Operand<TInt32>> sizes) {
    if (in.argument(name).tensors().isEmpty()) {
      int[] all = new int[sizes.size()];
      Arrays.fill(all, 1);
      int[] given = in.integers(name);
      System.arraycopy(given, 0, all, all.length - given.length, given.length);
      return tf.constant(all);
    }
    return Tensors.pack(tf, sizes);
  }

  private static Operand<?> repeat(Ops tf, BoundArguments in) {
    Operand<TNumber> x = in.tensor("x");
    boolean flat = in.isNone("axis");
    if (flat) {
      x = any(tf.reshape(x, tf.array(-1)));
    }
    int axis = flat ? 0 : in.axis("axis", x);
    int[] repeats = in.integers("repeats");
    if (Arrays.stream(repeats).anyMatch(count -> count < 0)) {
      throw in.error("repeats = %s, expected none below 0".formatted(Arrays.toString(repeats)));
    }
    if (repeats.length == 1) {
      return repeatEach(tf, x, axis, repeats[0]);
    }
    if (repeats.length != knownSize(in, x, axis)) {
      throw in.error(
          ("%d repeats, expected one, or one for each element along axis %d of its input of"
                  + " shape %s")
              .formatted(repeats.length, axis, x.shape()));
    }
    int[] places =
        IntStream.range(0, repeats.length)
            .flatMap(place -> IntStream.generate(() -> place).limit(repeats[place]))
            .toArray();
    return tf.gather(x, tf.constant(places), tf.constant(axis));
  }

  private static Operand<?> repeatEach(Ops tf, Operand<TNumber> x, int axis, int count) {
    int[] multiples = new int[Tensors.rank(x) + 1];
    Arrays.fill(multiples, 1);
    multiples[axis + 1] = count;
    Operand<TNumber> tiled =
        any(tf.tile(any(tf.expandDims(x, tf.constant(axis + 1))), tf.constant(multiples)));
    List<Operand<TInt32>> sizes = Tensors.sizes(tf, x);
    sizes.set(axis, tf.math.mul(sizes.get(axis), tf.constant(count)));
    return tf.reshape(tiled, Tensors.pack(tf, sizes));
  }

  private static Operand<?> broadcastTo(Ops tf, BoundArguments in) {
    Operand<TNumber> x = in.tensor("x");
    List<Operand<TInt32>> sizes = in.sizes("shape");
    return tf.broadcastTo(
        x,
        in.argument("shape").tensors().isEmpty()
            ? tf.constant(in.integers("shape"))
            : Tensors.pack(tf, sizes));
  }

  private static Operand<?> pad(Ops tf, BoundArguments in) {
    Operand<TNumber> x = in.tensor("x");
    int rank = Tensors.rank(x);
    int[][] widths = in.integerLists("pad_width");
    if (!in.isList("pad_width")) {
      widths = new int[][] {{widths[0][0], widths[0][0]}};
    } else if (Stream.of(widths).allMatch(width -> width.length == 1) && widths.length == 2) {
      widths = new int[][] {{widths[0][0], widths[1][0]}};
    }
    if (widths.length == 1) {
      int[][] one = widths;
      widths = IntStream.range(0, rank).mapToObj(axis -> one[0]).toArray(int[][]::new);
    }
    if (widths.length != rank || Stream.of(widths).anyMatch(width -> width.length != 2)) {
      throw in.error(
          "pad_width = %s, expected (before, after) for each axis of its input of shape %s"
              .formatted(Arrays.deepToString(widths), x.shape()));
    }
    int[][] given = widths;
    Operand<TInt32> paddings =
        tf.reshape(
            tf.constant(Stream.of(given).flatMapToInt(Arrays::stream).toArray()),
            tf.array(rank, 2));
    String mode = in.text("mode").toUpperCase(Locale.ROOT);
    return switch (mode) {
      case "CONSTANT" ->
          tf.pad(
              x,
              paddings,
              in.isNone("constant_values")
                  ? Tensors.scalar(tf, 0, x)
                  : in.like("constant_values", x));
      case "REFLECT", "SYMMETRIC" -> tf.mirrorPad(as(x), paddings, mode);
      default ->
          throw in.error(
              "mode = \"%s\", expected constant, reflect or symmetric".formatted(in.text("mode")));
    };
  }
}
