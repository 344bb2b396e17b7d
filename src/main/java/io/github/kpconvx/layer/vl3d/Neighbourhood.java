package io.github.kpconvx.layer.vl3d;

import io.github.kpconvx.layer.SharedValues;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TNumber;

/**
 * Which points are the neighbours of which: the points of all batch elements as rows, and for each
 * centre the rows of its neighbours. Its sizes and indices were checked when it is used.
 *
 * @param points the coordinates that are gathered from, (P_a, 3)
 * @param centres the centres' coordinates, (P_b, 3)
 * @param rows for each centre the rows of its κ neighbours, (P_b, κ)
 * @param batchAndCentres (B, R_b)
 */
record Neighbourhood(
    Operand<TFloat32> points,
    Operand<TFloat32> centres,
    Operand<TInt32> rows,
    Operand<TInt32> batchAndCentres) {

  /** The neighbourhoods of one call of a network, by what they are made of. */
  private static final class Known {
    private final Map<List<Output<?>>, Neighbourhood> made = new HashMap<>();
  }

  /**
   * The neighbours of points among the points themselves.
   *
   * @param tf the operations of the graph that is added to
   * @param x coordinates (B, R, 3)
   * @param n indices (B, R, κ)
   * @param shared what layers of one call of the network share
   */
  static Neighbourhood of(
      Ops tf, Operand<TFloat32> x, Operand<? extends TNumber> n, SharedValues shared) {
    return shared
        .get(Known.class, Known::new)
        .made
        .computeIfAbsent(
            List.of(x.asOutput(), n.asOutput()),
            key -> {
              List<Op> checks = new ArrayList<>();
              checks.add(InputGuard.sameSizes(tf, "(B, R)", List.of("X", "N"), List.of(x, n)));
              checks.add(InputGuard.finite(tf, "X", x));
              return make(tf, x, x, n, "R", checks);
            });
  }

  /**
   * The neighbours of points b among points a.
   *
   * @param tf the operations of the graph that is added to
   * @param xa coordinates (B, R_a, 3)
   * @param xb coordinates (B, R_b, 3)
   * @param n indices (B, R_b, κ) of points a
   * @param shared what layers of one call of the network share
   */
  static Neighbourhood of(
      Ops tf,
      Operand<TFloat32> xa,
      Operand<TFloat32> xb,
      Operand<? extends TNumber> n,
      SharedValues shared) {
    return shared
        .get(Known.class, Known::new)
        .made
        .computeIfAbsent(
            List.of(xa.asOutput(), xb.asOutput(), n.asOutput()),
            key -> {
              List<Op> checks = new ArrayList<>();
              checks.add(InputGuard.sameBatch(tf, List.of("Xa", "Xb"), xa, xb));
              checks.add(
                  InputGuard.sameSizes(
                      tf, "(B, R_b)", List.of("Xb", "the indices"), List.of(xb, n)));
              checks.add(InputGuard.finite(tf, "Xa", xa));
              checks.add(InputGuard.finite(tf, "Xb", xb));
              return make(tf, xa, xb, n, "R_a", checks);
            });
  }

  private static <T extends TNumber> Neighbourhood make(
      Ops tf,
      Operand<TFloat32> xa,
      Operand<TFloat32> xb,
      Operand<T> n,
      String limit,
      List<Op> checks) {
    Operand<TInt32> others = InputGuard.size(tf, xa);
    Operand<T> checked = InputGuard.inRange(tf.withControlDependencies(checks), n, others, limit);
    return new Neighbourhood(
        PointRows.matrix(tf, xa, 3),
        PointRows.matrix(tf, xb, 3),
        tf.dtypes.cast(PointRows.neighbours(tf, checked, others), TInt32.class),
        PointRows.batchAndPoints(tf, n));
  }

  /**
   * The features of all batch elements as rows.
   *
   * @param tf the operations of the graph that is added to
   * @param f features (B, R_a, D)
   * @param x the coordinates of the same points (B, R_a, 3)
   * @param names what the two are called
   * @param channels D
   * @return features (P_a, D), to be used only after both were found to agree
   */
  static Operand<TFloat32> features(
      Ops tf, Operand<TFloat32> f, Operand<TFloat32> x, List<String> names, long channels) {
    Op agree = InputGuard.sameSizes(tf, "(B, R)", names, List.of(f, x));
    return PointRows.matrix(tf, tf.withControlDependencies(agree).identity(f), channels);
  }

  /** What neighbours have of rows (P_a, C): (P_b, κ, C). */
  Operand<TFloat32> gather(Ops tf, Operand<TFloat32> ofPoints) {
    return tf.gather(ofPoints, rows, tf.constant(0));
  }

  /** Where neighbours lie, as seen from their centres: (P_b, κ, 3). */
  Operand<TFloat32> offsets(Ops tf) {
    return offsets(tf, points, centres, rows);
  }

  /** The same of some centres (P, 3) and the rows of their neighbours (P, κ). */
  static Operand<TFloat32> offsets(
      Ops tf, Operand<TFloat32> points, Operand<TFloat32> centres, Operand<TInt32> rows) {
    return tf.math.sub(
        tf.gather(points, rows, tf.constant(0)), tf.expandDims(centres, tf.constant(1)));
  }
}
