package io.github.kpconvx.inference;

import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.tensorflow.Tensor;

/** A model's answer: tensors by name. Closing it closes them all; closing it twice does nothing. */
public final class Prediction implements AutoCloseable {
  private final Map<String, Tensor> tensors;

  Prediction(Map<String, Tensor> tensors) {
    this.tensors = new LinkedHashMap<>(tensors);
  }

  /**
   * All tensors.
   *
   * @return tensors by name in the order in which they were asked for
   */
  public Map<String, Tensor> tensors() {
    return Collections.unmodifiableMap(tensors);
  }

  /**
   * One of the tensors.
   *
   * @param name its name
   * @return the tensor; it is closed with this
   * @throws ModelException if there is none of that name
   */
  public Tensor get(String name) {
    Tensor tensor = tensors.get(name);
    if (tensor == null) {
      throw new ModelException("Unknown result " + name + ", expected one of " + tensors.keySet());
    }
    return tensor;
  }

  @Override
  public void close() {
    // Several names may stand for one tensor.
    Set<Tensor> distinct = Collections.newSetFromMap(new IdentityHashMap<>());
    distinct.addAll(tensors.values());
    distinct.forEach(Tensor::close);
    tensors.clear();
  }
}
