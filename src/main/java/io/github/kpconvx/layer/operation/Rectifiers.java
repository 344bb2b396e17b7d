package io.github.kpconvx.layer.operation;

import static io.github.kpconvx.layer.operation.Operations.keras;
import static io.github.kpconvx.layer.operation.Operations.tensorFlow;
import static io.github.kpconvx.layer.operation.Tensors.any;

import io.github.kpconvx.keras.KerasException;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TNumber;

/**
 * Activations with an argument, as operations; the formulas are those of {@code
 * keras/src/ops/nn.py}.
 */
final class Rectifiers {
  private Rectifiers() {}

  static void define() {
    keras("x, alpha=1.0", Function.of(Rectifiers::elu), "Elu");
    keras("x, alpha=1.0", Function.of(Rectifiers::celu), "Celu");
    keras("x, axis=-1", Function.of(Rectifiers::glu), "Glu");
    keras("x, b=4", Function.of(Rectifiers::squarePlus), "Squareplus");
    keras("x, threshold=0.5", Function.of(Rectifiers::hardShrink), "HardShrink");
    keras("x, threshold=0.5", Function.of(Rectifiers::softShrink), "SoftShrink");
    keras("x, threshold, default_value", Function.of(Rectifiers::threshold), "Threshold");
    tensorFlow("features>x", Function.of((tf, in) -> tf.nn.elu(in.floats("x"))), "nn.elu");
  }

  /** x where it is positive, else α (eˣ − 1). */
  private static Operand<?> elu(Ops tf, BoundArguments in) {
    Operand<TNumber> x = in.floats("x");
    Operand<TNumber> below = any(tf.math.expm1(any(tf.math.minimum(x, zero(tf, x)))));
    return tf.math.add(
        any(tf.math.maximum(x, zero(tf, x))), any(tf.math.mul(in.like("alpha", x), below)));
  }

  /** x where it is positive, else α (exp(x / α) − 1). */
  private static Operand<?> celu(Ops tf, BoundArguments in) {
    Operand<TNumber> x = in.floats("x");
    Operand<TNumber> alpha = in.like("alpha", x);
    Operand<TNumber> below =
        any(tf.math.expm1(any(tf.math.div(any(tf.math.minimum(x, zero(tf, x))), alpha))));
    return tf.math.add(any(tf.math.maximum(x, zero(tf, x))), any(tf.math.mul(alpha, below)));
  }

  /** The first half along an axis, times the sigmoid of the second. */
  private static Operand<?> glu(Ops tf, BoundArguments in) {
    Operand<TNumber> x = in.floats("x");
    int axis = in.axis("axis", x);
    long size = x.shape().get(axis);
    if (!Tensors.isKnown(size) || size % 2 != 0) {
      throw new KerasException(
          "%s: axis %d of its input of shape %s, expected one of an even size that is known"
              .formatted(in.owner(), axis, x.shape()));
    }
    Operand<TInt32> along = tf.constant(axis);
    var halves = tf.split(along, x, 2L).output();
    return tf.math.mul(halves.get(0), any(tf.math.sigmoid(halves.get(1))));
  }

  /** (x + √(x² + b)) / 2. */
  private static Operand<?> squarePlus(Ops tf, BoundArguments in) {
    Operand<TNumber> x = in.floats("x");
    Operand<TNumber> square = any(tf.math.add(any(tf.math.square(x)), in.like("b", x)));
    Operand<TNumber> sum = any(tf.math.add(x, any(tf.math.sqrt(square))));
    return tf.math.div(sum, Tensors.scalar(tf, 2, x));
  }

  /** x where |x| is above the threshold, else 0. */
  private static Operand<?> hardShrink(Ops tf, BoundArguments in) {
    Operand<TNumber> x = in.floats("x");
    Operand<TBool> above = tf.math.greater(any(tf.math.abs(x)), in.like("threshold", x));
    return Tensors.select(tf, above, x, zero(tf, x));
  }

  /** x moved by the threshold towards 0, which it does not pass. */
  private static Operand<?> softShrink(Ops tf, BoundArguments in) {
    Operand<TNumber> x = in.floats("x");
    Operand<TNumber> threshold = in.like("threshold", x);
    Operand<TNumber> above = any(tf.math.maximum(any(tf.math.sub(x, threshold)), zero(tf, x)));
    Operand<TNumber> below = any(tf.math.minimum(any(tf.math.add(x, threshold)), zero(tf, x)));
    return tf.math.add(above, below);
  }

  /** x where it is above the threshold, else the default. */
  private static Operand<?> threshold(Ops tf, BoundArguments in) {
    Operand<TNumber> x = in.floats("x");
    Operand<TBool> above = tf.math.greater(x, in.like("threshold", x));
    return Tensors.select(tf, above, x, in.like("default_value", x));
  }

  private static Operand<TNumber> zero(Ops tf, Operand<TNumber> x) {
    return Tensors.scalar(tf, 0, x);
  }
}
