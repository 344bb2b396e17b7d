package io.github.kpconvx.layer.core;

import io.github.kpconvx.layer.Operands;
import java.util.Optional;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.op.math.Mean;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TNumber;

/**
 * Mean and variance, of shapes that stretch to that of what is normalized by them.
 *
 * @param mean the mean
 * @param variance the biased variance
 */
record Moments<T extends TNumber>(Operand<T> mean, Operand<T> variance) {

  /** The moments of a tensor along some axes, which stay with size 1. */
  static <T extends TNumber> Moments<T> of(Ops tf, Operand<T> x, int[] axes) {
    Operand<TInt32> along = tf.constant(axes);
    Operand<T> mean = tf.math.mean(x, along, Mean.keepDims(true));
    Operand<T> squares = tf.math.squaredDifference(x, tf.stopGradient(mean));
    return new Moments<>(mean, tf.math.mean(squares, along, Mean.keepDims(true)));
  }

  /** {@code 1 / √(variance + epsilon)}. */
  Operand<T> inverseDeviation(Ops tf, double epsilon) {
    return tf.math.rsqrt(tf.math.add(variance, Operands.scalar(tf, epsilon, variance)));
  }

  /**
   * {@code (x − mean) / √(variance + epsilon) · gamma + beta}, in the order in which Keras computes
   * it on TensorFlow.
   */
  Operand<T> normalize(
      Ops tf, Operand<T> x, double epsilon, Optional<Operand<T>> gamma, Optional<Operand<T>> beta) {
    Operand<T> inverse = inverseDeviation(tf, epsilon);
    Operand<T> factor = gamma.<Operand<T>>map(scale -> tf.math.mul(inverse, scale)).orElse(inverse);
    // Not beta − mean · factor: TensorFlow takes that, of constants and of axes 1 and 2 of four,
    // for
    // an instance normalization, whose weights would be those of the last axis.
    Operand<T> offset = tf.math.mul(tf.math.neg(mean), factor);
    Operand<T> shift = beta.<Operand<T>>map(center -> tf.math.add(offset, center)).orElse(offset);
    return tf.math.add(tf.math.mul(x, factor), shift);
  }
}
