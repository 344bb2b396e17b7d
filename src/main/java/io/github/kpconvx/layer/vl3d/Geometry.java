package io.github.kpconvx.layer.vl3d;

import static io.github.kpconvx.layer.Operands.floats;
import static io.github.kpconvx.layer.Operands.integers;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Unstack;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TNumber;

/**
 * What the places of points say about their neighbours: for each of the κ slots of P points the
 * nearest kernel point k_j and its influence h_j. The same in every block.
 *
 * @param nearest k (P, κ)
 * @param influence h (P, κ)
 */
record Geometry(Operand<TInt32> nearest, Operand<TFloat32> influence) {
  /**
   * No coordinate is farther away: the sum of its squares stays finite, so that the difference of
   * two such sums is a number.
   */
  private static final float FARTHEST = 1e19f;

  /**
   * Computes it step by step.
   *
   * @param tf the operations of the graph that is added to
   * @param x coordinates (P, 3)
   * @param neighbours rows of x (P, κ)
   * @param q kernel points (m_q, 3)
   * @param sigma influence distance
   */
  static <T extends TNumber> Geometry of(
      Ops tf, Operand<TFloat32> x, Operand<T> neighbours, Operand<TFloat32> q, double sigma) {
    Operand<TInt32> zero = tf.constant(0);
    Operand<TFloat32> y =
        tf.math.sub(tf.gather(x, neighbours, zero), tf.expandDims(x, tf.constant(1)));
    Operand<TFloat32> squares = squares(tf, y, q);
    Operand<TInt32> nearest = tf.math.argMin(squares, tf.constant(2), TInt32.class);
    Operand<TFloat32> away = tf.math.sub(y, tf.gather(q, nearest, zero));
    Operand<TFloat32> square = tf.reduceSum(tf.math.square(away), tf.constant(2));
    return new Geometry(nearest, influence(tf, square, sigma));
  }

  /**
   * The squared distances of points to kernel points, summed one coordinate at a time: no tensor of
   * shape (…, m_q, 3).
   *
   * @param tf the operations of the graph that is added to
   * @param y points (P, κ, 3)
   * @param q kernel points (m_q, 3)
   * @return squares (P, κ, m_q)
   */
  static Operand<TFloat32> squares(Ops tf, Operand<TFloat32> y, Operand<TFloat32> q) {
    List<? extends Operand<TFloat32>> ofY = coordinates(tf, y, 2);
    List<? extends Operand<TFloat32>> ofQ = coordinates(tf, q, 1);
    Operand<TFloat32> squares = null;
    for (int c = 0; c < 3; c++) {
      Operand<TFloat32> square =
          tf.math.square(tf.math.sub(tf.expandDims(ofY.get(c), tf.constant(2)), ofQ.get(c)));
      squares = squares == null ? square : tf.math.add(squares, square);
    }
    return squares;
  }

  /**
   * Computes it of one kernel point after the other, without a tensor of shape (P, κ, m_q): for
   * kernel points that are known.
   *
   * @param tf the operations of the graph that is added to
   * @param inputs {@code x}, coordinates (P, 3); {@code n}, their neighbours' rows (P, κ) of {@code
   *     points}
   * @param q kernel points, of m_q rows of 3
   * @param sigma influence distance
   * @return {@code k} and {@code h}
   */
  static Map<String, Operand<?>> of(
      Ops tf, Map<String, Operand<?>> inputs, float[][] q, double sigma) {
    Operand<TFloat32> x = floats(inputs.get("x"));
    Operand<TFloat32> points = floats(inputs.get("points"));
    Operand<TInt32> n = integers(inputs.get("n"));
    // (3, P, κ): what is computed of one coordinate lies side by side.
    Operand<TInt32> coordinateFirst = tf.constant(new int[] {2, 0, 1});
    Operand<TFloat32> ofNeighbours =
        tf.linalg.transpose(tf.gather(points, n, tf.constant(0)), coordinateFirst);
    Operand<TFloat32> ofPoints =
        tf.linalg.transpose(tf.expandDims(x, tf.constant(1)), coordinateFirst);
    List<? extends Operand<TFloat32>> y =
        coordinates(
            tf,
            tf.clipByValue(
                tf.math.sub(ofNeighbours, ofPoints), tf.constant(-FARTHEST), tf.constant(FARTHEST)),
            0);
    Operand<TFloat32> smallest = null;
    Operand<TFloat32> nearest = tf.zerosLike(y.get(0));
    for (int k = 0; k < q.length; k++) {
      // One after the other: all that can begin would begin at once, and leave the caches.
      Ops next = k == 0 ? tf : tf.withControlDependencies(smallest, nearest);
      Operand<TFloat32> square = null;
      for (int c = 0; c < 3; c++) {
        Operand<TFloat32> term = next.math.squaredDifference(y.get(c), tf.constant(q[k][c]));
        square = square == null ? term : tf.math.add(square, term);
      }
      if (k == 0) {
        smallest = square;
        continue;
      }
      // Vector instructions throughout, unlike an argmin or a comparison: of those that were nearer
      // than all before, the last is the nearest.
      Operand<TFloat32> nearer = tf.math.sign(tf.math.sub(smallest, square));
      nearest = tf.math.maximum(nearest, tf.math.mul(nearer, tf.constant((float) k)));
      smallest = tf.math.minimum(square, smallest);
    }
    Map<String, Operand<?>> results = new LinkedHashMap<>();
    // In this order: with h first, XLA computes the distances once for each.
    results.put("k", tf.dtypes.cast(nearest, TInt32.class));
    results.put("h", influence(tf, smallest, sigma));
    return results;
  }

  /** max(0, 1 − √square / sigma). */
  static Operand<TFloat32> influence(Ops tf, Operand<TFloat32> square, double sigma) {
    // The square root has no derivative at 0, where a point is its own neighbour; the clamp makes
    // it 0 there.
    Operand<TFloat32> distance =
        tf.math.sqrt(tf.math.maximum(square, tf.constant(Float.MIN_NORMAL)));
    return tf.nn.relu(
        tf.math.sub(tf.constant(1f), tf.math.div(distance, tf.constant((float) sigma))));
  }

  private static List<? extends Operand<TFloat32>> coordinates(
      Ops tf, Operand<TFloat32> points, long axis) {
    return tf.unstack(points, 3L, Unstack.axis(axis)).output();
  }
}
