package io.github.kpconvx.layer.operation;

import java.util.ArrayList;
import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.index.Indices;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TNumber;
import org.tensorflow.types.family.TType;

/**
 * Tensors of types that are known when a model is read. {@code Operand<TNumber>} stands for one of
 * any type, truth values included, as TensorFlow checks types when an operation is added.
 */
final class Tensors {
  private Tensors() {}

  @SuppressWarnings("unchecked") // The type is not used but to choose among methods.
  static Operand<TNumber> any(Operand<?> x) {
    return (Operand<TNumber>) x;
  }

  @SuppressWarnings("unchecked") // See above.
  static <T extends TType> Operand<T> as(Operand<?> x) {
    return (Operand<T>) x;
  }

  static NumericType type(Operand<?> x) {
    return NumericType.of(x.type());
  }

  static boolean isFloat(Operand<?> x) {
    return type(x).isFloat();
  }

  static Operand<TBool> bool(Ops tf, Operand<?> x) {
    return as(cast(tf, x, TBool.class));
  }

  static Operand<TInt32> int32(Ops tf, Operand<?> x) {
    return as(cast(tf, x, TInt32.class));
  }

  /**
   * In another type, as NumPy's {@code astype}. What is no floating-point number has no gradient.
   */
  static Operand<TNumber> cast(Ops tf, Operand<?> x, Class<? extends TType> type) {
    if (x.type().equals(type)) {
      return any(x);
    }
    if (type.equals(TBool.class)) {
      Operand<TNumber> number = any(tf.stopGradient(x));
      return any(tf.math.notEqual(number, any(tf.zerosLike(number))));
    }
    boolean smooth = isFloat(x) && NumericType.of(type).isFloat();
    return any(tf.dtypes.cast(smooth ? x : tf.stopGradient(x), type));
  }

  static Operand<TNumber> cast(Ops tf, Operand<?> x, NumericType type) {
    return cast(tf, x, type.tensorType());
  }

  /** A number in the type of a tensor. */
  static Operand<TNumber> scalar(Ops tf, double value, Operand<?> like) {
    return scalar(tf, value, type(like));
  }

  static Operand<TNumber> scalar(Ops tf, double value, NumericType type) {
    return switch (type) {
      case FLOAT32, PYTHON_FLOAT -> any(tf.constant((float) value));
      case FLOAT64 -> any(tf.constant(value));
      case INT32, PYTHON_INT -> any(tf.constant((int) value));
      case INT64 -> any(tf.constant((long) value));
      case BOOL -> any(tf.constant(value != 0));
      default -> any(tf.dtypes.cast(tf.constant(value), type.tensorType()));
    };
  }

  static int rank(Operand<?> x) {
    return x.shape().numDimensions();
  }

  static boolean isKnown(long size) {
    return size != Shape.UNKNOWN_SIZE;
  }

  /** The size along an axis: a constant, where it is known. */
  static Operand<TInt32> size(Ops tf, Operand<?> x, int axis) {
    long size = x.shape().get(axis);
    return isKnown(size)
        ? tf.constant(Math.toIntExact(size))
        : tf.stridedSlice(tf.shape(x), Indices.at(axis));
  }

  /** A shape, of which sizes may be −1. */
  static Operand<TInt32> pack(Ops tf, List<Operand<TInt32>> sizes) {
    return sizes.isEmpty() ? tf.constant(new int[0]) : tf.stack(new ArrayList<>(sizes));
  }

  /** Along which sizes x lies. */
  static List<Operand<TInt32>> sizes(Ops tf, Operand<?> x) {
    List<Operand<TInt32>> sizes = new ArrayList<>();
    for (int axis = 0; axis < rank(x); axis++) {
      sizes.add(size(tf, x, axis));
    }
    return sizes;
  }

  /** The shape that tensors have once NumPy has made them fit each other. */
  static Operand<TInt32> commonShape(Ops tf, List<? extends Operand<?>> tensors) {
    Operand<TInt32> shape = tf.shape(tensors.get(0));
    for (Operand<?> other : tensors.subList(1, tensors.size())) {
      shape = tf.broadcastDynamicShape(shape, tf.shape(other));
    }
    return shape;
  }

  /** Whether the shapes are known and equal. */
  static boolean haveEqualShapes(List<? extends Operand<?>> tensors) {
    Shape first = tensors.get(0).shape();
    return tensors.stream()
        .allMatch(x -> !x.shape().hasUnknownDimension() && x.shape().equals(first));
  }

  /** All of one shape, as NumPy makes them fit each other. */
  static List<Operand<TNumber>> broadcast(Ops tf, List<? extends Operand<?>> tensors) {
    if (haveEqualShapes(tensors)) {
      return tensors.stream().map(Tensors::any).toList();
    }
    Operand<TInt32> shape = commonShape(tf, tensors);
    return tensors.stream().map(x -> any(tf.broadcastTo(x, shape))).toList();
  }

  /**
   * The one where the condition holds, else the other, of equal shapes. TensorFlow has a C++
   * gradient of this operation, though not of the one that makes shapes fit.
   */
  static Operand<TNumber> select(
      Ops tf, Operand<TBool> condition, Operand<?> one, Operand<?> other) {
    List<Operand<TNumber>> fitting = broadcast(tf, List.of(condition, one, other));
    return any(
        tf.scope()
            .opBuilder("Select", "Select")
            .addInput(fitting.get(0).asOutput())
            .addInput(fitting.get(1).asOutput())
            .addInput(fitting.get(2).asOutput())
            .build()
            .<TNumber>output(0));
  }

  /** {@code x} in float32, or as it is in float64: what TensorFlow computes some functions in. */
  static Operand<TNumber> wide(Ops tf, Operand<?> x) {
    return x.type().equals(TFloat64.class) ? any(x) : cast(tf, x, TFloat32.class);
  }

  static Operand<TInt64> int64(Ops tf, Operand<?> x) {
    return as(cast(tf, x, TInt64.class));
  }
}
