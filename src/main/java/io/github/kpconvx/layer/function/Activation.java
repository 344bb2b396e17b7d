package io.github.kpconvx.layer.function;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.Json;
import io.github.kpconvx.keras.config.KerasObject;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/**
 * An activation function without weights: one of {@code keras.activations}, or one of Keras's
 * activation layers used as a function. Stateless; differentiable with TensorFlow's C++ gradients.
 *
 * @see <a href="https://keras.io/api/layers/activations/">Activations in Keras</a>
 */
@FunctionalInterface
public interface Activation {

  /**
   * Applies the function to each element (softmax and the like: along their axis).
   *
   * @param tf the operations of the graph that is added to
   * @param x the input, of any shape
   * @return the output, of the same shape if {@link #keepsShape}
   * @throws KerasException if the function is not made for inputs of that shape
   */
  Operand<TFloat32> apply(Ops tf, Operand<TFloat32> x);

  /**
   * Whether the output has the input's shape.
   *
   * @return true, but for {@code glu}, which halves the last dimension
   */
  default boolean keepsShape() {
    return true;
  }

  /**
   * Reads an activation in any of Keras's forms: null (linear), a name, a serialized function, a
   * serialized layer.
   *
   * <p>{@code hard_sigmoid} is Keras 3's, {@code relu6(x + 3) / 6}, as Keras 3 itself reads it from
   * whatever file. Keras 2's, {@code 0.2 x + 0.5} cut to [0, 1], has the same name; it is meant
   * where a serialized function is of a module of {@code tf_keras}.
   *
   * @param owner whose activation it is, for messages
   * @param key under which key it stands, for messages
   * @param value the JSON
   * @return the activation
   * @throws KerasException if it is unknown, which names it and lists the known ones, if an
   *     argument is not allowed, or if it has weights
   */
  static Activation of(String owner, String key, JsonNode value) {
    if (value.isNull()) {
      return Activations.LINEAR;
    }
    String module = value.has("module") ? Json.text(value.get("module")) : "builtins";
    boolean keras2 = module.startsWith("tf_keras");
    boolean function =
        Json.text(value.path("class_name")).equals("function")
            && (keras2 || module.equals("builtins") || module.startsWith("keras."));
    JsonNode name = function ? value.path("config") : value;
    return keras2 && Json.text(name).equals("hard_sigmoid")
        ? Activations.KERAS_2_HARD_SIGMOID
        : Activations.REGISTRY.read(owner, key, name);
  }

  /**
   * Reads a serialized activation layer.
   *
   * @param layer the serialized layer
   * @return the activation
   * @throws KerasException if it is unknown or an argument is not allowed
   */
  static Activation of(KerasObject layer) {
    return Activations.REGISTRY.read(layer);
  }
}
