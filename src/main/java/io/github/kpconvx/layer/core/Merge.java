package io.github.kpconvx.layer.core;

import io.github.kpconvx.dtype.DType;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.LayerCall;
import io.github.kpconvx.layer.Operands;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.BinaryOperator;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TFloating;
import org.tensorflow.types.family.TNumber;
import org.tensorflow.types.family.TType;

/**
 * Keras's layers that merge tensors element by element, from left to right: {@code Add}, {@code
 * Subtract}, {@code Multiply}, {@code Average}, {@code Maximum} and {@code Minimum}.
 *
 * <p>Sizes of 1 are stretched. Inputs of fewer dimensions get sizes of 1 after the batch's until
 * all have as many. An average of integers is float32, or float64 for those of 32 and more bits.
 *
 * <p>Of masked inputs, Keras 3 leaves out of products, maxima and minima what does not count; an
 * element counts then if it does in any input, as long as each has a mask. In Keras 2 the result
 * does not depend on masks, and an element counts if it does in every input that has a mask.
 *
 * @see <a href="https://keras.io/api/layers/merging_layers/">Merging layers in Keras</a>
 */
public final class Merge extends Layer {
  private enum Operation {
    ADD,
    SUBTRACT,
    MULTIPLY,
    AVERAGE,
    MAXIMUM,
    MINIMUM
  }

  private static final Map<String, Operation> OPERATIONS =
      Map.of(
          "Add", Operation.ADD,
          "Subtract", Operation.SUBTRACT,
          "Multiply", Operation.MULTIPLY,
          "Average", Operation.AVERAGE,
          "Maximum", Operation.MAXIMUM,
          "Minimum", Operation.MINIMUM);

  /** The Keras class names. */
  public static final Set<String> CLASS_NAMES = OPERATIONS.keySet();

  private final Operation operation;

  /**
   * Reads a serialized layer.
   *
   * @param object the serialized layer
   * @throws KerasException if a key is unknown
   */
  public Merge(KerasObject object) {
    super(object, DType.FLOATS);
    object.config().rejectUnknownKeys(List.of());
    this.operation = OPERATIONS.get(object.className());
  }

  @Override
  protected void createWeights(Ops tf, List<Shape> inputs) {
    if (operation == Operation.SUBTRACT && inputs.size() != 2) {
      throw new KerasException(serialize().describe() + ": expected two inputs, got " + inputs);
    }
    Shape shape = inputs.get(0);
    for (Shape other : inputs) {
      if (!fit(shape, other)) {
        throw new KerasException(
            "%s: cannot merge inputs of shapes %s; expected equal sizes, or 1, of the batch and,"
                    .formatted(serialize().describe(), inputs)
                + " counted from the last, of every other dimension");
      }
      shape = merged(shape, other);
    }
  }

  /** Whether two shapes are equal in the batch and elsewhere stretch to one another. */
  private static boolean fit(Shape a, Shape b) {
    if (a.numDimensions() == 0 || b.numDimensions() == 0) {
      return false;
    }
    boolean fits = agree(a.get(0), b.get(0));
    for (int d = 1; d < Math.min(a.numDimensions(), b.numDimensions()); d++) {
      long m = a.get(a.numDimensions() - d);
      long n = b.get(b.numDimensions() - d);
      fits &= m == 1 || n == 1 || agree(m, n);
    }
    return fits;
  }

  private static boolean agree(long a, long b) {
    return a == b || a == Shape.UNKNOWN_SIZE || b == Shape.UNKNOWN_SIZE;
  }

  /** What two shapes that fit give. */
  private static Shape merged(Shape a, Shape b) {
    if (a.numDimensions() < b.numDimensions()) {
      return merged(b, a);
    }
    long[] sizes = a.asArray();
    for (int d = 1; d < b.numDimensions(); d++) {
      int at = sizes.length - d;
      long n = b.get(b.numDimensions() - d);
      sizes[at] = sizes[at] == 1 ? n : n == 1 || n == sizes[at] ? sizes[at] : Shape.UNKNOWN_SIZE;
    }
    return Shape.of(sizes);
  }

  @Override
  protected List<Operand<?>> compute(Ops tf, LayerCall call) {
    List<Operand<?>> inputs = call.inputs();
    boolean mixed = inputs.stream().map(Operand::type).distinct().count() > 1;
    // As Keras 3 promotes integers beside its floats; Keras 2 merges only what is of one type.
    Class<? extends TType> type = mixed ? computeType().tensor() : inputs.get(0).type();
    if (!TNumber.class.isAssignableFrom(type)) {
      floats(inputs.get(0), "input 0");
    }
    return List.of(merge(tf, call, type.asSubclass(TNumber.class)));
  }

  private <T extends TNumber> Operand<?> merge(Ops tf, LayerCall call, Class<T> type) {
    List<Operand<?>> inputs = call.inputs();
    int rank = inputs.stream().mapToInt(input -> input.shape().numDimensions()).max().orElseThrow();
    List<Operand<T>> values = new ArrayList<>();
    Map<Integer, Operand<TBool>> masks = new HashMap<>();
    for (int i = 0; i < inputs.size(); i++) {
      Operand<T> value = of(tf, inputs.get(i), type, "input " + i);
      boolean whole = value.shape().numDimensions() == rank;
      for (int d = value.shape().numDimensions(); d < rank; d++) {
        value = tf.expandDims(value, tf.constant(1));
      }
      values.add(value);
      // Keras loses the mask of what it reshapes.
      if (whole && call.masks().containsKey(i) && !serialize().isOfKeras2()) {
        masks.put(i, tf.expandDims(call.masks().get(i), tf.constant(-1)));
      }
    }
    return switch (operation) {
      case ADD -> sum(tf, values);
      case SUBTRACT -> tf.math.sub(values.get(0), values.get(1));
      case MULTIPLY -> product(tf, values, masks);
      case AVERAGE -> average(tf, values);
      case MAXIMUM -> extreme(tf, values, masks, tf.math::maximum);
      case MINIMUM -> extreme(tf, values, masks, tf.math::minimum);
    };
  }

  private <T extends TNumber> Operand<T> of(Ops tf, Operand<?> input, Class<T> type, String what) {
    boolean promoted =
        List.of(TInt32.class, TInt64.class).contains(input.type())
            && TFloating.class.isAssignableFrom(type);
    return promoted ? tf.dtypes.cast(input, type) : typed(input, type, what);
  }

  private static <T extends TNumber> Operand<T> sum(Ops tf, List<Operand<T>> values) {
    return values.stream().reduce(tf.math::add).orElseThrow();
  }

  private static <T extends TNumber> Operand<?> average(Ops tf, List<Operand<T>> values) {
    Operand<T> sum = sum(tf, values);
    if (TFloating.class.isAssignableFrom(sum.type())) {
      return tf.math.div(sum, Operands.scalar(tf, values.size(), sum));
    }
    boolean large = List.of(TInt32.class, TInt64.class).contains(sum.type());
    return large
        ? quotient(tf, tf.dtypes.cast(sum, TFloat64.class), values.size())
        : quotient(tf, tf.dtypes.cast(sum, TFloat32.class), values.size());
  }

  private static <T extends TNumber> Operand<T> quotient(Ops tf, Operand<T> x, int divisor) {
    return tf.math.div(x, Operands.scalar(tf, divisor, x));
  }

  /** What does not count is 1, and 0 in the result if it counts nowhere and each has a mask. */
  private static <T extends TNumber> Operand<T> product(
      Ops tf, List<Operand<T>> values, Map<Integer, Operand<TBool>> masks) {
    Operand<T> product = null;
    for (int i = 0; i < values.size(); i++) {
      Operand<T> value = values.get(i);
      if (masks.containsKey(i)) {
        value = Operands.select(tf, masks.get(i), value, Operands.scalar(tf, 1, value));
      }
      product = product == null ? value : tf.math.mul(product, value);
    }
    if (masks.size() < values.size()) {
      return product;
    }
    Operand<TBool> any = masks.values().stream().reduce(tf.math::logicalOr).orElseThrow();
    return Operands.select(tf, any, product, Operands.scalar(tf, 0, product));
  }

  /** What does not count leaves the other as it is. */
  private static <T extends TNumber> Operand<T> extreme(
      Ops tf,
      List<Operand<T>> values,
      Map<Integer, Operand<TBool>> masks,
      BinaryOperator<Operand<T>> of) {
    Operand<T> found = values.get(0);
    Operand<TBool> counts = masks.get(0);
    for (int i = 1; i < values.size(); i++) {
      Operand<T> value = values.get(i);
      Operand<TBool> mask = masks.get(i);
      if (mask != null) {
        value = Operands.select(tf, mask, value, found);
      }
      if (counts != null) {
        found = Operands.select(tf, counts, found, value);
      }
      counts = mask == null || counts == null ? null : tf.math.logicalOr(counts, mask);
      found = of.apply(found, value);
    }
    return found;
  }

  @Override
  protected Map<Integer, Operand<TBool>> computeMasks(
      Ops tf, LayerCall call, List<Operand<?>> outputs) {
    List<Operand<TBool>> masks = new ArrayList<>(new TreeMap<>(call.masks()).values());
    boolean known =
        serialize().isOfKeras2() ? !masks.isEmpty() : masks.size() == call.inputs().size();
    if (!known) {
      return Map.of();
    }
    BinaryOperator<Operand<TBool>> both =
        serialize().isOfKeras2() ? tf.math::logicalAnd : tf.math::logicalOr;
    return Map.of(0, masks.stream().reduce(both).orElseThrow());
  }
}
