package io.github.kpconvx.layer.operation;

import static io.github.kpconvx.layer.operation.Operations.keras;
import static io.github.kpconvx.layer.operation.Operations.tensorFlow;
import static io.github.kpconvx.layer.operation.Tensors.any;
import static io.github.kpconvx.layer.operation.Tensors.as;

import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.ReduceAll;
import org.tensorflow.op.core.ReduceAny;
import org.tensorflow.op.core.ReduceMax;
import org.tensorflow.op.core.ReduceMin;
import org.tensorflow.op.core.ReduceProd;
import org.tensorflow.op.core.ReduceSum;
import org.tensorflow.op.math.Mean;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TNumber;

/** Operations along axes that make one number of many. */
final class Reductions {
  private static final String KERAS = "x, axis=None, keepdims=False";
  private static final String TENSORFLOW = "input_tensor>x, axis=None, keepdims=False";

  private Reductions() {}

  /** Reduces along axes that are known. */
  @FunctionalInterface
  interface Reduction {
    Operand<?> apply(Ops tf, Operand<TNumber> x, Operand<TInt32> axes, boolean keep);
  }

  static void define() {
    keras(KERAS + ", initial=None", extreme(Reductions::max, true), "Max", "Amax");
    keras(KERAS + ", initial=None", extreme(Reductions::min, false), "Min", "Amin");
    tensorFlow(TENSORFLOW, of(Reductions::max), "math.reduce_max", "reduce_max");
    tensorFlow(TENSORFLOW, of(Reductions::min), "math.reduce_min", "reduce_min");
    keras(KERAS, of((tf, x, axes, keep) -> sum(tf, counted(tf, x), axes, keep)), "Sum");
    tensorFlow(TENSORFLOW, of(Reductions::sum), "math.reduce_sum", "reduce_sum");
    keras(KERAS + ", dtype=None", Function.of(Reductions::prod), "Prod");
    tensorFlow(TENSORFLOW, of(Reductions::prod), "math.reduce_prod", "reduce_prod");
    keras(KERAS, of((tf, x, axes, keep) -> mean(tf, floats(tf, x), axes, keep)), "Mean");
    tensorFlow(TENSORFLOW, of(Reductions::mean), "math.reduce_mean", "reduce_mean");
    keras(KERAS, of((tf, x, axes, keep) -> variance(tf, floats(tf, x), axes, keep)), "Var");
    tensorFlow(TENSORFLOW, of(Reductions::variance), "math.reduce_variance");
    keras(KERAS, of((tf, x, axes, keep) -> deviation(tf, floats(tf, x), axes, keep)), "Std");
    tensorFlow(TENSORFLOW, of(Reductions::deviation), "math.reduce_std");
    Reduction all =
        (tf, x, axes, keep) -> tf.reduceAll(Tensors.bool(tf, x), axes, ReduceAll.keepDims(keep));
    Reduction any =
        (tf, x, axes, keep) -> tf.reduceAny(Tensors.bool(tf, x), axes, ReduceAny.keepDims(keep));
    keras(KERAS, of(all), "All");
    tensorFlow(TENSORFLOW, of(all), "math.reduce_all", "reduce_all");
    keras(KERAS, of(any), "Any");
    tensorFlow(TENSORFLOW, of(any), "math.reduce_any", "reduce_any");
    keras(
        "x, axis=None",
        Function.of(
            (tf, in) -> {
              Operand<TNumber> x = in.tensor("x");
              return sum(
                  tf,
                  any(Tensors.int32(tf, Tensors.bool(tf, x))),
                  tf.constant(in.axes("axis", x)),
                  false);
            }),
        "CountNonzero");
    tensorFlow(
        "input>x, axis=None, keepdims=None, dtype=\"int64\"",
        Function.of(
            (tf, in) -> {
              Operand<TNumber> x = in.tensor("x");
              NumericType type = in.dtype("dtype", NumericType.INT64);
              return sum(
                  tf,
                  Tensors.cast(tf, Tensors.bool(tf, x), type),
                  tf.constant(in.axes("axis", x)),
                  in.bool("keepdims"));
            }),
        "math.count_nonzero");
    keras(KERAS, arg(true, NumericType.INT32), "Argmax");
    keras(KERAS, arg(false, NumericType.INT32), "Argmin");
    String argument = "input>x, axis=None, output_type=\"int64\"";
    tensorFlow(argument, arg(true, NumericType.INT64), "math.argmax", "argmax");
    tensorFlow(argument, arg(false, NumericType.INT64), "math.argmin", "argmin");
    keras(KERAS, of(Reductions::logSumExp), "Logsumexp");
    tensorFlow(TENSORFLOW, of(Reductions::logSumExp), "math.reduce_logsumexp", "reduce_logsumexp");
    keras(
        KERAS,
        of(
            (tf, x, axes, keep) ->
                tf.math.sub(any(max(tf, x, axes, keep)), any(min(tf, x, axes, keep)))),
        "Ptp");
    keras("x, axis=None, weights=None", Function.of(Reductions::average), "Average");
    Function moments =
        (tf, in) -> {
          Operand<TNumber> x = in.floats("x");
          Operand<TInt32> axes = tf.constant(in.axes("axes", x));
          boolean keep = in.bool("keepdims");
          return List.of(mean(tf, x, axes, keep), variance(tf, x, axes, keep));
        };
    keras("x, axes, keepdims=False, synchronized=False", moments, "Moments");
  }

  private static Function of(Reduction reduction) {
    return Function.of(
        (tf, in) -> {
          Operand<TNumber> x = in.tensor("x");
          return reduction.apply(tf, x, tf.constant(in.axes("axis", x)), in.bool("keepdims"));
        });
  }

  private static Operand<TNumber> floats(Ops tf, Operand<TNumber> x) {
    return Tensors.isFloat(x) ? x : Tensors.cast(tf, x, NumericType.FLOAT32);
  }

  /** Truth values as 0 and 1. */
  private static Operand<TNumber> counted(Ops tf, Operand<TNumber> x) {
    return Tensors.type(x) == NumericType.BOOL ? any(Tensors.int32(tf, x)) : x;
  }

  static Operand<TNumber> max(Ops tf, Operand<TNumber> x, Operand<TInt32> axes, boolean keep) {
    return Tensors.type(x) == NumericType.BOOL
        ? any(tf.reduceAny(as(x), axes, ReduceAny.keepDims(keep)))
        : any(tf.reduceMax(x, axes, ReduceMax.keepDims(keep)));
  }

  static Operand<TNumber> min(Ops tf, Operand<TNumber> x, Operand<TInt32> axes, boolean keep) {
    return Tensors.type(x) == NumericType.BOOL
        ? any(tf.reduceAll(as(x), axes, ReduceAll.keepDims(keep)))
        : any(tf.reduceMin(x, axes, ReduceMin.keepDims(keep)));
  }

  static Operand<TNumber> sum(Ops tf, Operand<TNumber> x, Operand<TInt32> axes, boolean keep) {
    return any(tf.reduceSum(x, axes, ReduceSum.keepDims(keep)));
  }

  private static Operand<TNumber> prod(
      Ops tf, Operand<TNumber> x, Operand<TInt32> axes, boolean keep) {
    return any(tf.reduceProd(x, axes, ReduceProd.keepDims(keep)));
  }

  static Operand<TNumber> mean(Ops tf, Operand<TNumber> x, Operand<TInt32> axes, boolean keep) {
    return any(tf.math.mean(x, axes, Mean.keepDims(keep)));
  }

  static Operand<TNumber> variance(Ops tf, Operand<TNumber> x, Operand<TInt32> axes, boolean keep) {
    Operand<TNumber> centred = any(tf.math.sub(x, mean(tf, x, axes, true)));
    return mean(tf, any(tf.math.square(centred)), axes, keep);
  }

  private static Operand<TNumber> deviation(
      Ops tf, Operand<TNumber> x, Operand<TInt32> axes, boolean keep) {
    return any(tf.math.sqrt(variance(tf, x, axes, keep)));
  }

  static Operand<TNumber> logSumExp(
      Ops tf, Operand<TNumber> given, Operand<TInt32> axes, boolean keep) {
    Operand<TNumber> x = floats(tf, given);
    Operand<TNumber> greatest = any(tf.stopGradient(max(tf, x, axes, true)));
    // An infinite one would give NaN.
    Operand<TNumber> shift =
        Tensors.select(tf, tf.math.isFinite(greatest), greatest, tf.zerosLike(greatest));
    Operand<TNumber> sum = sum(tf, any(tf.math.exp(any(tf.math.sub(x, shift)))), axes, keep);
    Operand<TNumber> back = keep ? shift : sum(tf, shift, axes, false);
    return any(tf.math.add(any(tf.math.log(sum)), back));
  }

  private static Function extreme(Reduction reduction, boolean greatest) {
    return Function.of(
        (tf, in) -> {
          Operand<?> y = of(reduction).apply(tf, in).get(0);
          if (in.isNone("initial")) {
            return y;
          }
          Operand<TNumber> number = any(y);
          if (Tensors.type(y) == NumericType.BOOL) {
            number = any(Tensors.int32(tf, y));
          }
          Operand<TNumber> initial = in.like("initial", number);
          Operand<TNumber> bounded =
              any(greatest ? tf.math.maximum(number, initial) : tf.math.minimum(number, initial));
          return Tensors.cast(tf, bounded, Tensors.type(y));
        });
  }

  private static Operand<?> prod(Ops tf, BoundArguments in) {
    Operand<TNumber> x = in.tensor("x");
    Operand<TNumber> number = counted(tf, x);
    return prod(
        tf,
        Tensors.cast(tf, number, in.dtype("dtype", Tensors.type(number))),
        tf.constant(in.axes("axis", x)),
        in.bool("keepdims"));
  }

  private static Function arg(boolean greatest, NumericType type) {
    return Function.of(
        (tf, in) -> {
          boolean keras = in.values().containsKey("keepdims");
          NumericType result = keras ? type : in.dtype("output_type", type);
          Operand<TNumber> x = counted(tf, any(tf.stopGradient(in.tensor("x"))));
          boolean all = in.isNone("axis") && keras;
          Operand<TNumber> along = all ? any(tf.reshape(x, tf.array(-1))) : x;
          int axis = in.isNone("axis") ? 0 : in.axis("axis", x);
          Operand<?> index =
              greatest
                  ? tf.math.argMax(along, tf.constant(axis), TInt64.class)
                  : tf.math.argMin(along, tf.constant(axis), TInt64.class);
          index = Tensors.cast(tf, index, result);
          if (keras && in.bool("keepdims")) {
            index =
                all
                    ? tf.reshape(index, tf.fill(tf.array(Tensors.rank(x)), tf.constant(1)))
                    : tf.expandDims(index, tf.constant(axis));
          }
          return index;
        });
  }

  private static Operand<?> average(Ops tf, BoundArguments in) {
    if (in.isNone("weights")) {
      Operand<TNumber> x = in.floats("x");
      return mean(tf, x, tf.constant(in.axes("axis", x)), false);
    }
    var both = in.promoted(Set.of(NumericType.PYTHON_FLOAT), "x", "weights");
    Operand<TNumber> x = both.get(0);
    Operand<TNumber> weights = both.get(1);
    int[] axes = in.axes("axis", x);
    if (Tensors.rank(weights) == 1 && Tensors.rank(x) > 1 && axes.length == 1) {
      int[] shape = new int[Tensors.rank(x)];
      Arrays.fill(shape, 1);
      shape[axes[0]] = -1;
      weights = any(tf.reshape(weights, tf.constant(shape)));
    }
    Operand<TInt32> along = tf.constant(axes);
    return tf.math.div(
        sum(tf, any(tf.math.mul(x, weights)), along, false), sum(tf, weights, along, false));
  }
}
