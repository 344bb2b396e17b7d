package io.github.kpconvx.benchmark;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import io.github.kpconvx.numpy.NpyArray;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** The model's ONNX file, run by ONNX Runtime. */
final class OnnxRuntimeContender implements Contender {
  private final OrtSession session;
  private final Map<String, OnnxTensor> inputs = new LinkedHashMap<>();

  OnnxRuntimeContender(Workload workload) {
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
      // By itself it counts the machine's cores, not those that this process may use.
      options.setIntraOpNumThreads(Runtime.getRuntime().availableProcessors());
      options.setInterOpNumThreads(1);
      session = environment.createSession(workload.onnx().toString(), options);
      for (Map.Entry<String, NpyArray> input : workload.inputs().entrySet()) {
        inputs.put(input.getKey(), tensor(environment, input.getValue()));
      }
    } catch (OrtException e) {
      throw new IllegalStateException("ONNX Runtime cannot load " + workload.onnx(), e);
    }
  }

  private static OnnxTensor tensor(OrtEnvironment environment, NpyArray array) throws OrtException {
    ByteBuffer bytes = array.bytes();
    ByteBuffer direct =
        ByteBuffer.allocateDirect(bytes.remaining())
            .order(ByteOrder.nativeOrder())
            .put(bytes)
            .flip();
    long[] shape = array.shape();
    return switch (array.type()) {
      case FLOAT32 -> OnnxTensor.createTensor(environment, direct.asFloatBuffer(), shape);
      case INT32 -> OnnxTensor.createTensor(environment, direct.asIntBuffer(), shape);
      case INT64 -> OnnxTensor.createTensor(environment, direct.asLongBuffer(), shape);
      default -> throw new IllegalArgumentException("No model takes " + array);
    };
  }

  private record OnnxAnswer(OrtSession.Result result) implements Answer {
    private OnnxTensor tensor() {
      return (OnnxTensor) result.get(0);
    }

    @Override
    public long[] shape() {
      return tensor().getInfo().getShape();
    }

    @Override
    public float[] copy() {
      return tensor().getFloatBuffer().array();
    }

    @Override
    public void close() {
      result.close();
    }
  }

  @Override
  public Answer answer() {
    try {
      return new OnnxAnswer(session.run(inputs, Set.of(Workload.OUTPUT)));
    } catch (OrtException e) {
      throw new IllegalStateException("ONNX Runtime failed", e);
    }
  }

  @Override
  public void close() {
    inputs.values().forEach(OnnxTensor::close);
    try {
      session.close();
    } catch (OrtException e) {
      throw new IllegalStateException("ONNX Runtime cannot close its session", e);
    }
  }
}
