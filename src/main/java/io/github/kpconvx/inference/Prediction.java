package io.github.kpconvx.inference;

import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.tensorflow.Tensor;
import org.tensorflow.proto.RunMetadata;

/**
 * A model's answer: tensors by name. Closing it closes them all; closing it twice does nothing. A
 * tensor must not be read after that, as its memory may belong to another by then: what is to stay
 * is copied before ({@link io.github.kpconvx.tensor.Tensors#toArray}).
 */
public final class Prediction implements AutoCloseable {
  private final Map<String, Tensor> tensors;
  private final Optional<RunMetadata> metadata;
  private boolean closed;

  Prediction(Map<String, Tensor> tensors, Optional<RunMetadata> metadata) {
    this.tensors = Collections.unmodifiableMap(new LinkedHashMap<>(tensors));
    this.metadata = metadata;
  }

  /**
   * All tensors.
   *
   * @return tensors by name in the order in which they were asked for
   * @throws ModelException if this is closed
   */
  public synchronized Map<String, Tensor> tensors() {
    if (closed) {
      throw new ModelException(
          "The prediction is closed, and the memory of its tensors is given back: read or copy them before");
    }
    return tensors;
  }

  /**
   * One of the tensors.
   *
   * @param name its name
   * @return the tensor; it is closed with this
   * @throws ModelException if there is none of that name, or this is closed
   */
  public Tensor get(String name) {
    Tensor tensor = tensors().get(name);
    if (tensor == null) {
      throw new ModelException("Unknown result " + name + ", expected one of " + tensors.keySet());
    }
    return tensor;
  }

  /**
   * What TensorFlow tells of the run.
   *
   * @return its account; empty unless {@link Model#predict(Map, java.util.Collection,
   *     org.tensorflow.proto.RunOptions)} was asked to trace it
   */
  public Optional<RunMetadata> metadata() {
    return metadata;
  }

  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    // Several names may stand for one tensor.
    Set<Tensor> distinct = Collections.newSetFromMap(new IdentityHashMap<>());
    distinct.addAll(tensors.values());
    distinct.forEach(Tensor::close);
  }
}
