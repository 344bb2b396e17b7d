package io.github.kpconvx.layer.operation;

import static io.github.kpconvx.layer.operation.Operations.keras;
import static io.github.kpconvx.layer.operation.Operations.tensorFlow;
import static io.github.kpconvx.layer.operation.Tensors.any;

import com.fasterxml.jackson.databind.node.TextNode;
import io.github.kpconvx.layer.function.Activation;
import java.util.List;
import java.util.Map;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.op.math.Cumprod;
import org.tensorflow.op.math.Cumsum;
import org.tensorflow.op.nn.LeakyRelu;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TNumber;

/** Operations of networks: activations, normalization, one-hot codes, segments and sums so far. */
final class NeuralNetwork {
  /** Keras's operations, and TensorFlow's functions, that are activations without arguments. */
  private static final Map<String, String> ACTIVATIONS =
      Map.ofEntries(
          Map.entry("Relu", "relu"),
          Map.entry("Relu6", "relu6"),
          Map.entry("Sigmoid", "sigmoid"),
          Map.entry("SparseSigmoid", "sparse_sigmoid"),
          Map.entry("Softplus", "softplus"),
          Map.entry("Softsign", "softsign"),
          Map.entry("SparsePlus", "sparse_plus"),
          Map.entry("Silu", "silu"),
          Map.entry("LogSigmoid", "log_sigmoid"),
          Map.entry("HardSigmoid", "hard_sigmoid"),
          Map.entry("HardSilu", "hard_silu"),
          Map.entry("Selu", "selu"),
          Map.entry("TanhShrink", "tanh_shrink"),
          Map.entry("HardTanh", "hard_tanh"));

  private NeuralNetwork() {}

  static void define() {
    ACTIVATIONS.forEach(
        (name, activation) -> keras("x", Function.of((tf, in) -> named(tf, in, activation)), name));
    for (String name : List.of("relu", "relu6", "selu", "softsign", "softplus")) {
      tensorFlow(
          "features>x", Function.of((tf, in) -> named(tf, in, name)), "nn." + name, "math." + name);
    }
    Function sigmoid = Function.of((tf, in) -> named(tf, in, "sigmoid"));
    tensorFlow("x", sigmoid, "math.sigmoid", "sigmoid", "nn.sigmoid");
    tensorFlow(
        "features>x, beta=1.0",
        Function.of(
            (tf, in) -> {
              Operand<TNumber> x = in.floats("x");
              Operand<TNumber> scaled = any(tf.math.mul(x, in.like("beta", x)));
              return tf.math.mul(x, any(tf.math.sigmoid(scaled)));
            }),
        "nn.silu",
        "nn.swish");
    keras("x, negative_slope=0.2", leakyRelu("negative_slope"), "LeakyRelu");
    tensorFlow("features>x, alpha=0.2", leakyRelu("alpha"), "nn.leaky_relu");
    Function gelu = Function.of(NeuralNetwork::gelu);
    keras("x, approximate=True", gelu, "Gelu");
    tensorFlow("features>x, approximate=False", gelu, "nn.gelu");
    Function softmax =
        Function.of(
            (tf, in) -> {
              Operand<TNumber> x = in.floats("x");
              return tf.math.exp(logSoftmax(tf, in, x));
            });
    Function logSoftmax = Function.of((tf, in) -> logSoftmax(tf, in, in.floats("x")));
    keras("x, axis=-1", softmax, "Softmax");
    keras("x, axis=-1", logSoftmax, "LogSoftmax");
    tensorFlow("logits>x, axis=-1", softmax, "nn.softmax");
    tensorFlow("logits>x, axis=-1", logSoftmax, "nn.log_softmax");
    keras(
        "x, num_classes, axis=-1, dtype=\"float32\", sparse=False",
        Function.of(NeuralNetwork::oneHot),
        "OneHot");
    tensorFlow(
        "indices>x, depth>num_classes, on_value=None, off_value=None, axis=-1, dtype=\"float32\"",
        Function.of(NeuralNetwork::oneHot),
        "one_hot");
    keras("x, axis=None, dtype=None", cumulative(false), "Cumsum");
    keras("x, axis=None, dtype=None", cumulative(true), "Cumprod");
    String ofTensorFlow = "x, axis=0, exclusive=False, reverse=False";
    tensorFlow(ofTensorFlow, cumulative(false), "math.cumsum", "cumsum");
    tensorFlow(ofTensorFlow, cumulative(true), "math.cumprod");
    keras(
        "data>x, segment_ids, num_segments, sorted=False",
        Function.of(NeuralNetwork::segmentSum),
        "SegmentSum");
    tensorFlow(
        "data>x, segment_ids, num_segments",
        Function.of(NeuralNetwork::segmentSum),
        "math.unsorted_segment_sum");
    filled("ZerosLike", "zeros_like", 0);
    filled("OnesLike", "ones_like", 1);
    keras(
        "x, fill_value, dtype=None",
        Function.of(
            (tf, in) -> {
              Operand<TNumber> x = in.tensor("x");
              NumericType type = in.dtype("dtype", Tensors.type(x));
              return tf.broadcastTo(Tensors.cast(tf, in.tensor("fill_value"), type), tf.shape(x));
            }),
        "FullLike");
    Function shape =
        Function.of(
            (tf, in) ->
                Tensors.cast(
                    tf, tf.shape(in.tensor("x")), in.dtype("out_type", NumericType.INT32)));
    tensorFlow("input>x, out_type=\"int32\"", shape, "compat.v1.shape", "shape");
    tensorFlow(
        "x, axis=None, epsilon=1e-12, dim=None",
        Function.of(NeuralNetwork::normalizeOfTensorFlow),
        "math.l2_normalize",
        "nn.l2_normalize");
    tensorFlow(
        "value>x, bias, data_format=None",
        Function.of(
            (tf, in) -> {
              Operand<TNumber> x = in.tensor("x");
              return tf.math.add(x, in.like("bias", x));
            }),
        "nn.bias_add");
  }

  private static Operand<?> named(Ops tf, BoundArguments in, String activation) {
    return Activation.of(in.owner(), "activation", TextNode.valueOf(activation))
        .apply(tf, in.floats("x"));
  }

  private static Function leakyRelu(String slope) {
    return Function.of(
        (tf, in) -> tf.nn.leakyRelu(in.floats("x"), LeakyRelu.alpha((float) in.number(slope))));
  }

  /** By tanh, or exactly. */
  private static Operand<?> gelu(Ops tf, BoundArguments in) {
    Operand<TNumber> x = in.floats("x");
    Operand<TNumber> bend;
    if (in.bool("approximate")) {
      Operand<TNumber> cube = any(tf.math.mul(x, any(tf.math.square(x))));
      Operand<TNumber> sum =
          any(tf.math.add(x, any(tf.math.mul(Tensors.scalar(tf, 0.044715, x), cube))));
      bend =
          any(tf.math.tanh(any(tf.math.mul(Tensors.scalar(tf, Math.sqrt(2 / Math.PI), x), sum))));
    } else {
      bend = any(tf.math.erf(any(tf.math.mul(Tensors.scalar(tf, Math.sqrt(0.5), x), x))));
    }
    Operand<TNumber> half = any(tf.math.mul(Tensors.scalar(tf, 0.5, x), x));
    return tf.math.mul(half, any(tf.math.add(Tensors.scalar(tf, 1, x), bend)));
  }

  private static Operand<TNumber> logSoftmax(Ops tf, BoundArguments in, Operand<TNumber> x) {
    Operand<TInt32> axes = tf.constant(in.axes("axis", x));
    return any(tf.math.sub(x, Reductions.logSumExp(tf, x, axes, true)));
  }

  /** All 0 where a class is out of range, as in Keras. */
  private static Operand<?> oneHot(Ops tf, BoundArguments in) {
    Operand<TNumber> x = in.tensor("x");
    int rank = Tensors.rank(x) + 1;
    int axis = in.axis("axis", x, rank);
    NumericType type = in.dtype("dtype", NumericType.FLOAT32);
    boolean keras = !in.isTensorFlow();
    if (keras && in.bool("sparse")) {
      throw in.error("sparse = true, expected false");
    }
    Operand<TNumber> on =
        keras || in.isNone("on_value") ? Tensors.scalar(tf, 1, type) : in.tensor("on_value");
    Operand<TNumber> off =
        keras || in.isNone("off_value") ? Tensors.scalar(tf, 0, type) : in.tensor("off_value");
    Operand<TNumber> code =
        any(
            tf.oneHot(
                x,
                tf.constant(in.integer("num_classes")),
                Tensors.cast(tf, on, type),
                Tensors.cast(tf, off, type)));
    return Shaping.move(tf, code, rank - 1, axis);
  }

  private static Function cumulative(boolean product) {
    return Function.of(
        (tf, in) -> {
          Operand<TNumber> given = in.tensor("x");
          if (!in.isTensorFlow()) {
            given = Tensors.cast(tf, given, in.dtype("dtype", Tensors.type(given)));
          }
          Operand<TNumber> x =
              Tensors.type(given) == NumericType.BOOL ? any(Tensors.int32(tf, given)) : given;
          x = in.isNone("axis") ? any(tf.reshape(x, tf.array(-1))) : x;
          Operand<TInt32> axis = tf.constant(in.isNone("axis") ? 0 : in.axis("axis", x));
          boolean exclusive = in.isTensorFlow() && in.bool("exclusive");
          boolean reverse = in.isTensorFlow() && in.bool("reverse");
          Cumsum.Options[] sums = {Cumsum.exclusive(exclusive), Cumsum.reverse(reverse)};
          if (!product) {
            return tf.math.cumsum(x, axis, sums);
          }
          Operand<TNumber> products =
              any(tf.math.cumprod(x, axis, Cumprod.exclusive(exclusive), Cumprod.reverse(reverse)));
          return Tensors.isFloat(x) ? withSlopes(tf, products, x, axis, sums) : products;
        });
  }

  /**
   * Products of which each changes by its x_j as it does by Python's gradient, product / x_j: there
   * is none in TensorFlow's C++. By an x_j of 0, where Python's is no number, it is the product.
   */
  private static Operand<TNumber> withSlopes(
      Ops tf,
      Operand<TNumber> products,
      Operand<TNumber> x,
      Operand<TInt32> axis,
      Cumsum.Options[] sums) {
    Operand<TNumber> given = any(tf.stopGradient(x));
    Operand<TNumber> divisor =
        Tensors.select(
            tf, tf.math.equal(given, Tensors.scalar(tf, 0, x)), Tensors.scalar(tf, 1, x), given);
    Operand<TNumber> counted = any(tf.math.cumsum(any(tf.math.div(x, divisor)), axis, sums));
    Operand<TNumber> change = any(tf.math.sub(counted, any(tf.stopGradient(counted))));
    return any(
        tf.math.mul(
            any(tf.stopGradient(products)), any(tf.math.add(Tensors.scalar(tf, 1, x), change))));
  }

  /** Rows whose segment is below 0 are left out, as in TensorFlow. */
  private static Operand<?> segmentSum(Ops tf, BoundArguments in) {
    return tf.math.unsortedSegmentSum(
        in.tensor("x"),
        any(Tensors.int32(tf, in.tensor("segment_ids"))),
        tf.constant(in.integer("num_segments")));
  }

  private static void filled(String keras, String tensorFlow, double value) {
    Function function =
        Function.of(
            (tf, in) -> {
              Operand<TNumber> x = in.tensor("x");
              NumericType type = in.dtype("dtype", Tensors.type(x));
              return tf.fill(tf.shape(x), Tensors.scalar(tf, value, type));
            });
    keras("x, dtype=None", function, keras);
    tensorFlow("input>x, dtype=None, layout=None", function, tensorFlow);
  }

  private static Operand<?> normalizeOfTensorFlow(Ops tf, BoundArguments in) {
    Operand<TNumber> x = in.floats("x");
    Operand<TInt32> axes = tf.constant(in.axes("axis", x));
    Operand<TNumber> squares = Reductions.sum(tf, any(tf.math.square(x)), axes, true);
    Operand<TNumber> bounded = any(tf.math.maximum(squares, in.like("epsilon", x)));
    return tf.math.mul(x, any(tf.math.rsqrt(bounded)));
  }
}
