package io.github.kpconvx.layer.operation;

import static io.github.kpconvx.layer.operation.Operations.keras;
import static io.github.kpconvx.layer.operation.Operations.tensorFlow;
import static io.github.kpconvx.layer.operation.Tensors.any;

import java.util.ArrayList;
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
