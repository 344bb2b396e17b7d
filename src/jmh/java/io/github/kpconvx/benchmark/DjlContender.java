package io.github.kpconvx.benchmark;

import ai.djl.MalformedModelException;
import ai.djl.inference.Predictor;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.repository.zoo.Criteria;
import ai.djl.repository.zoo.ModelNotFoundException;
import ai.djl.repository.zoo.ZooModel;
import ai.djl.translate.TranslateException;
import io.github.kpconvx.numpy.NpyArray;
import java.io.IOException;
import java.util.Map;

/** The stored signature, run by DJL's TensorFlow engine. */
final class DjlContender implements Contender {
  private final ZooModel<NDList, NDList> model;
  private final Predictor<NDList, NDList> predictor;
  private final NDManager manager;
  private final NDList inputs = new NDList();

  DjlContender(Workload workload) {
    try {
      model =
          Criteria.builder()
              .setTypes(NDList.class, NDList.class)
              .optEngine("TensorFlow")
              .optModelPath(workload.savedModel())
              .optOption("Tags", "serve")
              .optOption("SignatureDefKey", "serving_default")
              .build()
              .loadModel();
    } catch (IOException | ModelNotFoundException | MalformedModelException e) {
      throw new IllegalStateException("DJL cannot load " + workload.savedModel(), e);
    }
    predictor = model.newPredictor();
    manager = model.getNDManager().newSubManager();
    for (Map.Entry<String, NpyArray> input : workload.inputs().entrySet()) {
      NDArray array = array(input.getValue());
      array.setName(input.getKey());
      inputs.add(array);
    }
  }

  private NDArray array(NpyArray array) {
    Shape shape = new Shape(array.shape());
    return switch (array.type()) {
      case FLOAT32 -> manager.create(array.toFloats(), shape);
      case INT32 -> manager.create(array.toInts(), shape);
      case INT64 -> manager.create(array.toLongs(), shape);
      default -> throw new IllegalArgumentException("No model takes " + array);
    };
  }

  private record DjlAnswer(NDList outputs) implements Answer {
    @Override
    public long[] shape() {
      return outputs.singletonOrThrow().getShape().getShape();
    }

    @Override
    public float[] copy() {
      return outputs.singletonOrThrow().toFloatArray();
    }

    @Override
    public void close() {
      outputs.close();
    }
  }

  @Override
  public Answer answer() {
    try {
      return new DjlAnswer(predictor.predict(inputs));
    } catch (TranslateException e) {
      throw new IllegalStateException("DJL failed", e);
    }
  }

  @Override
  public void close() {
    predictor.close();
    manager.close();
    model.close();
  }
}
