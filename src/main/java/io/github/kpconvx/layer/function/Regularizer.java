package io.github.kpconvx.layer.function;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.kpconvx.keras.KerasException;
import java.util.Optional;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/**
 * A penalty on a weight, to be added to the loss: one of {@code keras.regularizers}. Differentiable
 * with TensorFlow's C++ gradients.
 *
 * @see <a href="https://keras.io/api/layers/regularizers/">Regularizers in Keras</a>
 */
@FunctionalInterface
public interface Regularizer {

  /**
   * Adds the operations that compute the penalty.
   *
   * @param tf the operations of the graph that is added to
   * @param weight the weight
   * @return a scalar
   * @throws KerasException if the regularizer is not made for weights of that shape
   */
  Operand<TFloat32> call(Ops tf, Operand<TFloat32> weight);

  /**
   * Reads a regularizer in any of Keras's forms: null, a name, a serialized object.
   *
   * @param owner whose regularizer it is, for messages
   * @param key under which key it stands, for messages
   * @param value the JSON
   * @return the regularizer; nothing for null
   * @throws KerasException if it is unknown, which names it and lists the known ones, or an
   *     argument is not allowed
   */
  static Optional<Regularizer> of(String owner, String key, JsonNode value) {
    return value.isNull()
        ? Optional.empty()
        : Optional.of(Regularizers.REGISTRY.read(owner, key, value));
  }
}
