package io.github.kpconvx.layer.operation;

import static io.github.kpconvx.layer.operation.Operations.keras;
import static io.github.kpconvx.layer.operation.Operations.tensorFlow;
import static io.github.kpconvx.layer.operation.Tensors.any;
import static io.github.kpconvx.layer.operation.Tensors.as;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.kpconvx.keras.config.Json;
import io.github.kpconvx.layer.Argument;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.index.Indices;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Gather;
import org.tensorflow.op.core.StridedSlice;
import org.tensorflow.op.strings.StringFormat;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TNumber;

/**
 * Operations that pick elements: slices, and gathers whose indices are checked in the graph, as
 * TensorFlow on a GPU answers zeros for those that are out of range.
 */
final class Indexing {
  private Indexing() {}

  static void define() {
    Function item = Function.of(Indexing::getItem);
    keras("x, key", item, "GetItem");
    tensorFlow("tensor>x, slice_spec>key, var=None", item, "__operators__.getitem");
    keras("x, indices, axis=None", Function.of(Indexing::take), "Take");
    keras("x, indices, axis=None", Function.of(Indexing::takeAlongAxis), "TakeAlongAxis");
    tensorFlow(
        "params>x, indices, validate_indices=None, axis=None, batch_dims=0",
        Function.of(Indexing::gather),
        "compat.v1.gather",
        "gather");
    tensorFlow(
        "params>x, indices, batch_dims=0, bad_indices_policy=\"\"",
        Function.of(Indexing::gatherNd),
        "compat.v1.gather_nd",
        "gather_nd");
    tensorFlow(
        "tensor>x, mask, axis=None",
        Function.of(Indexing::booleanMask),
        "compat.v1.boolean_mask",
        "boolean_mask");
    Function slice = Function.of(Indexing::slice);
    keras("inputs>x, start_indices>begin, shape>size", slice, "Slice");
    tensorFlow("input_>x, begin, size", slice, "slice");
  }

  // Slices.

  /** What a strided slice is told for each axis. */
  private static final class Slices {
    private final Ops tf;
    private final List<Operand<TInt32>> begin = new ArrayList<>();
    private final List<Operand<TInt32>> end = new ArrayList<>();
    private final List<Operand<TInt32>> step = new ArrayList<>();
    private long beginMask;
    private long endMask;
    private long ellipsisMask;
    private long newAxisMask;
    private long shrinkMask;

    Slices(Ops tf) {
      this.tf = tf;
    }

    private long bit() {
      return 1L << (begin.size() - 1);
    }

    private void add(Operand<TInt32> from, Operand<TInt32> to, Operand<TInt32> by) {
      begin.add(from);
      end.add(to);
      step.add(by);
    }

    private void mark() {
      add(tf.constant(0), tf.constant(0), tf.constant(1));
    }

    void newAxis() {
      mark();
      newAxisMask |= bit();
    }

    void ellipsis() {
      mark();
      ellipsisMask |= bit();
    }

    void at(Operand<TInt32> place, boolean isLast) {
      add(place, tf.math.add(place, tf.constant(1)), tf.constant(1));
      shrinkMask |= bit();
      if (isLast) { // −1 + 1 is 0, which is before it.
        endMask |= bit();
      }
    }

    void range(Operand<TInt32> from, Operand<TInt32> to, Operand<TInt32> by) {
      Operand<TInt32> none = tf.constant(0);
      add(from == null ? none : from, to == null ? none : to, by == null ? tf.constant(1) : by);
      beginMask |= from == null ? bit() : 0;
      endMask |= to == null ? bit() : 0;
    }

    Operand<TNumber> of(Operand<TNumber> x) {
      return any(
          tf.stridedSlice(
              x,
              Tensors.pack(tf, begin),
              Tensors.pack(tf, end),
              Tensors.pack(tf, step),
              StridedSlice.beginMask(beginMask),
              StridedSlice.endMask(endMask),
              StridedSlice.ellipsisMask(ellipsisMask),
              StridedSlice.newAxisMask(newAxisMask),
              StridedSlice.shrinkAxisMask(shrinkMask)));
    }
  }

  private static Operand<?> getItem(Ops tf, BoundArguments in) {
    Operand<TNumber> x = in.tensor("x");
    if (in.isTensor("key") && Tensors.type(in.tensor("key")) == NumericType.BOOL) {
      return masked(tf, in, x, as(in.tensor("key")), 0);
    }
    Slices slices = new Slices(tf);
    int axis = 0;
    List<Argument<Operand<?>>> keys = in.parts("key");
    for (Argument<Operand<?>> key : keys) {
      axis += addKey(tf, in, x, slices, key, axis, keys);
    }
    return slices.of(x);
  }

  /** Adds what one key of {@code x[…]} says; gives how many axes of x it is for. */
  private static int addKey(
      Ops tf,
      BoundArguments in,
      Operand<TNumber> x,
      Slices slices,
      Argument<Operand<?>> key,
      int axis,
      List<Argument<Operand<?>>> keys) {
    int rank = Tensors.rank(x);
    if (key instanceof Argument.Constant<Operand<?>> constant) {
      JsonNode value = constant.value();
      if (value.isNull()) {
        slices.newAxis();
        return 0;
      }
      if (Json.text(value.path("class_name")).equals("__ellipsis__")) {
        slices.ellipsis();
        return rank - (int) keys.stream().filter(Indexing::isOfAxis).count();
      }
    }
    if (axis >= rank) {
      throw in.error(
          "%d indices for its input of shape %s, expected at most one for each axis"
              .formatted(keys.stream().filter(Indexing::isOfAxis).count(), x.shape()));
    }
    if (key instanceof Argument.Entries<Operand<?>> slice) {
      slices.range(
          bound(tf, in, slice.entries().get("start")),
          bound(tf, in, slice.entries().get("stop")),
          bound(tf, in, slice.entries().get("step")));
      return 1;
    }
    if (key instanceof Argument.Constant<Operand<?>> constant
        && Json.text(constant.value().path("class_name")).equals("__slice__")) {
      JsonNode slice = constant.value().path("config");
      slices.range(
          bound(tf, in, new Argument.Constant<>(slice.path("start"))),
          bound(tf, in, new Argument.Constant<>(slice.path("stop"))),
          bound(tf, in, new Argument.Constant<>(slice.path("step"))));
      return 1;
    }
    if (key instanceof Argument.Constant<Operand<?>>) {
      int place = in.integer("key", key);
      long size = x.shape().get(axis);
      if (Tensors.isKnown(size) && (place < -size || place >= size)) {
        throw in.error(
            "index %d is out of range for axis %d of its input of shape %s"
                .formatted(place, axis, x.shape()));
      }
      slices.at(tf.constant(place), place == -1);
      return 1;
    }
    if (key instanceof Argument.Tensor<Operand<?>> tensor
        && Tensors.rank(tensor.tensor()) == 0
        && !Tensors.isFloat(tensor.tensor())) {
      Operand<TInt32> place = Tensors.int32(tf, tensor.tensor());
      // From the front, as −1 + 1 is 0; what is out of range TensorFlow refuses.
      Operand<TInt32> size = Tensors.size(tf, x, axis);
      Operand<TInt32> wraps = tf.dtypes.cast(tf.math.less(place, tf.constant(0)), TInt32.class);
      slices.at(tf.math.add(place, tf.math.mul(wraps, size)), false);
      return 1;
    }
    throw in.error(
        "index %s, expected an integer, a slice, an ellipsis, None or a scalar of integers"
            .formatted(BoundArguments.describe(key)));
  }

  /** Whether a key is for an axis of the tensor. */
  private static boolean isOfAxis(Argument<Operand<?>> key) {
    return !(key instanceof Argument.Constant<Operand<?>> constant)
        || !(constant.value().isNull()
            || Json.text(constant.value().path("class_name")).equals("__ellipsis__"));
  }

  private static Operand<TInt32> bound(Ops tf, BoundArguments in, Argument<Operand<?>> argument) {
    if (argument == null
        || (argument instanceof Argument.Constant<Operand<?>> constant
            && (constant.value().isNull() || constant.value().isMissingNode()))) {
      return null;
    }
    return argument instanceof Argument.Tensor<Operand<?>> tensor
        ? Tensors.int32(tf, tensor.tensor())
        : tf.constant(in.integer("key", argument));
  }

  private static Operand<?> slice(Ops tf, BoundArguments in) {
    Operand<TNumber> x = in.tensor("x");
    List<Operand<TInt32>> begin = in.sizes("begin");
    List<Operand<TInt32>> size = in.sizes("size");
    if (begin.size() != Tensors.rank(x) || size.size() != Tensors.rank(x)) {
      throw in.error(
          "%d starts and %d sizes, expected one for each axis of its input of shape %s"
              .formatted(begin.size(), size.size(), x.shape()));
    }
    return tf.slice(x, Tensors.pack(tf, begin), Tensors.pack(tf, size));
  }

  private static Operand<?> booleanMask(Ops tf, BoundArguments in) {
    Operand<TNumber> x = in.tensor("x");
    int axis = in.isNone("axis") ? 0 : in.axis("axis", x);
    return masked(tf, in, x, Tensors.bool(tf, in.tensor("mask")), axis);
  }

  /** The elements along axes where a mask holds. */
  private static Operand<TNumber> masked(
      Ops tf, BoundArguments in, Operand<TNumber> x, Operand<TBool> mask, int axis) {
    int rank = Tensors.rank(mask);
    if (rank < 1 || axis + rank > Tensors.rank(x)) {
      throw in.error(
          "a mask of shape %s does not fit its input of shape %s"
              .formatted(mask.shape(), x.shape()));
    }
    List<Operand<TInt32>> sizes = new ArrayList<>(Tensors.sizes(tf, x));
    sizes.subList(axis, axis + rank).clear();
    sizes.add(axis, tf.constant(-1));
    Operand<TNumber> rows = any(tf.reshape(x, Tensors.pack(tf, sizes)));
    Operand<TInt64> places = tf.where(tf.reshape(mask, tf.array(-1)));
    Operand<TInt64> flat = tf.reshape(places, tf.array(-1));
    return any(tf.gather(rows, flat, tf.constant(axis)));
  }

  // Gathers.

  /**
   * Indices that were found to lie within a range.
   *
   * @param fromTheEnd whether −1 is the last, as in Keras; else it is out of range
   */
  static Operand<TNumber> checked(
      Ops tf,
      BoundArguments in,
      Operand<TNumber> indices,
      Operand<TInt32> size,
      boolean fromTheEnd) {
    if (Tensors.isFloat(indices) || Tensors.type(indices) == NumericType.BOOL) {
      throw in.error("indices are of type %s, expected integers".formatted(Tensors.type(indices)));
    }
    Operand<TNumber> n =
        Tensors.type(indices) == NumericType.INT64 ? indices : any(Tensors.int32(tf, indices));
    Operand<TNumber> limit = Tensors.cast(tf, size, Tensors.type(n));
    Operand<TNumber> zero = Tensors.scalar(tf, 0, n);
    Operand<TNumber> least = fromTheEnd ? any(tf.math.neg(limit)) : zero;
    Operand<TBool> fits =
        tf.math.logicalAnd(tf.math.greaterEqual(n, least), tf.math.less(n, limit));
    Operand<TInt32> all = tf.constant(IntStream.range(0, Tensors.rank(n)).toArray());
    Operand<?> message =
        tf.strings.stringFormat(
            List.of(tf.reduceMin(n, all), tf.reduceMax(n, all), least, limit),
            StringFormat.template(
                in.owner() + ": indices from {} to {}, expected from {} up to, without it, {}"),
            StringFormat.placeholder("{}"));
    Op check = tf.assertThat(tf.reduceAll(fits, all), List.of(message));
    Operand<TNumber> found = any(tf.withControlDependencies(check).identity(n));
    if (!fromTheEnd) {
      return found;
    }
    return any(
        tf.math.add(
            found, any(tf.math.mul(limit, Tensors.cast(tf, tf.math.less(found, zero), n.type())))));
  }

  private static Operand<?> take(Ops tf, BoundArguments in) {
    Operand<TNumber> x = in.tensor("x");
    if (in.isNone("axis")) {
      x = any(tf.reshape(x, tf.array(-1)));
    }
    int axis = in.isNone("axis") ? 0 : in.axis("axis", x);
    Operand<TNumber> indices =
        checked(tf, in, in.tensor("indices"), Tensors.size(tf, x, axis), true);
    return tf.gather(x, indices, tf.constant(axis));
  }

  private static Operand<?> gather(Ops tf, BoundArguments in) {
    Operand<TNumber> x = in.tensor("x");
    Operand<TNumber> indices = in.tensor("indices");
    int batch = in.integer("batch_dims");
    if (batch < 0) {
      batch += Tensors.rank(indices);
    }
    int axis = in.isNone("axis") ? batch : in.axis("axis", x);
    if (batch < 0 || batch > Math.min(Tensors.rank(indices), axis)) {
      throw in.error(
          "batch_dims = %d, expected at most the axis %d and the rank of the indices of shape %s"
              .formatted(batch, axis, indices.shape()));
    }
    return tf.gather(
        x,
        checked(tf, in, indices, Tensors.size(tf, x, axis), false),
        tf.constant(axis),
        Gather.batchDims((long) batch));
  }

  /**
   * As a gather over rows of its batches: only one index among x's axis for each element, the other
   * axes being fitted to each other.
   */
  private static Operand<?> takeAlongAxis(Ops tf, BoundArguments in) {
    Operand<TNumber> x = in.tensor("x");
    Operand<TNumber> indices = in.tensor("indices");
    if (in.isNone("axis")) {
      x = any(tf.reshape(x, tf.array(-1)));
    }
    int rank = Tensors.rank(x);
    if (Tensors.rank(indices) != rank) {
      throw in.error(
          "indices of shape %s, expected as many axes as its input of shape %s"
              .formatted(indices.shape(), x.shape()));
    }
    int axis = in.isNone("axis") ? 0 : in.axis("axis", x);
    Operand<TNumber> found = checked(tf, in, indices, Tensors.size(tf, x, axis), true);
    return along(tf, x, found, axis);
  }

  /** The elements of x that indices tell along an axis; their other axes fit each other. */
  static Operand<TNumber> along(Ops tf, Operand<TNumber> x, Operand<TNumber> indices, int axis) {
    int rank = Tensors.rank(x);
    // Indices that are the same along the axes behind need not be repeated: whole rows are taken.
    boolean ofRows = true;
    for (int d = axis + 1; d < rank; d++) {
      ofRows &= indices.shape().get(d) == 1;
    }
    boolean batchesFit = true;
    for (int d = 0; d < axis; d++) {
      batchesFit &=
          indices.shape().get(d) == x.shape().get(d)
              && (d == 0 || Tensors.isKnown(x.shape().get(d)));
    }
    if (ofRows && batchesFit && axis + 1 < rank) {
      List<Operand<TInt32>> leading = Tensors.sizes(tf, indices).subList(0, axis + 1);
      Operand<TNumber> rows = any(tf.reshape(indices, Tensors.pack(tf, leading)));
      return any(tf.gather(x, rows, tf.constant(axis), Gather.batchDims((long) axis)));
    }
    Operand<TInt32> one = tf.constant(1);
    List<Operand<TInt32>> ofX = Tensors.sizes(tf, x);
    List<Operand<TInt32>> ofIndices = Tensors.sizes(tf, indices);
    Operand<TInt32> size = ofX.set(axis, one);
    Operand<TInt32> count = ofIndices.set(axis, one);
    List<Operand<TInt32>> common = new ArrayList<>();
    for (int d = 0; d < rank; d++) {
      common.add(d == axis ? one : commonSize(tf, x, indices, d));
    }
    List<Operand<TInt32>> wideX = new ArrayList<>(common);
    wideX.set(axis, size);
    List<Operand<TInt32>> wideIndices = new ArrayList<>(common);
    wideIndices.set(axis, count);
    Operand<TNumber> values = Shaping.move(tf, fitted(tf, x, indices, wideX, axis), axis, rank - 1);
    Operand<TNumber> places =
        Shaping.move(tf, fitted(tf, indices, x, wideIndices, axis), axis, rank - 1);
    Operand<TNumber> picked =
        any(tf.gather(values, places, tf.constant(rank - 1), Gather.batchDims((long) rank - 1)));
    return Shaping.move(tf, picked, rank - 1, axis);
  }

  private static Operand<TInt32> commonSize(
      Ops tf, Operand<TNumber> x, Operand<TNumber> indices, int axis) {
    long a = x.shape().get(axis);
    long b = indices.shape().get(axis);
    if (Tensors.isKnown(a) && a != 1) {
      return Tensors.size(tf, x, axis);
    }
    return (Tensors.isKnown(b) && b != 1) || a == 1
        ? Tensors.size(tf, indices, axis)
        : b == 1
            ? Tensors.size(tf, x, axis)
            : tf.math.maximum(Tensors.size(tf, x, axis), Tensors.size(tf, indices, axis));
  }

  /** A tensor of given sizes, which it may have already. */
  private static Operand<TNumber> fitted(
      Ops tf, Operand<TNumber> x, Operand<TNumber> other, List<Operand<TInt32>> sizes, int except) {
    boolean fits = true;
    for (int d = 0; d < Tensors.rank(x); d++) {
      long a = x.shape().get(d);
      fits &= d == except || (Tensors.isKnown(a) && (a != 1 || other.shape().get(d) == 1));
    }
    return fits ? x : any(tf.broadcastTo(x, Tensors.pack(tf, sizes)));
  }

  private static Operand<?> gatherNd(Ops tf, BoundArguments in) {
    Operand<TNumber> x = in.tensor("x");
    Operand<TNumber> indices = in.tensor("indices");
    int batch = in.integer("batch_dims");
    int last = Tensors.rank(indices) - 1;
    int depth = last < 0 ? -1 : Shaping.knownSize(in, indices, last);
    if (batch < 0 || batch > last || depth < 1 || batch + depth > Tensors.rank(x)) {
      throw in.error(
          "indices of shape %s and batch_dims %d do not fit its input of shape %s"
              .formatted(indices.shape(), batch, x.shape()));
    }
    // A place along all the axes at once, among the rows that they make.
    List<Operand<TInt32>> sizes = Tensors.sizes(tf, x);
    Operand<TNumber> place = null;
    for (int d = 0; d < depth; d++) {
      Operand<TInt32> size = sizes.get(batch + d);
      Operand<TNumber> part =
          checked(
              tf,
              in,
              any(tf.stridedSlice(indices, Indices.ellipsis(), Indices.at(d))),
              size,
              false);
      place =
          place == null
              ? part
              : any(
                  tf.math.add(any(tf.math.mul(place, Tensors.cast(tf, size, part.type()))), part));
    }
    List<Operand<TInt32>> flat = new ArrayList<>(sizes);
    Operand<TInt32> rows = flat.get(batch);
    for (int d = 1; d < depth; d++) {
      rows = tf.math.mul(rows, flat.get(batch + d));
    }
    flat.subList(batch, batch + depth).clear();
    flat.add(batch, rows);
    Operand<TNumber> values = depth == 1 ? x : any(tf.reshape(x, Tensors.pack(tf, flat)));
    return tf.gather(values, place, tf.constant(batch), Gather.batchDims((long) batch));
  }
}
