package io.github.kpconvx.layer.vl3d;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.index.Indices;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.strings.StringFormat;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TNumber;

/**
 * Checks inside the graph what is only known when it runs: that X, F and N agree in batch and
 * points, and that every neighbour index is a point's.
 *
 * <p>Without it a GPU gather would return zeros for a wrong index, and a disagreeing R could
 * broadcast.
 */
final class InputGuard {
  private InputGuard() {}

  /** Returns N, to be used only after the checks have passed. */
  static <T extends TNumber> Operand<T> check(
      Ops tf, Operand<TFloat32> x, Operand<TFloat32> f, Operand<T> n) {
    return neighbours(tf.withControlDependencies(sameShape(tf, x, f, n)), x, n);
  }

  /** Returns F, to be used only after X, F and N were found to agree. */
  static Operand<TFloat32> features(
      Ops tf, Operand<TFloat32> x, Operand<TFloat32> f, Operand<? extends TNumber> n) {
    return tf.withControlDependencies(sameShape(tf, x, f, n)).identity(f);
  }

  /** Returns N, to be used only after its indices and the coordinates were checked. */
  static <T extends TNumber> Operand<T> neighbours(Ops tf, Operand<TFloat32> x, Operand<T> n) {
    return inRange(tf.withControlDependencies(finite(tf, "X", x)), n, size(tf, n), "R");
  }

  /**
   * A check that coordinates are numbers: one that is none is near no kernel point, and its
   * neighbours would be silently ignored.
   */
  static Op finite(Ops tf, String name, Operand<TFloat32> coordinates) {
    return tf.debugging.checkNumerics(coordinates, name + " holds a coordinate that is not finite");
  }

  private static Op sameShape(
      Ops tf, Operand<TFloat32> x, Operand<TFloat32> f, Operand<? extends TNumber> n) {
    return sameSizes(tf, "(B, R)", List.of("X", "F", "N"), List.of(x, f, n));
  }

  /**
   * A check that tensors agree in their first two sizes.
   *
   * @param tf the operations of the graph that is added to
   * @param sizes what these are called
   * @param names what the tensors are called
   * @param tensors the tensors, at least two
   */
  static Op sameSizes(
      Ops tf,
      String sizes,
      List<String> names,
      List<? extends Operand<? extends TNumber>> tensors) {
    List<Operand<?>> found = new ArrayList<>();
    Operand<TInt32> first = batchAndPoints(tf, tensors.get(0));
    Operand<TBool> agree = null;
    for (Operand<? extends TNumber> tensor : tensors) {
      Operand<TInt32> own = found.isEmpty() ? first : batchAndPoints(tf, tensor);
      if (!found.isEmpty()) {
        Operand<TBool> same = all(tf, tf.math.equal(first, own));
        agree = agree == null ? same : tf.math.logicalAnd(agree, same);
      }
      found.add(own);
    }
    int last = names.size() - 1;
    String template =
        String.join(", ", names.subList(0, last))
            + " and "
            + names.get(last)
            + " disagree in "
            + sizes
            + ": "
            + names.stream().map(name -> name + " has {}").collect(Collectors.joining(", "));
    return require(tf, agree, template, found);
  }

  /** A check that two tensors agree in their first size. */
  static Op sameBatch(
      Ops tf,
      List<String> names,
      Operand<? extends TNumber> first,
      Operand<? extends TNumber> second) {
    Operand<TInt32> ofFirst = tf.stridedSlice(tf.shape(first), Indices.at(0));
    Operand<TInt32> ofSecond = tf.stridedSlice(tf.shape(second), Indices.at(0));
    return require(
        tf,
        tf.math.equal(ofFirst, ofSecond),
        "%s and %s disagree in B: %s has {}, %s has {}"
            .formatted(names.get(0), names.get(1), names.get(0), names.get(1)),
        List.of(ofFirst, ofSecond));
  }

  /** The number of points of a tensor (B, R, …). */
  static Operand<TInt32> size(Ops tf, Operand<? extends TNumber> tensor) {
    return tf.stridedSlice(tf.shape(tensor), Indices.at(1));
  }

  /**
   * Returns indices, to be used only after each was found to be in [0, R).
   *
   * <p>Looks at each point's least and greatest index, and at single slots only of the first point
   * that has a wrong one: on large clouds more would cost as much as a layer's geometry.
   *
   * @param tf the operations of the graph that is added to
   * @param n indices (B, R_n, κ)
   * @param limit R
   * @param name what R is called
   */
  static <T extends TNumber> Operand<T> inRange(
      Ops tf, Operand<T> n, Operand<TInt32> limit, String name) {
    Operand<T> indices = tf.identity(n);
    Operand<TInt32> shape = tf.shape(indices);
    Operand<TInt32> points = tf.stridedSlice(shape, Indices.at(1));
    Operand<TInt32> slots = tf.stridedSlice(shape, Indices.at(2));
    Operand<TInt32> zero = tf.constant(0);
    Operand<TInt32> one = tf.constant(1);
    Operand<TInt32> count = tf.math.mul(tf.stridedSlice(shape, Indices.at(0)), points);
    Operand<T> rows = tf.reshape(indices, tf.stack(List.of(count, slots)));
    Operand<TBool> wrong =
        tf.math.logicalOr(negative(tf, tf.min(rows, one)), tooLarge(tf, tf.max(rows, one), limit));

    Operand<TInt32> row = first(tf, wrong);
    Operand<TInt32> last = tf.math.maximum(tf.math.sub(count, one), zero);
    Operand<T> slotsOfRow =
        tf.slice(
            rows,
            tf.stack(List.of(tf.math.minimum(row, last), zero)),
            tf.stack(List.of(tf.math.minimum(count, one), slots)));
    Operand<T> flat = tf.reshape(slotsOfRow, tf.constant(new int[] {-1}));
    Operand<TInt32> slot =
        first(tf, tf.math.logicalOr(negative(tf, flat), tooLarge(tf, flat, limit)));
    // With no neighbour at all there is no first one: one more value keeps the gather defined.
    Operand<T> padded =
        tf.concat(List.of(flat, tf.dtypes.cast(tf.array(0), n.type())), tf.constant(0));
    Operand<TInt32> perElement = tf.math.maximum(points, one);
    Operand<TInt32> place =
        tf.stack(
            List.of(tf.math.floorDiv(row, perElement), tf.math.floorMod(row, perElement), slot));
    Op valid =
        require(
            tf,
            tf.math.logicalNot(tf.reduceAny(wrong, zero)),
            "neighbour index {} at (batch element, point, slot) = {} is outside [0, %s) with %s = {}"
                .formatted(name, name),
            List.of(tf.gather(padded, slot, zero), place, limit));
    return tf.withControlDependencies(valid).identity(indices);
  }

  private static <T extends TNumber> Operand<TBool> negative(Ops tf, Operand<T> indices) {
    return tf.math.less(indices, tf.dtypes.cast(tf.constant(0), indices.type()));
  }

  private static <T extends TNumber> Operand<TBool> tooLarge(
      Ops tf, Operand<T> indices, Operand<TInt32> points) {
    return tf.math.greaterEqual(indices, tf.dtypes.cast(points, indices.type()));
  }

  /** The place of the first true one; where there is none, 0 or the number of conditions. */
  private static Operand<TInt32> first(Ops tf, Operand<TBool> conditions) {
    Operand<TInt32> marks =
        tf.concat(List.of(tf.dtypes.cast(conditions, TInt32.class), tf.array(0)), tf.constant(0));
    return tf.math.argMax(marks, tf.constant(0), TInt32.class);
  }

  private static Operand<TInt32> batchAndPoints(Ops tf, Operand<? extends TNumber> tensor) {
    return tf.stridedSlice(tf.shape(tensor), Indices.sliceTo(2));
  }

  private static Operand<TBool> all(Ops tf, Operand<TBool> conditions) {
    return tf.reduceAll(conditions, tf.constant(0));
  }

  private static Op require(
      Ops tf, Operand<TBool> condition, String template, List<Operand<?>> values) {
    Operand<?> message =
        tf.strings.stringFormat(
            values, StringFormat.template(template), StringFormat.placeholder("{}"));
    return tf.assertThat(condition, List.of(message));
  }
}
