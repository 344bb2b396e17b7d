package io.github.kpconvx.dtype;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.OptionalInt;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.ByteDataBuffer;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.types.family.TType;

/** The elements of tensors of numbers, whatever their type. */
public final class TensorData {
  private TensorData() {}

  /**
   * A tensor of given bytes.
   *
   * @param type its type
   * @param shape its shape
   * @param bytes its elements in C order, in the processor's byte order
   * @return a new tensor, the caller's to close
   */
  public static TType tensor(DType type, Shape shape, byte[] bytes) {
    return (TType) Tensor.of(type.tensor(), shape, DataBuffers.of(bytes, true, false));
  }

  /**
   * A tensor's elements.
   *
   * @param tensor a tensor of numbers, of less than 2 GiB
   * @return a copy of its elements in C order, in the processor's byte order
   */
  public static byte[] bytes(Tensor tensor) {
    ByteDataBuffer data = tensor.asRawTensor().data();
    byte[] bytes = new byte[Math.toIntExact(tensor.numBytes())];
    data.read(bytes);
    return bytes;
  }

  /**
   * A tensor like another.
   *
   * @param tensor a tensor of numbers
   * @return a new tensor, the caller's to close
   */
  public static TType copy(TType tensor) {
    return (TType)
        Tensor.of(
            tensor.type(),
            tensor.shape(),
            copy -> tensor.asRawTensor().data().copyTo(copy.asRawTensor().data(), copy.numBytes()));
  }

  /**
   * The first element that is no finite number.
   *
   * @param tensor a tensor of numbers, of less than 2 GiB
   * @return its place in C order; empty if all are finite, as integers are
   */
  public static OptionalInt notFinite(TType tensor) {
    DType type = DType.of(tensor.type());
    if (!type.isFloat()) {
      return OptionalInt.empty();
    }
    IntToDoubleFunction elements = elements(type, bytes(tensor));
    return IntStream.range(0, Math.toIntExact(tensor.size()))
        .filter(i -> !Double.isFinite(elements.applyAsDouble(i)))
        .findFirst();
  }

  /** The elements as numbers; of float16 and its like, what is finite in the one stays so. */
  private static IntToDoubleFunction elements(DType type, byte[] bytes) {
    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
    return switch (type) {
      case FLOAT64 -> i -> buffer.getDouble(i * Double.BYTES);
      case FLOAT32 -> i -> buffer.getFloat(i * Float.BYTES);
      case BFLOAT16 -> i -> Float.intBitsToFloat(buffer.getShort(i * Short.BYTES) << Short.SIZE);
      case FLOAT16 -> i -> half(buffer.getShort(i * Short.BYTES));
      default -> throw new IllegalArgumentException(type + " is no type of floating-point numbers");
    };
  }

  /** An IEEE 754 binary16: 1 bit of sign, 5 of exponent, 10 of fraction. */
  private static double half(short bits) {
    int exponent = bits >> 10 & 0x1f;
    int fraction = bits & 0x3ff;
    double magnitude =
        switch (exponent) {
          case 0 -> Math.scalb((double) fraction, -24);
          case 0x1f -> fraction == 0 ? Double.POSITIVE_INFINITY : Double.NaN;
          default -> Math.scalb((double) (fraction | 0x400), exponent - 25);
        };
    return bits < 0 ? -magnitude : magnitude;
  }

  /**
   * An element as text, for messages.
   *
   * @param tensor a tensor of floating-point numbers
   * @param place the element's place in C order
   * @return such as {@code NaN}
   */
  public static String text(TType tensor, int place) {
    DType type = DType.of(tensor.type());
    return String.valueOf((float) elements(type, bytes(tensor)).applyAsDouble(place));
  }
}
