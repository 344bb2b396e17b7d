package io.github.kpconvx.layer;

import java.util.List;
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
    // A coordinate that is no number is near no kernel point: its neighbours would be silently
    // ignored.
    Op finite = tf.debugging.checkNumerics(x, "X holds a coordinate that is not finite");
    return inRange(tf.withControlDependencies(finite), n);
  }

  private static Op sameShape(
      Ops tf, Operand<TFloat32> x, Operand<TFloat32> f, Operand<? extends TNumber> n) {
    Operand<TInt32> ofX = batchAndPoints(tf, x);
    Operand<TInt32> ofF = batchAndPoints(tf, f);
    Operand<TInt32> ofN = batchAndPoints(tf, n);
    Operand<TBool> agree =
        tf.math.logicalAnd(all(tf, tf.math.equal(ofX, ofF)), all(tf, tf.math.equal(ofX, ofN)));
    return require(
        tf,
        agree,
        "X, F and N disagree in (B, R): X has {}, F has {}, N has {}",
        List.of(ofX, ofF, ofN));
  }

  private static <T extends TNumber> Operand<T> inRange(Ops tf, Operand<T> n) {
    Operand<T> indices = tf.identity(n);
    Operand<TInt32> shape = tf.shape(indices);
    Operand<TInt32> points = tf.stridedSlice(shape, Indices.at(1));
    Operand<T> bound = tf.dtypes.cast(points, n.type());
    Operand<T> zero = tf.dtypes.cast(tf.constant(0), n.type());
    Operand<T> flat = tf.reshape(indices, tf.constant(new int[] {-1}));
    Operand<TBool> outside =
        tf.math.logicalOr(tf.math.less(flat, zero), tf.math.greaterEqual(flat, bound));
    Operand<TBool> anyOutside = tf.reduceAny(outside, tf.constant(0));
    // With no neighbour at all there is no first one: a leading zero keeps the search defined.
    Operand<TInt32> marks =
        tf.concat(
            List.of(tf.dtypes.cast(outside, TInt32.class), tf.constant(new int[] {0})),
            tf.constant(0));
    Operand<TInt32> first = tf.math.argMax(marks, tf.constant(0), TInt32.class);
    Operand<T> padded =
        tf.concat(List.of(flat, tf.expandDims(zero, tf.constant(0))), tf.constant(0));
    Operand<TInt32> one = tf.constant(1);
    Operand<TInt32> slots = tf.math.maximum(tf.stridedSlice(shape, Indices.at(2)), one);
    Operand<TInt32> perElement = tf.math.maximum(tf.math.mul(points, slots), one);
    Operand<TInt32> place =
        tf.stack(
            List.of(
                tf.math.floorDiv(first, perElement),
                tf.math.floorDiv(tf.math.floorMod(first, perElement), slots),
                tf.math.floorMod(first, slots)));
    Op valid =
        require(
            tf,
            tf.math.logicalNot(anyOutside),
            "neighbour index {} at (batch element, point, slot) = {} is outside [0, R) with R = {}",
            List.of(tf.gather(padded, first, tf.constant(0)), place, points));
    return tf.withControlDependencies(valid).identity(indices);
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
