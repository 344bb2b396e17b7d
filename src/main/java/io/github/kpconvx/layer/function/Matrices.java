package io.github.kpconvx.layer.function;

import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/** Matrices that several kinds of Keras's objects make use of. */
public final class Matrices {
  private Matrices() {}

  /**
   * The identity.
   *
   * @param tf the operations of the graph that is added to
   * @param n how many rows and columns it has, at least 1
   * @return a matrix (n, n)
   */
  public static Operand<TFloat32> identity(Ops tf, int n) {
    return diagonal(tf, n, n, 1);
  }

  /** A matrix with one value all along its diagonal, and 0 elsewhere. */
  static Operand<TFloat32> diagonal(Ops tf, int rows, int columns, float value) {
    return tf.linalg.matrixDiag(
        tf.fill(tf.array(Math.min(rows, columns)), tf.constant(value)),
        tf.constant(0),
        tf.constant(rows),
        tf.constant(columns),
        tf.constant(0f));
  }
}
