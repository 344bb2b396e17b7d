package io.github.kpconvx.layer.vl3d;

import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.index.Indices;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TNumber;

/**
 * The points of all batch elements as the P = B·R rows of matrices: plain matrix products and
 * gathers along the first axis are what TensorFlow does fastest.
 */
final class PointRows {
  private PointRows() {}

  /** The first two sizes, (B, R). */
  static Operand<TInt32> batchAndPoints(Ops tf, Operand<? extends TNumber> tensor) {
    return tf.stridedSlice(tf.shape(tensor), Indices.sliceTo(2));
  }

  /** (B, R, C) as (P, C). */
  static Operand<TFloat32> matrix(Ops tf, Operand<TFloat32> tensor, long columns) {
    return tf.reshape(tensor, tf.array(-1L, columns));
  }

  /** Neighbour indices (B, R, κ) into the rows of all batch elements together, (P, κ). */
  static <T extends TNumber> Operand<T> neighbours(Ops tf, Operand<T> n) {
    return neighbours(tf, n, tf.stridedSlice(tf.shape(n), Indices.at(1)));
  }

  /**
   * Indices (B, R, κ) among other points as rows of all batch elements' other points, (P, κ).
   *
   * @param others how many other points a batch element has
   */
  static <T extends TNumber> Operand<T> neighbours(Ops tf, Operand<T> n, Operand<TInt32> others) {
    Operand<TInt32> shape = tf.shape(n);
    Operand<TInt32> batch = tf.stridedSlice(shape, Indices.at(0));
    Operand<TInt32> points = tf.stridedSlice(shape, Indices.at(1));
    Operand<TInt32> first = tf.math.mul(tf.range(tf.constant(0), batch, tf.constant(1)), others);
    Operand<T> offset =
        tf.dtypes.cast(tf.reshape(first, tf.constant(new int[] {-1, 1, 1})), n.type());
    long known = n.shape().get(2);
    Operand<TInt32> slots = tf.stridedSlice(shape, Indices.at(2));
    Operand<TInt32> flat = tf.stack(List.of(tf.math.mul(batch, points), slots));
    return tf.ensureShape(
        tf.reshape(tf.math.add(n, offset), flat), Shape.of(Shape.UNKNOWN_SIZE, known));
  }

  /** Gives (P, …) the shape (B, R, …) again. */
  static <T extends TNumber> Operand<T> restore(
      Ops tf, Operand<T> rows, Operand<TInt32> batchAndPoints) {
    Operand<TInt32> rest = tf.stridedSlice(tf.shape(rows), Indices.sliceFrom(1));
    return tf.reshape(rows, tf.concat(List.of(batchAndPoints, rest), tf.constant(0)));
  }
}
