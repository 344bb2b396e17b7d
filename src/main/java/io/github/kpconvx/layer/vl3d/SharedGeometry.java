package io.github.kpconvx.layer.vl3d;

import io.github.kpconvx.layer.tiling.PaddedRows;
import io.github.kpconvx.layer.tiling.Padding;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.ndarray.index.Indices;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TNumber;

/**
 * What layers of one call of a network share: those of the same X and N their checked rows, those
 * of the same kernel points and influence distance besides the {@linkplain Geometry geometry}. For
 * one graph and one thread.
 */
final class SharedGeometry {
  private final Map<Key, Rows> rows = new HashMap<>();
  private final Map<KernelKey, Geometry> kernels = new HashMap<>();

  private record Key(Output<?> x, Output<?> n, boolean padded) {}

  private record KernelKey(Output<?> neighbours, List<List<Float>> q, double sigma) {}

  /**
   * The rows of X and N.
   *
   * @param x coordinates (P, 3)
   * @param neighbours rows of x (P, κ)
   * @param batchAndPoints (B, R)
   * @param padding how the rows were padded to a number of rows that is used often
   */
  record Rows(
      Operand<TFloat32> x,
      Operand<TInt32> neighbours,
      Operand<TInt32> batchAndPoints,
      Padding padding) {

    /** κ, if it is known when the graph is built. */
    long slots() {
      return neighbours.shape().get(1);
    }

    /** κ. */
    Operand<TInt32> slots(Ops tf) {
      return tf.stridedSlice(tf.shape(neighbours), Indices.at(1));
    }

    /** How many rows there are, with padding. */
    Operand<TInt32> count(Ops tf) {
      return tf.stridedSlice(tf.shape(neighbours), Indices.at(0));
    }

    PaddedRows shape(Ops tf) {
      return new PaddedRows(padding, count(tf), slots(tf), slots());
    }
  }

  Rows rows(Ops tf, Operand<TFloat32> x, Operand<? extends TNumber> n, boolean padded) {
    return rows.computeIfAbsent(
        new Key(x.asOutput(), n.asOutput(), padded), key -> makeRows(tf, x, n, padded));
  }

  private static Rows makeRows(
      Ops tf, Operand<TFloat32> x, Operand<? extends TNumber> n, boolean padded) {
    Operand<TInt32> batchAndPoints = PointRows.batchAndPoints(tf, n);
    Operand<TInt32> checked = tf.dtypes.cast(InputGuard.neighbours(tf, x, n), TInt32.class);
    Padding padding =
        padded ? Padding.of(tf, tf.reduceProd(batchAndPoints, tf.constant(0))) : Padding.NONE;
    Operand<TInt32> neighbours = padding.pad(tf, PointRows.neighbours(tf, checked));
    return new Rows(
        padding.pad(tf, PointRows.matrix(tf, x, 3)), neighbours, batchAndPoints, padding);
  }

  Geometry geometry(Rows ofPoints, float[][] q, double sigma, Supplier<Geometry> make) {
    List<List<Float>> points =
        Arrays.stream(q).map(point -> List.of(point[0], point[1], point[2])).toList();
    return kernels.computeIfAbsent(
        new KernelKey(ofPoints.neighbours().asOutput(), points, sigma), key -> make.get());
  }
}
