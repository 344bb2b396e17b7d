package io.github.kpconvx.layer;

import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;

/**
 * Where layers take random numbers from while training.
 *
 * <p>A source belongs to one graph and, like the layers that draw from it, to the thread that
 * builds the graph.
 */
public interface RandomSource {

  /**
   * Numbers that are drawn anew each time the graph runs.
   *
   * @param tf the operations of the graph that is added to
   * @param shape the shape of the result, a vector
   * @return numbers uniform in [0, 1)
   */
  Operand<TFloat32> uniform(Ops tf, Operand<TInt32> shape);

  /**
   * Numbers that are drawn anew each time the graph runs.
   *
   * @param tf the operations of the graph that is added to
   * @param shape the shape of the result, a vector
   * @return normally distributed numbers of mean 0 and variance 1
   */
  Operand<TFloat32> normal(Ops tf, Operand<TInt32> shape);

  /**
   * TensorFlow's own generator, which nobody can make repeat itself.
   *
   * @return the source
   */
  static RandomSource unseeded() {
    return new RandomSource() {
      @Override
      public Operand<TFloat32> uniform(Ops tf, Operand<TInt32> shape) {
        return tf.random.randomUniform(shape, TFloat32.class);
      }

      @Override
      public Operand<TFloat32> normal(Ops tf, Operand<TInt32> shape) {
        return tf.random.randomStandardNormal(shape, TFloat32.class);
      }
    };
  }

  /**
   * Numbers that follow from a seed alone: each run with the same seed draws the same, however
   * often the graph ran before. Every call of {@link #uniform} and {@link #normal} has a stream of
   * its own.
   *
   * @param seed two integers, such as a run's seed and the number of the step
   * @return the source
   */
  static RandomSource seeded(Operand<TInt64> seed) {
    return new RandomSource() {
      // An odd constant far from any small number: steps and streams never meet.
      private static final long STRIDE = 0x9E3779B97F4A7C15L;
      private long streams;

      @Override
      public Operand<TFloat32> uniform(Ops tf, Operand<TInt32> shape) {
        return tf.random.statelessRandomUniform(shape, nextStream(tf));
      }

      @Override
      public Operand<TFloat32> normal(Ops tf, Operand<TInt32> shape) {
        return tf.random.statelessRandomNormal(shape, nextStream(tf));
      }

      private Operand<TInt64> nextStream(Ops tf) {
        return tf.math.add(seed, tf.constant(new long[] {STRIDE * ++streams, 0}));
      }
    };
  }
}
