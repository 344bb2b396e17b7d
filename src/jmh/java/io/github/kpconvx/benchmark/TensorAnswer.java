package io.github.kpconvx.benchmark;

import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.types.TFloat32;

/**
 * An output of TensorFlow.
 *
 * @param tensor the output
 */
record TensorAnswer(TFloat32 tensor) implements Contender.Answer {
  @Override
  public long[] shape() {
    return tensor.shape().asArray();
  }

  @Override
  public float[] copy() {
    float[] copy = new float[Math.toIntExact(tensor.size())];
    tensor.copyTo(DataBuffers.of(copy));
    return copy;
  }

  @Override
  public void close() {
    tensor.close();
  }
}
