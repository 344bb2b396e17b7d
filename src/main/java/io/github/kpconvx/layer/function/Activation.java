package io.github.kpconvx.layer.function;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.kpconvx.dtype.DType;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.keras.config.DTypePolicy;
import io.github.kpconvx.keras.config.Json;
import io.github.kpconvx.keras.config.KerasObject;
import java.util.Set;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TNumber;

/**
 * An activation function without weights: one of {@code keras.activations}, or one of Keras's
 * activation layers used as a function. Stateless; differentiable with TensorFlow's C++ gradients.
 *
 * @see <a href="https://keras.io/api/layers/activations/">Activations in Keras</a>
 */
public interface Activation {

  /**
   * Applies the function to each element (softmax and the like: along their axis).
   *
   * @param tf the operations of the graph that is added to
   * @param x the input, of any shape and type of floating-point numbers
   * @param <T> the type
   * @return the output, of the same shape if {@link #keepsShape}
   * @throws KerasException if the function is not made for inputs of that shape
   */
  <T extends TNumber> Operand<T> apply(Ops tf, Operand<T> x);

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
    return of(owner, key, value, DType.FLOAT32);
  }

  /**
   * Reads the activation of a layer, which computes in the layer's type.
   *
   * @param layer the serialized layer
   * @param types the types that the layer can compute in
   * @return the activation under its key {@code activation}
   * @throws KerasException as {@link #of(String, String, JsonNode)}, or if it is an activation
   *     layer of another type
   */
  static Activation of(KerasObject layer, Set<DType> types) {
    ConfigReader config = layer.config();
    return of(
        layer.describe(),
        "activation",
        config.json("activation"),
        DTypePolicy.of(config, types).compute());
  }

  private static Activation of(String owner, String key, JsonNode value, DType type) {
    if (value.isNull()) {
      return Activations.LINEAR;
    }
    String module = value.has("module") ? Json.text(value.get("module")) : "builtins";
    boolean keras2 = module.startsWith("tf_keras");
    boolean function =
        Json.text(value.path("class_name")).equals("function")
            && (keras2 || module.equals("builtins") || module.startsWith("keras."));
    if (KerasObject.isKerasObject(value)) {
      String nested = "%s: %s %s".formatted(owner, key, KerasObject.of(value).className());
      DTypePolicy.of(ConfigReader.of(nested, KerasObject.of(value).configJson()), Set.of(type));
    }
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
