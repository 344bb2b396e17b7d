package io.github.kpconvx.tensor;

import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.numpy.NumpyException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.NdArray;
import org.tensorflow.ndarray.NdArrays;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataStorageVisitor;
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
 * Turns NumPy arrays into tensors and back, with one copy, and shows tensors' memory, with none.
 */
public final class Tensors {
  private static final Map<NpyArray.Type, Class<? extends TType>> TYPES =
      new EnumMap<>(
          Map.of(
              NpyArray.Type.FLOAT32, TFloat32.class,
              NpyArray.Type.FLOAT64, TFloat64.class,
              NpyArray.Type.INT32, TInt32.class,
              NpyArray.Type.INT64, TInt64.class,
              NpyArray.Type.FLOAT16, TFloat16.class,
              NpyArray.Type.BFLOAT16, TBfloat16.class,
              NpyArray.Type.UINT16, TUint16.class,
              NpyArray.Type.UINT8, TUint8.class,
              NpyArray.Type.BOOL, TBool.class,
              NpyArray.Type.BYTES, TString.class));

  private static final List<String> SUPPORTED =
      TYPES.keySet().stream().map(NpyArray.Type::numpyName).toList();

  private Tensors() {}

  /**
   * The memory of a tensor, to fill or read it without a copy: what is written into the buffer is
   * in the tensor. Such a tensor is fed to a model as it is.
   *
   * <pre>{@code
   * try (TFloat32 x = TFloat32.tensorOf(Shape.of(1, r, 3))) {
   *   FloatBuffer coordinates = Tensors.memory(x).asFloatBuffer();
   *   …
   * }
   * }</pre>
   *
   * @param tensor a tensor of numbers or booleans, of less than 2 GiB
   * @return its elements in C order, in the processor's byte order; not to be used after the tensor
   *     is closed. Where others may read the tensor at the same time, only to be read
   * @throws NumpyException if the tensor is too large or holds strings
   * @throws IllegalStateException if the tensor is closed
   */
  public static ByteBuffer memory(Tensor tensor) {
    if (tensor.dataType() == DataType.DT_STRING || tensor.numBytes() > Integer.MAX_VALUE) {
      throw new NumpyException(
          "The memory of a tensor of %s and %,d bytes is no buffer; expected numbers or booleans, at most %,d bytes"
              .formatted(tensor.dataType(), tensor.numBytes(), Integer.MAX_VALUE));
    }
    ByteBuffer memory =
        tensor.numBytes() == 0
            ? ByteBuffer.allocateDirect(0)
            : tensor.asRawTensor().data().accept(new Memory(tensor.numBytes()));
    return memory.order(ByteOrder.nativeOrder());
  }

  /** Finds out where a tensor lies. */
  private record Memory(long bytes) implements DataStorageVisitor<ByteBuffer> {
    @Override
    public ByteBuffer visit(long address, long length, long scale) {
      return new At(address, bytes).asByteBuffer();
    }

    @Override
    public ByteBuffer visit(ByteBuffer buffer) {
      return buffer.duplicate();
    }

    @Override
    public ByteBuffer fallback() {
      throw new NumpyException("The tensor's memory is not within reach");
    }
  }

  private static final class At extends BytePointer {
    At(long where, long bytes) {
      super((Pointer) null);
      address = where;
      capacity = bytes;
      limit = bytes;
    }
  }

  /**
   * A tensor of an array's type, shape and elements; texts become strings of bytes in UTF-8.
   *
   * @param array the array
   * @return a new tensor, the caller's to close
   * @throws NumpyException if TensorFlow Java has no tensors of the array's type
   */
  public static Tensor of(NpyArray array) {
    if (array.type().isString()) {
      return strings(array);
    }
    Class<? extends TType> type = TYPES.get(array.type());
    if (type == null) {
      throw new NumpyException(
          "There are no tensors of %s; supported are %s"
              .formatted(array.type().numpyName(), SUPPORTED));
    }
    Tensor tensor = Tensor.of(type, Shape.of(array.shape()));
    try {
      memory(tensor).put(array.bytes());
      return tensor;
    } catch (RuntimeException | Error e) {
      tensor.close();
      throw e;
    }
  }

  private static Tensor strings(NpyArray array) {
    NdArray<byte[]> elements = NdArrays.ofObjects(byte[].class, Shape.of(array.shape()));
    Iterator<byte[]> values = array.toByteStrings().iterator();
    elements.scalars().forEach(scalar -> scalar.setObject(values.next()));
    return TString.tensorOfBytes(elements);
  }

  /**
   * A tensor of a type, of an array's shape and elements: any integers where integers are asked
   * for, any floating-point numbers where float32 or float64 are.
   *
   * @param array the array
   * @param type the tensor's type
   * @return a new tensor, the caller's to close
   * @throws NumpyException if the type cannot hold an element as it is, or is of another kind
   */
  public static Tensor of(NpyArray array, Class<? extends TType> type) {
    return of(array.as(arrayType(type)));
  }

  /**
   * The type of the elements of arrays of a type of tensors.
   *
   * @param type the type of tensors
   * @return the type of arrays
   * @throws NumpyException if there is none
   */
  public static NpyArray.Type arrayType(Class<? extends TType> type) {
    for (Map.Entry<NpyArray.Type, Class<? extends TType>> known : TYPES.entrySet()) {
      if (known.getValue().equals(type)) {
        return known.getKey();
      }
    }
    throw new NumpyException(
        "A tensor of " + type.getSimpleName() + " is no array; supported are " + SUPPORTED);
  }

  /**
   * An array of a tensor's type, shape and elements.
   *
   * @param tensor a tensor of numbers, booleans or strings
   * @return the array, of strings of bytes for strings
   * @throws NumpyException if the tensor is of another type, or holds strings that arrays do not
   */
  public static NpyArray toArray(Tensor tensor) {
    if (tensor instanceof TString strings) {
      List<byte[]> values = new ArrayList<>();
      strings.asBytes().scalars().forEach(scalar -> values.add(scalar.getObject()));
      return NpyArray.ofBytes(values, tensor.shape().asArray());
    }
    return NpyArray.of(
        arrayType(((TType) tensor).type()), memory(tensor), tensor.shape().asArray());
  }

  /**
   * Runs something on tensors made from arrays, and closes them whatever happens.
   *
   * @param arrays arrays by name
   * @param body gets tensors by name; they are closed when it returns
   * @param <T> what the body gives
   * @return what the body gave
   */
  public static <T> T with(Map<String, NpyArray> arrays, Function<Map<String, Tensor>, T> body) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    try {
      arrays.forEach((name, array) -> tensors.put(name, of(array)));
      return body.apply(tensors);
    } finally {
      tensors.values().forEach(Tensor::close);
    }
  }
}
