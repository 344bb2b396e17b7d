package io.github.kpconvx.keras.savedmodel;

import com.google.protobuf.InvalidProtocolBufferException;
import io.github.kpconvx.dtype.DType;
import io.github.kpconvx.dtype.TensorData;
import io.github.kpconvx.io.Failures;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.weights.WeightAlignment;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.exceptions.TensorFlowException;
import org.tensorflow.ndarray.NdArrays;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.proto.ConfigProto;
import org.tensorflow.proto.TrackableObjectGraphOuterClass.TrackableObjectGraph;
import org.tensorflow.proto.TrackableObjectGraphOuterClass.TrackableObjectGraph.TrackableObject;
import org.tensorflow.proto.TrackableObjectGraphOuterClass.TrackableObjectGraph.TrackableObject.ObjectReference;
import org.tensorflow.proto.TrackableObjectGraphOuterClass.TrackableObjectGraph.TrackableObject.SerializedTensor;
import org.tensorflow.types.TString;
import org.tensorflow.types.family.TType;

/**
 * The values of variables in a checkpoint, as a SavedModel holds one too, read with TensorFlow's
 * own restore operation.
 *
 * <p>Safe for use by one thread at a time.
 */
final class Checkpoint implements AutoCloseable {
  /** Where a SavedModel keeps its checkpoint: what its files' names begin with. */
  static final String PREFIX = "variables/variables";

  /** Reading needs no GPU and must not claim the memory of one. */
  private static final ConfigProto CPU_ONLY =
      ConfigProto.newBuilder().putDeviceCount("GPU", 0).build();

  /** The key of a description of the saved objects, which tells the keys of their values. */
  static final String OBJECTS = "_CHECKPOINTABLE_OBJECT_GRAPH";

  private static final String VALUE = "VARIABLE_VALUE";

  private final String file;
  private final Graph graph = new Graph();
  private final Session session;
  private final Placeholder<TString> key;
  private final Map<DType, Output<?>> values = new EnumMap<>(DType.class);
  private final Ops tf = Ops.create(graph);
  private final Output<?> text;
  private TrackableObjectGraph objects;

  /**
   * Prepares to read; the checkpoint's files are opened on each read.
   *
   * @param prefix what the names of its files begin with
   */
  Checkpoint(Path prefix) {
    file = prefix.toString();
    try {
      key = tf.placeholder(TString.class, Placeholder.shape(Shape.of(1)));
      text = restore(TString.class);
      session = new Session(graph, CPU_ONLY);
    } catch (RuntimeException e) {
      graph.close();
      throw e;
    }
  }

  private Output<?> restore(Class<? extends TType> type) {
    return tf.train.restore(tf.constant(file), key, tf.array(""), List.of(type)).tensors().get(0);
  }

  /**
   * Reads a variable.
   *
   * @param path its place among the SavedModel's objects
   * @param type the type that the SavedModel declares
   * @param shape the shape that the SavedModel declares
   * @return its value, the caller's to close
   * @throws KerasException if the checkpoint lacks it, holds another type or shape, or is damaged
   */
  TType read(String path, DType type, Shape shape) {
    Output<?> value = values.computeIfAbsent(type, missing -> restore(type.tensor()));
    try (Result result = fetch(keyOf(path), value)) {
      TType stored = (TType) result.get(0);
      if (!stored.shape().equals(shape)) {
        throw new KerasException(
            "%s: the checkpoint holds %s with shape %s, expected %s as saved_model.pb declares"
                .formatted(
                    file, path, WeightAlignment.text(stored.shape()), WeightAlignment.text(shape)));
      }
      return TensorData.copy(stored);
    } catch (KerasException e) {
      throw e;
    } catch (RuntimeException | InvalidProtocolBufferException e) { // TensorFlow's have no root.
      throw new KerasException(
          "%s: the value of %s cannot be read: %s".formatted(file, path, Failures.reason(e)), e);
    }
  }

  private Result fetch(String name, Output<?> output) {
    try (TString fed = TString.tensorOf(NdArrays.vectorOfObjects(name))) {
      return session.runner().feed(key, fed).fetch(output).run();
    }
  }

  /**
   * The objects that the checkpoint holds the values of.
   *
   * @return the objects
   * @throws KerasException if they cannot be read
   */
  TrackableObjectGraph objects() {
    try {
      return parsed();
    } catch (RuntimeException | InvalidProtocolBufferException e) {
      throw new KerasException(
          "%s: its objects cannot be read: %s".formatted(file, Failures.reason(e)), e);
    }
  }

  private TrackableObjectGraph parsed() throws InvalidProtocolBufferException {
    if (objects == null) {
      try (Result result = fetch(OBJECTS, text)) {
        byte[] bytes = ((TString) result.get(0)).asBytes().getObject();
        objects = TrackableObjectGraph.parseFrom(bytes);
      }
    }
    return objects;
  }

  /** An object's value, if it is a variable. */
  static Optional<SerializedTensor> value(TrackableObject object) {
    return object.getAttributesList().stream()
        .filter(attribute -> attribute.getName().equals(VALUE))
        .findFirst();
  }

  /** A variable can be reached by several paths; its key is one of them. */
  private String keyOf(String path) throws InvalidProtocolBufferException {
    TrackableObjectGraph all = parsed();
    int node = 0;
    for (String name : path.split("/", -1)) {
      node =
          object(all, node).getChildrenList().stream()
              .filter(child -> child.getLocalName().equals(name))
              .mapToInt(ObjectReference::getNodeId)
              .findFirst()
              .orElse(-1);
    }
    return value(object(all, node))
        .map(SerializedTensor::getCheckpointKey)
        .orElseThrow(
            () ->
                new KerasException(
                    "%s: the value of %s cannot be read: the checkpoint has no such variable"
                        .formatted(file, path)));
  }

  private static TrackableObject object(TrackableObjectGraph all, int node) {
    return node >= 0 && node < all.getNodesCount()
        ? all.getNodes(node)
        : TrackableObject.getDefaultInstance();
  }

  /**
   * Where a checkpoint has a variable's value.
   *
   * @param path the variable's place among the objects
   * @return the key
   */
  static String key(String path) {
    return path + "/.ATTRIBUTES/VARIABLE_VALUE";
  }

  /**
   * Writes a checkpoint.
   *
   * @param prefix what its files' names begin with
   * @param values the values by key
   * @param objects what they are the values of
   * @throws IOException if it cannot be written
   */
  static void write(Path prefix, Map<String, ? extends TType> values, TrackableObjectGraph objects)
      throws IOException {
    try (Graph graph = new Graph();
        TString objectGraph =
            TString.tensorOfBytes(NdArrays.scalarOfObject(objects.toByteArray()))) {
      Ops tf = Ops.create(graph);
      List<String> keys = new ArrayList<>();
      List<Operand<?>> fed = new ArrayList<>();
      values.forEach(
          (key, value) -> {
            keys.add(key);
            fed.add(tf.placeholder(value.type(), Placeholder.shape(value.shape())));
          });
      keys.add(OBJECTS);
      fed.add(tf.placeholder(TString.class, Placeholder.shape(Shape.scalar())));
      Op save =
          tf.train.save(
              tf.constant(prefix.toString()),
              tf.array(keys.toArray(String[]::new)),
              tf.array(Collections.nCopies(keys.size(), "").toArray(String[]::new)),
              fed);
      try (Session session = new Session(graph, CPU_ONLY)) {
        Session.Runner runner = session.runner().addTarget(save);
        int i = 0;
        for (TType value : values.values()) {
          runner.feed(fed.get(i++).asOutput(), value);
        }
        runner.feed(fed.get(i).asOutput(), objectGraph).run().close();
      }
    } catch (TensorFlowException e) {
      throw new IOException(Failures.reason(e), e);
    }
  }

  @Override
  public void close() {
    try (graph) {
      session.close();
    }
  }
}
