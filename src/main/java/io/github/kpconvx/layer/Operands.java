package io.github.kpconvx.layer;

import org.tensorflow.Operand;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TType;

/** Operands whose type is known to who asks, though not to the compiler. */
public final class Operands {
  private Operands() {}

  /**
   * An operand of float32.
   *
   * @param operand the operand
   * @return the same
   * @throws ClassCastException if it is of another type
   */
  public static Operand<TFloat32> floats(Operand<?> operand) {
    return of(TFloat32.class, operand);
  }

  /**
   * An operand of int32.
   *
   * @param operand the operand
   * @return the same
   * @throws ClassCastException if it is of another type
   */
  public static Operand<TInt32> integers(Operand<?> operand) {
    return of(TInt32.class, operand);
  }

  @SuppressWarnings("unchecked") // The type is checked.
  private static <T extends TType> Operand<T> of(Class<T> type, Operand<?> operand) {
    if (!operand.type().equals(type)) {
      throw new ClassCastException(operand + " is no " + type.getSimpleName());
    }
    return (Operand<T>) operand;
  }
}
