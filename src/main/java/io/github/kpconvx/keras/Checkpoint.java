package io.github.kpconvx.keras;

import java.nio.file.Path;
import java.util.List;
import org.tensorflow.Graph;
import org.tensorflow.Output;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.exceptions.TensorFlowException;
import org.tensorflow.ndarray.NdArrays;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.proto.ConfigProto;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TString;

/**
 * The values of a SavedModel's variables, read with TensorFlow's own restore operation.
 *
 * <p>Safe for use by one thread at a time.
 */
final class Checkpoint implements AutoCloseable {
  /** Where a SavedModel keeps its checkpoint: what its files' names begin with. */
  static final String PREFIX = "variables/variables";

  /** Reading needs no GPU and must not claim the memory of one. */
  private static final ConfigProto CPU_ONLY =
      ConfigProto.newBuilder().putDeviceCount("GPU", 0).build();

  private final String file;
  private final Graph graph = new Graph();
  private final Session session;
  private final Placeholder<TString> key;
  private final Output<?> value;

  /**
   * Prepares to read; the checkpoint's files are opened on each read.
   *
   * @param savedModel a SavedModel directory
   */
  Checkpoint(Path savedModel) {
    file = savedModel.resolve(PREFIX).toString();
    try {
      Ops tf = Ops.create(graph);
      key = tf.placeholder(TString.class, Placeholder.shape(Shape.of(1)));
      value =
          tf.train
              .restore(tf.constant(file), key, tf.array(""), List.of(TFloat32.class))
              .tensors()
              .get(0);
      session = new Session(graph, CPU_ONLY);
    } catch (RuntimeException e) {
      graph.close();
      throw e;
    }
  }

  /**
   * Reads a variable.
   *
   * @param path its place among the SavedModel's objects
   * @param shape the shape that the SavedModel declares
   * @return its value, the caller's to close
   * @throws KerasException if the checkpoint lacks it, holds another type or shape, or is damaged
   */
  TFloat32 read(String path, Shape shape) {
    String name = path + "/.ATTRIBUTES/VARIABLE_VALUE";
    try (TString fed = TString.tensorOf(NdArrays.vectorOfObjects(name));
        Result result = session.runner().feed(key, fed).fetch(value).run()) {
      TFloat32 stored = (TFloat32) result.get(0);
      if (!stored.shape().equals(shape)) {
        throw new KerasException(
            "%s: the checkpoint holds %s with shape %s, expected %s as saved_model.pb declares"
                .formatted(
                    file, path, WeightAlignment.text(stored.shape()), WeightAlignment.text(shape)));
      }
      return TFloat32.tensorOf(shape, stored::copyTo);
    } catch (TensorFlowException e) {
      throw new KerasException(
          "%s: the value of %s cannot be read: %s".formatted(file, path, Failures.reason(e)), e);
    }
  }

  @Override
  public void close() {
    try (graph) {
      session.close();
    }
  }
}
