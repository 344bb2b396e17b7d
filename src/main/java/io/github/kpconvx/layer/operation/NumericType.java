package io.github.kpconvx.layer.operation;

import io.github.kpconvx.dtype.DType;
import io.github.kpconvx.keras.KerasException;
import java.util.Arrays;
import java.util.Collection;
import java.util.Locale;
import java.util.stream.Collectors;
import org.tensorflow.types.family.TType;

/**
 * A type of elements, among them Python's numbers, which take the type of what they meet. The order
 * is that of Keras's promotion: of two types the later one is computed in.
 *
 * @see <a
 *     href="https://github.com/keras-team/keras/blob/v3.6.0/keras/src/backend/common/dtypes.py">Type
 *     promotion in Keras</a>
 */
enum NumericType {
  BOOL(DType.BOOL),
  PYTHON_INT(DType.INT32),
  UINT8(DType.UINT8),
  UINT16(DType.UINT16),
  INT32(DType.INT32),
  INT64(DType.INT64),
  PYTHON_FLOAT(DType.FLOAT32),
  BFLOAT16(DType.BFLOAT16),
  FLOAT16(DType.FLOAT16),
  FLOAT32(DType.FLOAT32),
  FLOAT64(DType.FLOAT64);

  private final DType type;

  NumericType(DType type) {
    this.type = type;
  }

  /** The type of a tensor's elements. */
  static NumericType of(Class<? extends TType> type) {
    return Arrays.stream(values())
        .filter(known -> known.type == DType.of(type) && !known.isPython())
        .findFirst()
        .orElseThrow(
            () ->
                new KerasException(
                    "A tensor is " + DType.of(type) + ", expected one of " + names()));
  }

  /**
   * A type by the name that Keras gives it.
   *
   * @param owner who names it, for messages
   * @param name such as {@code float32}
   */
  static NumericType named(String owner, String name) {
    return Arrays.stream(values())
        .filter(type -> !type.isPython() && type.toString().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new KerasException(
                    owner + ": dtype = \"" + name + "\", expected one of " + names()));
  }

  private static String names() {
    return Arrays.stream(values())
        .filter(type -> !type.isPython())
        .map(NumericType::toString)
        .collect(Collectors.joining(", "));
  }

  /** What is computed in where these meet: Keras's {@code result_type}. */
  static NumericType common(Collection<NumericType> types) {
    NumericType last = types.stream().max(NumericType::compareTo).orElse(FLOAT32);
    return last == FLOAT16 && types.contains(BFLOAT16) ? FLOAT32 : last;
  }

  /** The type of tensors of such elements. */
  Class<? extends TType> tensorType() {
    return type.tensor();
  }

  boolean isFloat() {
    return compareTo(PYTHON_FLOAT) >= 0;
  }

  boolean isPython() {
    return this == PYTHON_INT || this == PYTHON_FLOAT;
  }

  /** As Keras names it. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
