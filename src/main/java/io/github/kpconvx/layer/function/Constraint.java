package io.github.kpconvx.layer.function;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.kpconvx.keras.KerasException;
import java.util.Optional;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/**
 * A projection of a weight onto the values that it may take, to be applied after each training
 * step: one of {@code keras.constraints}.
 *
 * @see <a href="https://keras.io/api/layers/constraints/">Constraints in Keras</a>
 */
@FunctionalInterface
public interface Constraint {

  /**
   * Adds the operations that project a weight.
   *
   * @param tf the operations of the graph that is added to
   * @param weight the weight
   * @return its projection, of the same shape
   * @throws KerasException if the constraint is not made for weights of that shape
   */
  Operand<TFloat32> call(Ops tf, Operand<TFloat32> weight);

  /**
   * Reads a constraint in any of Keras's forms: null, a name, a serialized object.
   *
   * @param owner whose constraint it is, for messages
   * @param key under which key it stands, for messages
   * @param value the JSON
   * @return the constraint; nothing for null
   * @throws KerasException if it is unknown, which names it and lists the known ones, or an
   *     argument is not allowed
   */
  static Optional<Constraint> of(String owner, String key, JsonNode value) {
    return value.isNull()
        ? Optional.empty()
        : Optional.of(Constraints.REGISTRY.read(owner, key, value));
  }
}
