package io.github.kpconvx.benchmark;

import io.github.kpconvx.numpy.NpyArray;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.Map;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TType;

/**
 * A workload's inputs as tensors, made with TensorFlow Java alone.
 *
 * @param tensors X, F and N by name
 */
record NativeInputs(Map<String, Tensor> tensors) implements AutoCloseable {
  static NativeInputs of(Workload workload) {
    NativeInputs inputs = new NativeInputs(new LinkedHashMap<>());
    workload.inputs().forEach((name, array) -> inputs.tensors.put(name, tensor(array)));
    return inputs;
  }

  private static Tensor tensor(NpyArray array) {
    ByteBuffer buffer = array.bytes();
    byte[] bytes = new byte[buffer.remaining()];
    buffer.get(bytes);
    Class<? extends TType> type =
        switch (array.type()) {
          case FLOAT32 -> TFloat32.class;
          case INT32 -> TInt32.class;
          case INT64 -> TInt64.class;
          default -> throw new IllegalArgumentException("No model takes " + array);
        };
    return Tensor.of(type, Shape.of(array.shape()), DataBuffers.of(bytes));
  }

  @Override
  public void close() {
    tensors.values().forEach(Tensor::close);
  }
}
