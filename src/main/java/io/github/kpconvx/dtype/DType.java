package io.github.kpconvx.dtype;

import java.util.Arrays;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.tensorflow.proto.DataType;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat16;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.TString;
import org.tensorflow.types.TUint16;
import org.tensorflow.types.TUint8;
import org.tensorflow.types.family.TType;

/**
 * A data type of tensors, as Keras and NumPy name it. TensorFlow Java has no tensors of some of
 * them.
 */
public enum DType {
  /** 16-bit floating point: 11 bits of precision, up to 65504. */
  FLOAT16(DataType.DT_HALF, 2, TFloat16.class),
  /** The upper half of a float32: 8 bits of precision. */
  BFLOAT16(DataType.DT_BFLOAT16, 2, TBfloat16.class),
  /** 32-bit floating point. */
  FLOAT32(DataType.DT_FLOAT, 4, TFloat32.class),
  /** 64-bit floating point. */
  FLOAT64(DataType.DT_DOUBLE, 8, TFloat64.class),
  /** 8-bit signed integer. */
  INT8(DataType.DT_INT8, 1, null),
  /** 16-bit signed integer. */
  INT16(DataType.DT_INT16, 2, null),
  /** 32-bit signed integer. */
  INT32(DataType.DT_INT32, 4, TInt32.class),
  /** 64-bit signed integer. */
  INT64(DataType.DT_INT64, 8, TInt64.class),
  /** 8-bit unsigned integer. */
  UINT8(DataType.DT_UINT8, 1, TUint8.class),
  /** 16-bit unsigned integer. */
  UINT16(DataType.DT_UINT16, 2, TUint16.class),
  /** 32-bit unsigned integer. */
  UINT32(DataType.DT_UINT32, 4, null),
  /** 64-bit unsigned integer. */
  UINT64(DataType.DT_UINT64, 8, null),
  /** Complex numbers of two float32. */
  COMPLEX64(DataType.DT_COMPLEX64, 8, null),
  /** Complex numbers of two float64. */
  COMPLEX128(DataType.DT_COMPLEX128, 16, null),
  /** True or false, a byte each. */
  BOOL(DataType.DT_BOOL, 1, TBool.class),
  /** Strings of bytes, each as long as it likes. */
  STRING(DataType.DT_STRING, 0, TString.class);

  /** The types that layers of floating-point numbers compute in. */
  public static final Set<DType> FLOATS =
      Collections.unmodifiableSet(EnumSet.of(FLOAT16, BFLOAT16, FLOAT32, FLOAT64));

  private final DataType proto;
  private final int bytes;
  private final Class<? extends TType> tensor;

  DType(DataType proto, int bytes, Class<? extends TType> tensor) {
    this.proto = proto;
    this.bytes = bytes;
    this.tensor = tensor;
  }

  /**
   * The name in Keras and NumPy.
   *
   * @return such as {@code float32}
   */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * The type in TensorFlow's files.
   *
   * @return such as {@code DT_FLOAT}
   */
  public DataType proto() {
    return proto;
  }

  /**
   * How large an element is.
   *
   * @return its bytes; 0 for strings, each of which has its own length
   */
  public int bytes() {
    return bytes;
  }

  /**
   * Whether it is a type of real floating-point numbers.
   *
   * @return true if so
   */
  public boolean isFloat() {
    return FLOATS.contains(this);
  }

  /**
   * Whether TensorFlow Java has tensors of it.
   *
   * @return true if so
   */
  public boolean hasTensors() {
    return tensor != null;
  }

  /**
   * The class of its tensors.
   *
   * @return the class
   * @throws IllegalStateException if TensorFlow Java {@linkplain #hasTensors() has none}
   */
  public Class<? extends TType> tensor() {
    if (tensor == null) {
      throw new IllegalStateException("TensorFlow Java has no tensors of " + this);
    }
    return tensor;
  }

  /**
   * The types that TensorFlow Java has tensors of.
   *
   * @return the types
   */
  public static List<DType> ofTensors() {
    return Arrays.stream(values()).filter(DType::hasTensors).toList();
  }

  /**
   * The type of a name in Keras or NumPy.
   *
   * @param name such as {@code float32}
   * @return the type, if there is one
   */
  public static Optional<DType> named(String name) {
    return Arrays.stream(values()).filter(type -> type.toString().equals(name)).findFirst();
  }

  /**
   * The type of a class of tensors.
   *
   * @param tensor the class
   * @return the type
   */
  public static DType of(Class<? extends TType> tensor) {
    return Arrays.stream(values())
        .filter(type -> tensor.equals(type.tensor))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException(tensor + " is no class of tensors"));
  }

  /**
   * The type that TensorFlow's files name.
   *
   * @param proto such as {@code DT_FLOAT}
   * @return the type, if it is one of these
   */
  public static Optional<DType> of(DataType proto) {
    return Arrays.stream(values()).filter(type -> type.proto == proto).findFirst();
  }
}
