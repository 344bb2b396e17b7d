package io.github.kpconvx.layer.core;

import io.github.kpconvx.keras.config.KerasObject;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.ReduceMax;
import org.tensorflow.op.core.ReduceSum;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;

/**
 * Softmax over what a mask lets through. Versions of Keras differ where it lets through nothing.
 */
enum MaskedSoftmax {
  /** Keras 2, and Keras 3 before 3.13: 1e9 is taken from what is hidden. All hidden: equal. */
  LOWERED {
    @Override
    Operand<TFloat32> weigh(Ops tf, Operand<TFloat32> x, Operand<TFloat32> shown, int[] axes) {
      Operand<TFloat32> hidden = tf.math.sub(tf.constant(1f), shown);
      return softmax(tf, tf.math.sub(x, tf.math.mul(hidden, tf.constant(LARGE))), axes);
    }
  },
  /** Keras 3 from 3.13 on. All hidden: 0. */
  CLEARED {
    @Override
    Operand<TFloat32> weigh(Ops tf, Operand<TFloat32> x, Operand<TFloat32> shown, int[] axes) {
      return tf.math.mul(softmax(tf, replace(tf, x, shown), axes), shown);
    }
  },
  /** {@code keras.ops.dot_product_attention}. All hidden: equal. */
  REPLACED {
    @Override
    Operand<TFloat32> weigh(Ops tf, Operand<TFloat32> x, Operand<TFloat32> shown, int[] axes) {
      return softmax(tf, replace(tf, x, shown), axes);
    }
  };

  private static final float LARGE = 1e9f;

  /** That of the layer {@code Softmax}. */
  static MaskedSoftmax of(KerasObject object) {
    return object.isOfKeras2() || object.isOfKeras3Before(13) ? LOWERED : CLEARED;
  }

  /**
   * Adds the operations.
   *
   * @param mask what is let through; broadcasts to x
   * @param axes along which the softmax goes, each in [0, rank)
   */
  final Operand<TFloat32> apply(Ops tf, Operand<TFloat32> x, Operand<TBool> mask, int... axes) {
    return weigh(tf, x, tf.dtypes.cast(mask, TFloat32.class), axes);
  }

  abstract Operand<TFloat32> weigh(
      Ops tf, Operand<TFloat32> x, Operand<TFloat32> shown, int[] axes);

  /** Products, as TensorFlow has no C++ gradient of a selection. */
  private static Operand<TFloat32> replace(Ops tf, Operand<TFloat32> x, Operand<TFloat32> shown) {
    Operand<TFloat32> hidden = tf.math.sub(tf.constant(1f), shown);
    return tf.math.sub(tf.math.mul(x, shown), tf.math.mul(hidden, tf.constant(LARGE)));
  }

  /** Softmax without a mask. */
  static Operand<TFloat32> softmax(Ops tf, Operand<TFloat32> x, int... axes) {
    if (axes.length == 1 && axes[0] == x.shape().numDimensions() - 1) {
      return tf.nn.softmax(x);
    }
    Operand<TInt32> along = tf.constant(axes);
    Operand<TFloat32> greatest = tf.stopGradient(tf.reduceMax(x, along, ReduceMax.keepDims(true)));
    Operand<TFloat32> powers = tf.math.exp(tf.math.sub(x, greatest));
    return tf.math.div(powers, tf.reduceSum(powers, along, ReduceSum.keepDims(true)));
  }
}
