package io.github.kpconvx.layer;

import io.github.kpconvx.keras.config.NumberArray;
import java.util.List;
import java.util.function.UnaryOperator;
import org.tensorflow.Operand;
import org.tensorflow.OperationBuilder;
import org.tensorflow.ndarray.index.Indices;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TNumber;
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
   * A number of the type of another operand.
   *
   * @param tf the operations of the graph that is added to
   * @param value the number
   * @param like what it is computed with
   * @param <T> the type of that
   * @return a scalar
   */
  public static <T extends TNumber> Operand<T> scalar(Ops tf, double value, Operand<T> like) {
    return like.type().equals(TFloat32.class)
        ? of(like.type(), tf.constant((float) value))
        : tf.dtypes.cast(tf.constant(value), like.type());
  }

  /**
   * Numbers of a configuration as a tensor.
   *
   * @param tf the operations of the graph that is added to
   * @param numbers the numbers
   * @param type the type of the tensor
   * @param <T> the same
   * @return the tensor, of their shape
   */
  public static <T extends TNumber> Operand<T> array(Ops tf, NumberArray numbers, Class<T> type) {
    return tf.dtypes.cast(
        tf.reshape(tf.constant(numbers.values()), tf.constant(numbers.shape())), type);
  }

  /**
   * One value where a condition holds, else another; the three stretch to one shape. A value that
   * is not taken, be it NaN, has a gradient of 0.
   *
   * @param tf the operations of the graph that is added to
   * @param condition which to take
   * @param x the value where it holds
   * @param y the value elsewhere
   * @param <T> the type of the values
   * @return the selected values
   */
  public static <T extends TType> Operand<T> select(
      Ops tf, Operand<TBool> condition, Operand<T> x, Operand<T> y) {
    Operand<TInt32> shape =
        tf.broadcastDynamicShape(
            tf.shape(condition), tf.broadcastDynamicShape(tf.shape(x), tf.shape(y)));
    // TensorFlow's C++ has a gradient of this operation, but none of SelectV2, which stretches.
    OperationBuilder select =
        tf.scope().env().opBuilder("Select", tf.scope().makeOpName("Select"), tf.scope());
    select.addInput(tf.broadcastTo(condition, shape).asOutput());
    select.addInput(tf.broadcastTo(x, shape).asOutput());
    select.addInput(tf.broadcastTo(y, shape).asOutput());
    return select.build().<T>output(0);
  }

  /**
   * Computes something of each row along the last axis: one operation over all rows, not one for
   * each batch element.
   *
   * @param tf the operations of the graph that is added to
   * @param x rows (…, C) of known C
   * @param columns how many columns a row has then
   * @param compute what is made of the rows (P, C), of shape (P, columns)
   * @param <T> the type of the rows
   * @return (…, columns)
   */
  public static <T extends TType> Operand<T> ofRows(
      Ops tf, Operand<T> x, int columns, UnaryOperator<Operand<T>> compute) {
    int rank = x.shape().numDimensions();
    if (rank == 2) {
      return compute.apply(x);
    }
    Operand<T> rows = compute.apply(tf.reshape(x, tf.array(-1L, x.shape().get(rank - 1))));
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
