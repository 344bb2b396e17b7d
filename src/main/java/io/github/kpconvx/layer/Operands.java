package io.github.kpconvx.layer;

import java.util.List;
import java.util.function.UnaryOperator;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.index.Indices;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TType;

/** Operands whose type is known to who asks, though not to the compiler. */
public final class Operands {
  private Operands() {}

  /**
   * An operand of float32.
   *
   * @param operand the operand
   * @return the same
   * @throws ClassCastException if it is of another type
   */
  public static Operand<TFloat32> floats(Operand<?> operand) {
    return of(TFloat32.class, operand);
  }

  /**
   * An operand of int32.
   *
   * @param operand the operand
   * @return the same
   * @throws ClassCastException if it is of another type
   */
  public static Operand<TInt32> integers(Operand<?> operand) {
    return of(TInt32.class, operand);
  }

  /**
   * Computes something of each row along the last axis: one operation over all rows, not one for
   * each batch element.
   *
   * @param tf the operations of the graph that is added to
   * @param x rows (…, C) of known C
   * @param columns how many columns a row has then
   * @param compute what is made of the rows (P, C), of shape (P, columns)
   * @return (…, columns)
   */
  public static Operand<TFloat32> ofRows(
      Ops tf, Operand<TFloat32> x, int columns, UnaryOperator<Operand<TFloat32>> compute) {
    int rank = x.shape().numDimensions();
    if (rank == 2) {
      return compute.apply(x);
    }
    Operand<TFloat32> rows = compute.apply(tf.reshape(x, tf.array(-1L, x.shape().get(rank - 1))));
    Operand<TInt32> leading = tf.stridedSlice(tf.shape(x), Indices.sliceTo(rank - 1));
    return tf.reshape(rows, tf.concat(List.of(leading, tf.array(columns)), tf.constant(0)));
  }

  @SuppressWarnings("unchecked") // The type is checked.
  private static <T extends TType> Operand<T> of(Class<T> type, Operand<?> operand) {
    if (!operand.type().equals(type)) {
      throw new ClassCastException(operand + " is no " + type.getSimpleName());
    }
    return (Operand<T>) operand;
  }
}
