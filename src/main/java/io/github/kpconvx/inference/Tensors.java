package io.github.kpconvx.inference;

import io.github.kpconvx.numpy.NpyArray;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.tensorflow.Tensor;
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
import org.tensorflow.types.TUint16;
import org.tensorflow.types.TUint8;
import org.tensorflow.types.family.TType;

/**
 * Turns NumPy arrays into tensors and back, with one copy, and shows tensors' memory, with none.
 */
public final class Tensors {
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
   * @throws ModelException if the tensor is too large or holds strings
   * @throws IllegalStateException if the tensor is closed
   */
  public static ByteBuffer memory(Tensor tensor) {
    if (tensor.dataType() == DataType.DT_STRING || tensor.numBytes() > Integer.MAX_VALUE) {
      throw new ModelException(
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
      throw new ModelException("The tensor's memory is not within reach");
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
   * A tensor of an array's type, shape and elements.
   *
   * @param array the array
   * @return a new tensor, the caller's to close
   */
  public static Tensor of(NpyArray array) {
    Tensor tensor = Tensor.of(type(array.type()), Shape.of(array.shape()));
    memory(tensor).put(array.bytes());
    return tensor;
  }

  private static Class<? extends TType> type(NpyArray.Type type) {
    return switch (type) {
      case FLOAT32 -> TFloat32.class;
      case FLOAT64 -> TFloat64.class;
      case INT32 -> TInt32.class;
      case INT64 -> TInt64.class;
      case FLOAT16 -> TFloat16.class;
      case BFLOAT16 -> TBfloat16.class;
      case UINT16 -> TUint16.class;
      case UINT8 -> TUint8.class;
      case BOOL -> TBool.class;
    };
  }

  /**
   * An array of a tensor's type, shape and elements.
   *
   * @param tensor a tensor of numbers or booleans
   * @return the array
   * @throws ModelException if the tensor is of another type, such as strings
   */
  public static NpyArray toArray(Tensor tensor) {
    return NpyArray.of(type(tensor), memory(tensor), tensor.shape().asArray());
  }

  private static NpyArray.Type type(Tensor tensor) {
    return switch (tensor.dataType()) {
      case DT_FLOAT -> NpyArray.Type.FLOAT32;
      case DT_DOUBLE -> NpyArray.Type.FLOAT64;
      case DT_HALF -> NpyArray.Type.FLOAT16;
      case DT_BFLOAT16 -> NpyArray.Type.BFLOAT16;
      case DT_INT32 -> NpyArray.Type.INT32;
      case DT_INT64 -> NpyArray.Type.INT64;
      case DT_UINT16 -> NpyArray.Type.UINT16;
      case DT_UINT8 -> NpyArray.Type.UINT8;
      case DT_BOOL -> NpyArray.Type.BOOL;
      default ->
          throw new ModelException(
              "A tensor of "
                  + tensor.dataType()
                  + " is no array; supported are "
                  + Arrays.stream(NpyArray.Type.values()).map(NpyArray.Type::numpyName).toList());
    };
  }

  /**
   * Computes chosen outputs and stages of a model.
   *
   * @param model the model
   * @param inputs an array for each input
   * @param names which outputs and stages
   * @return an array for each name, in their order
   * @throws ModelException if a name is unknown, or the inputs do not fit the model
   */
  public static Map<String, NpyArray> predict(
      Model model, Map<String, NpyArray> inputs, Collection<String> names) {
    return with(
        inputs,
        tensors -> {
          try (Prediction prediction = model.predict(tensors, names)) {
            Map<String, NpyArray> results = new LinkedHashMap<>();
            prediction.tensors().forEach((name, tensor) -> results.put(name, toArray(tensor)));
            return results;
          }
        });
  }

  /**
   * Runs something on tensors made from arrays, and closes them whatever happens.
   *
   * @param arrays arrays by name
   * @param body gets tensors by name; they are closed when it returns
   * @param <T> what the body gives
   * @return what the body gave
   */
  public static <T> T with(
      Map<String, NpyArray> arrays, java.util.function.Function<Map<String, Tensor>, T> body) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    try {
      arrays.forEach((name, array) -> tensors.put(name, of(array)));
      return body.apply(tensors);
    } finally {
      tensors.values().forEach(Tensor::close);
    }
  }
}
