package io.github.kpconvx.layer;

import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TNumber;

/**
 * Sets values to 0 at random and scales the others up, so that their expectation stays: what
 * dropout and drop path share.
 */
public final class RandomDrop {
  private RandomDrop() {}

  /**
   * Multiplies by 0 with the probability of dropping, else by 1 / (1 − probability). At 0 the
   * result is the input, at 1 it is 0 everywhere and nothing is divided.
   *
   * @param tf the operations of the graph that is added to
   * @param x the values
   * @param noise the shape of the draws, which broadcasts to that of the values: where it is 1,
   *     values share their fate
   * @param probability of dropping, in [0, 1]
   * @param random where the draws come from
   * @param <T> the type of the values
   * @return values of the same shape
   */
  public static <T extends TNumber> Operand<T> apply(
      Ops tf, Operand<T> x, Operand<TInt32> noise, double probability, RandomSource random) {
    if (probability == 0) {
      return x;
    }
    if (probability == 1) {
      // A product, so that the gradient is 0 and not missing.
      return tf.math.mul(x, Operands.scalar(tf, 0, x));
    }
    Operand<T> kept = tf.dtypes.cast(kept(tf, noise, probability, random), x.type());
    return tf.math.div(tf.math.mul(x, kept), Operands.scalar(tf, 1 - probability, x));
  }

  /**
   * Draws what is kept.
   *
   * @param tf the operations of the graph that is added to
   * @param noise the shape of the draws
   * @param probability of dropping, in [0, 1]
   * @param random where the draws come from
   * @return 0 with the probability of dropping, else 1
   */
  public static Operand<TFloat32> kept(
      Ops tf, Operand<TInt32> noise, double probability, RandomSource random) {
    return tf.math.floor(
        tf.math.add(random.uniform(tf, noise), tf.constant((float) (1 - probability))));
  }
}
