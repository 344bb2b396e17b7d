package io.github.kpconvx.layer.operation;

import static io.github.kpconvx.layer.operation.Operations.keras;
import static io.github.kpconvx.layer.operation.Operations.tensorFlow;
import static io.github.kpconvx.layer.operation.Tensors.any;

import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Gather;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TNumber;

/**
 * Operations by order. Values are gathered by their places, which has a gradient; TopKV2 has none
 * in TensorFlow's C++ library.
 */
final class Sorting {
  private Sorting() {}

  static void define() {
    Function topK = Sorting::topK;
    keras("x, k, sorted=True", topK, "TopK");
    tensorFlow("input>x, k=1, sorted=True, index_type=None", topK, "math.top_k", "nn.top_k");
    keras("x, axis=-1", Function.of((tf, in) -> sort(tf, in, true)), "Sort");
    keras("x, axis=-1", Function.of((tf, in) -> sort(tf, in, false)), "Argsort");
    tensorFlow(
        "values>x, axis=-1, direction=\"ASCENDING\"",
        Function.of((tf, in) -> sort(tf, in, true)),
        "sort");
    tensorFlow(
        "values>x, axis=-1, direction=\"ASCENDING\", stable=False",
        Function.of((tf, in) -> sort(tf, in, false)),
        "argsort");
  }

  /** The places of the greatest k along the last axis, the earlier first among equals. */
  private static Operand<TInt32> places(Ops tf, Operand<TNumber> x, Operand<TInt32> k) {
    return tf.nn.topK(any(tf.stopGradient(x)), k, TInt32.class).indices();
  }

  private static Operand<TNumber> at(Ops tf, Operand<TNumber> x, Operand<TInt32> places) {
    int last = Tensors.rank(x) - 1;
    return any(tf.gather(x, places, tf.constant(last), Gather.batchDims((long) last)));
  }

  private static List<? extends Operand<?>> topK(Ops tf, BoundArguments in) {
    Operand<TNumber> x = in.tensor("x");
    int k = in.integer("k");
    long size = Tensors.rank(x) == 0 ? 0 : x.shape().get(Tensors.rank(x) - 1);
    if (k < 1 || (Tensors.isKnown(size) && k > size)) {
      throw in.error(
          "k = %d, expected one from 1 to the last size of its input of shape %s"
              .formatted(k, x.shape()));
    }
    Operand<TInt32> places = places(tf, x, tf.constant(k));
    return List.of(at(tf, x, places), places);
  }

  private static Operand<?> sort(Ops tf, BoundArguments in, boolean values) {
    Operand<TNumber> given = in.tensor("x");
    Operand<TNumber> x = in.isNone("axis") ? any(tf.reshape(given, tf.array(-1))) : given;
    int axis = in.isNone("axis") ? 0 : in.axis("axis", x);
    boolean descending = in.isTensorFlow() && in.text("direction").equals("DESCENDING");
    Operand<TNumber> rows = Shaping.move(tf, x, axis, Tensors.rank(x) - 1);
    Operand<TNumber> number =
        Tensors.type(rows) == NumericType.BOOL ? any(Tensors.int32(tf, rows)) : rows;
    Operand<TInt32> size = Tensors.size(tf, rows, Tensors.rank(rows) - 1);
    Operand<TInt32> places = places(tf, descending ? number : reversed(tf, number), size);
    Operand<TNumber> found = values ? at(tf, rows, places) : any(places);
    return Shaping.move(tf, found, Tensors.rank(x) - 1, axis);
  }

  /** In the opposite order: −x, or of whole numbers −1 − x, which no least one overflows. */
  private static Operand<TNumber> reversed(Ops tf, Operand<TNumber> x) {
    return Tensors.isFloat(x)
        ? any(tf.math.neg(x))
        : any(tf.math.sub(Tensors.scalar(tf, -1, x), x));
  }
}
