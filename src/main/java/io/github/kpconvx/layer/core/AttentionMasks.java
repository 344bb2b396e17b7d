package io.github.kpconvx.layer.core;

import java.util.Optional;
import java.util.stream.Stream;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.index.Indices;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TType;

/** Which key a query may attend to: masks that broadcast to (B, T, S), for T queries and S keys. */
final class AttentionMasks {
  private AttentionMasks() {}

  /** Keys that come after the query are hidden: (1, T, S). */
  static Operand<TBool> causal(Ops tf, Operand<?> query, Operand<?> key) {
    return tf.math.greaterEqual(rows(tf, query), columns(tf, key));
  }

  /** Keys that are {@code width} or more places from the query are hidden: (1, T, S). */
  static Operand<TBool> window(Ops tf, Operand<?> query, Operand<?> key, int width) {
    return tf.math.less(
        tf.math.abs(tf.math.sub(rows(tf, query), columns(tf, key))), tf.constant(width));
  }

  private static Operand<TInt32> rows(Ops tf, Operand<?> query) {
    return tf.reshape(places(tf, query), tf.array(1, -1, 1));
  }

  private static Operand<TInt32> columns(Ops tf, Operand<?> key) {
    return tf.reshape(places(tf, key), tf.array(1, 1, -1));
  }

  private static Operand<TInt32> places(Ops tf, Operand<?> sequence) {
    Operand<TInt32> count = tf.stridedSlice(tf.shape(sequence), Indices.at(1));
    return tf.range(tf.constant(0), count, tf.constant(1));
  }

  /** What all masks let through. */
  static Optional<Operand<TBool>> all(Ops tf, Stream<Operand<TBool>> masks) {
    return masks.reduce((a, b) -> tf.math.logicalAnd(a, b));
  }

  /** A mask of numbers lets through what is not 0. */
  static Operand<TBool> bool(Ops tf, Operand<? extends TType> mask) {
    return tf.dtypes.cast(mask, TBool.class);
  }
}
