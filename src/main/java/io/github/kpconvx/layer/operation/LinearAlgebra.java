package io.github.kpconvx.layer.operation;

import static io.github.kpconvx.layer.operation.Operations.keras;
import static io.github.kpconvx.layer.operation.Operations.tensorFlow;
import static io.github.kpconvx.layer.operation.Tensors.any;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.op.linalg.MatMul;
import org.tensorflow.op.train.BatchMatMul;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TNumber;

/** Products of vectors, matrices and tensors. */
final class LinearAlgebra {
  private LinearAlgebra() {}

  static void define() {
    keras("x1, x2", Function.of(LinearAlgebra::matmul), "Matmul");
    tensorFlow(
        "a>x1, b>x2, transpose_a=False, transpose_b=False, adjoint_a=False, adjoint_b=False,"
            + " a_is_sparse=False, b_is_sparse=False, output_type=None",
        Function.of(LinearAlgebra::matmulOfTensorFlow),
        "linalg.matmul",
        "matmul");
    keras("subscripts, *operands", Function.of(LinearAlgebra::einsum), "Einsum");
    keras("x, ord=None, axis=None, keepdims=False", Function.of(LinearAlgebra::norm), "Norm");
    tensorFlow(
        "tensor>x, ord=\"euclidean\", axis=None, keepdims=None, keep_dims=None",
        Function.of(LinearAlgebra::norm),
        "compat.v1.norm",
        "norm",
        "linalg.norm");
    keras("x, axis=-1, order=2, epsilon=None", Function.of(LinearAlgebra::normalize), "Normalize");
  }

  /** As NumPy's: a vector is a row on the left and a column on the right. */
  private static Operand<?> matmul(Ops tf, BoundArguments in) {
    List<Operand<TNumber>> both = in.promoted("x1", "x2");
    Operand<TNumber> a = both.get(0);
    Operand<TNumber> b = both.get(1);
    if (Tensors.rank(a) == 0 || Tensors.rank(b) == 0) {
      throw in.error("cannot multiply tensors of shapes %s and %s".formatted(a.shape(), b.shape()));
    }
    boolean row = Tensors.rank(a) == 1;
    boolean column = Tensors.rank(b) == 1;
    if (row) {
      a = any(tf.expandDims(a, tf.constant(0)));
    }
    if (column) {
      b = any(tf.expandDims(b, tf.constant(1)));
    }
    Operand<TNumber> product = product(tf, in, a, b, false, false);
    int rank = Tensors.rank(product);
    if (column) {
      product = Shaping.drop(tf, product, rank - 1);
    }
    return row ? Shaping.drop(tf, product, rank - 2) : product;
  }

  private static Operand<?> einsum(Ops tf, BoundArguments in) {
    return tf.linalg.einsum(in.promotedList("operands"), in.text("subscripts").replace(" ", ""));
  }

  /** Of vectors along one or all axes: the root of squares, the sum, or the greatest. */
  private static Operand<?> norm(Ops tf, BoundArguments in) {
    Operand<TNumber> x = in.floats("x");
    int[] axes = in.axes("axis", x);
    boolean euclidean =
        in.isNone("ord") || in.isText("ord", "euclidean") || in.isText("ord", "fro");
    if (!euclidean && axes.length != 1) {
      throw in.error("ord and axes %s, expected one axis".formatted(Arrays.toString(axes)));
    }
    double order = euclidean ? 2 : in.number("ord");
    return norm(tf, in, x, tf.constant(axes), order, in.bool("keepdims"));
  }

  private static Operand<TNumber> norm(
      Ops tf,
      BoundArguments in,
      Operand<TNumber> x,
      Operand<TInt32> axes,
      double order,
      boolean keep) {
    if (order == 2) {
      return any(tf.math.sqrt(Reductions.sum(tf, any(tf.math.square(x)), axes, keep)));
    }
    Operand<TNumber> sizes = any(tf.math.abs(x));
    if (order == 1) {
      return Reductions.sum(tf, sizes, axes, keep);
    }
    if (order == Double.POSITIVE_INFINITY) {
      return Reductions.max(tf, sizes, axes, keep);
    }
    throw in.error("order %s, expected 1, 2 or infinity".formatted(order));
  }

  private static Operand<?> normalize(Ops tf, BoundArguments in) {
    Operand<TNumber> x = in.floats("x");
    double least =
        in.isNone("epsilon")
            ? Tensors.type(x) == NumericType.FLOAT16 ? 1e-3 : 1e-7
            : in.number("epsilon");
    Operand<TInt32> axes = tf.constant(in.axes("axis", x));
    if (in.number("order") == 2) { // Bounded before the root, whose slope at 0 is infinite.
      Operand<TNumber> squares = Reductions.sum(tf, any(tf.math.square(x)), axes, true);
      Operand<TNumber> bounded =
          any(tf.math.maximum(squares, Tensors.scalar(tf, least * least, x)));
      return tf.math.mul(x, any(tf.math.rsqrt(bounded)));
    }
    Operand<TNumber> norm = norm(tf, in, x, axes, in.number("order"), true);
    return tf.math.div(x, any(tf.math.maximum(norm, Tensors.scalar(tf, least, x))));
  }

  private static Operand<?> matmulOfTensorFlow(Ops tf, BoundArguments in) {
    List<Operand<TNumber>> both = in.promoted("x1", "x2");
    if (both.stream().anyMatch(x -> Tensors.rank(x) < 2)) {
      throw in.error(
          "cannot multiply tensors of shapes %s and %s; expected at least two axes each"
              .formatted(both.get(0).shape(), both.get(1).shape()));
    }
    return product(
        tf,
        in,
        both.get(0),
        both.get(1),
        in.bool("transpose_a") || in.bool("adjoint_a"),
        in.bool("transpose_b") || in.bool("adjoint_b"));
  }

  /** Products of matrices that lie along the last two axes; the axes before fit each other. */
  static Operand<TNumber> product(
      Ops tf,
      BoundArguments in,
      Operand<TNumber> a,
      Operand<TNumber> b,
      boolean transposeA,
      boolean transposeB) {
    int rank = Tensors.rank(a);
    long inner = a.shape().get(transposeA ? rank - 2 : rank - 1);
    long other = b.shape().get(Tensors.rank(b) - (transposeB ? 1 : 2));
    if (inner != other && Tensors.isKnown(inner) && Tensors.isKnown(other)) {
      throw in.error(
          "cannot multiply matrices of shapes %s and %s, as %d is not %d"
              .formatted(a.shape(), b.shape(), inner, other));
    }
    if (rank > 2 && Tensors.rank(b) == 2 && !transposeA) { // One product of many rows.
      List<Operand<TInt32>> sizes = new ArrayList<>(Tensors.sizes(tf, a));
      Operand<TInt32> columns = Tensors.size(tf, b, transposeB ? 0 : 1);
      Operand<TNumber> rows =
          any(tf.reshape(a, Tensors.pack(tf, List.of(tf.constant(-1), sizes.get(rank - 1)))));
      sizes.set(rank - 1, columns);
      return any(
          tf.reshape(
              tf.linalg.matMul(rows, b, MatMul.transposeB(transposeB)), Tensors.pack(tf, sizes)));
    }
    return any(
        tf.train.batchMatMul(
            a, b, a.type(), BatchMatMul.adjX(transposeA), BatchMatMul.adjY(transposeB)));
  }
}
