package io.github.kpconvx.layer;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.kpconvx.keras.ConfigReader;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.KerasObject;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.op.nn.LeakyRelu;
import org.tensorflow.types.TFloat32;

/**
 * An activation function without weights: one of {@code keras.activations}, or one of Keras's
 * activation layers used as a function. Stateless.
 *
 * @see <a href="https://keras.io/api/layers/activations/">Activations in Keras</a>
 */
@FunctionalInterface
public interface Activation {

  /**
   * Applies the function to each element (softmax: along the last axis).
   *
   * @param tf where to
   * @param x the input, of any shape
   * @return the output, of the same shape
   */
  Operand<TFloat32> apply(Ops tf, Operand<TFloat32> x);

  /**
   * Reads an activation in any of Keras's forms: null (linear), a name, a serialized function, a
   * serialized layer.
   *
   * @param owner whose activation it is, for messages
   * @param key under which key it stands, for messages
   * @param value the JSON
   * @return the activation
   * @throws KerasException if it is unknown; names it and lists the known ones
   */
  static Activation of(String owner, String key, JsonNode value) {
    if (value.isNull()) {
      return Functions.BY_NAME.get("linear");
    }
    String name =
        value.isObject() && value.path("config").isTextual()
            ? value.path("config").asText()
            : value.asText();
    if (Functions.BY_NAME.containsKey(name)) {
      return Functions.BY_NAME.get(name);
    }
    if (KerasObject.isKerasObject(value)) {
      KerasObject layer = KerasObject.of(value);
      if (layer.isBuiltIn() && Layers.BY_CLASS.containsKey(layer.className())) {
        ConfigReader config = layer.config();
        config.requireFloat32();
        return Layers.BY_CLASS.get(layer.className()).apply(config);
      }
    } else if (Layers.BY_CLASS.containsKey(name)) {
      // Keras resolves the bare name of an activation layer to one with default arguments.
      return Layers.BY_CLASS
          .get(name)
          .apply(
              ConfigReader.of(
                  name, com.fasterxml.jackson.databind.node.JsonNodeFactory.instance.objectNode()));
    }
    throw new KerasException(
        owner
            + ": unknown "
            + key
            + " "
            + value
            + "; known functions are "
            + String.join(", ", Functions.BY_NAME.keySet())
            + "; known layers are "
            + String.join(", ", new TreeSet<>(Layers.BY_CLASS.keySet())));
  }

  /**
   * Reads a serialized activation layer.
   *
   * @param layer the serialized layer
   * @return the activation
   * @throws KerasException if it is unknown or an argument is not allowed
   */
  static Activation of(KerasObject layer) {
    return of(layer.describe(), "activation layer", layer.json());
  }

  /** The functions of {@code keras.activations}. */
  final class Functions {
    private static final Map<String, Activation> BY_NAME = new TreeMap<>();

    private Functions() {}

    static {
      BY_NAME.put("linear", (tf, x) -> x);
      BY_NAME.put("relu", (tf, x) -> tf.nn.relu(x));
      BY_NAME.put("relu6", (tf, x) -> tf.nn.relu6(x));
      BY_NAME.put("leaky_relu", leakyRelu(0.2));
      BY_NAME.put("sigmoid", (tf, x) -> tf.math.sigmoid(x));
      BY_NAME.put("tanh", (tf, x) -> tf.math.tanh(x));
      BY_NAME.put("elu", (tf, x) -> tf.nn.elu(x));
      BY_NAME.put("selu", (tf, x) -> tf.nn.selu(x));
      BY_NAME.put("gelu", Functions::gelu);
      BY_NAME.put("silu", Functions::silu);
      BY_NAME.put("swish", Functions::silu);
      BY_NAME.put("softplus", (tf, x) -> tf.math.softplus(x));
      BY_NAME.put("softsign", (tf, x) -> tf.nn.softsign(x));
      BY_NAME.put("exponential", (tf, x) -> tf.math.exp(x));
      BY_NAME.put("hard_sigmoid", Functions::hardSigmoid);
      BY_NAME.put("hard_silu", (tf, x) -> tf.math.mul(x, hardSigmoid(tf, x)));
      BY_NAME.put("hard_swish", (tf, x) -> tf.math.mul(x, hardSigmoid(tf, x)));
      BY_NAME.put("mish", (tf, x) -> tf.math.mul(x, tf.math.tanh(tf.math.softplus(x))));
      BY_NAME.put("softmax", (tf, x) -> tf.nn.softmax(x));
      BY_NAME.put("log_softmax", (tf, x) -> tf.nn.logSoftmax(x));
      BY_NAME.put("log_sigmoid", (tf, x) -> tf.math.neg(tf.math.softplus(tf.math.neg(x))));
      BY_NAME.put("hard_tanh", (tf, x) -> clip(tf, x, -1, 1));
      BY_NAME.put("tanh_shrink", (tf, x) -> tf.math.sub(x, tf.math.tanh(x)));
    }

    /** x · Φ(x) by the error function; Keras's default, not the tanh approximation. */
    private static Operand<TFloat32> gelu(Ops tf, Operand<TFloat32> x) {
      Operand<TFloat32> erf = tf.math.erf(tf.math.mul(x, tf.constant((float) Math.sqrt(0.5))));
      return tf.math.mul(tf.math.mul(tf.constant(0.5f), x), tf.math.add(tf.constant(1f), erf));
    }

    private static Operand<TFloat32> silu(Ops tf, Operand<TFloat32> x) {
      return tf.math.mul(x, tf.math.sigmoid(x));
    }

    /** Keras 3's: relu6(x + 3) / 6. */
    private static Operand<TFloat32> hardSigmoid(Ops tf, Operand<TFloat32> x) {
      return tf.math.div(tf.nn.relu6(tf.math.add(x, tf.constant(3f))), tf.constant(6f));
    }

    private static Operand<TFloat32> clip(Ops tf, Operand<TFloat32> x, double least, double most) {
      return tf.math.maximum(
          tf.math.minimum(x, tf.constant((float) most)), tf.constant((float) least));
    }

    private static Activation leakyRelu(double slope) {
      return (tf, x) -> tf.nn.leakyRelu(x, LeakyRelu.alpha((float) slope));
    }
  }

  /** Keras's activation layers that have no weights. */
  final class Layers {
    private static final Map<String, java.util.function.Function<ConfigReader, Activation>>
        BY_CLASS =
            Map.of(
                "Activation", Layers::activation,
                "LeakyReLU", Layers::leakyRelu,
                "ReLU", Layers::relu,
                "ELU", Layers::elu,
                "Softmax", Layers::softmax);

    private Layers() {}

    private static Activation activation(ConfigReader config) {
      config.rejectUnknownKeys(List.of("activation"));
      return of("Activation", "activation", config.json("activation"));
    }

    /** Keras 3 calls the slope negative_slope, Keras 2 alpha; both default to 0.3. */
    private static Activation leakyRelu(ConfigReader config) {
      config.rejectUnknownKeys(List.of("negative_slope", "alpha"));
      return Functions.leakyRelu(
          config.number(config.has("alpha") ? "alpha" : "negative_slope", 0.3));
    }

    private static Activation elu(ConfigReader config) {
      config.rejectUnknownKeys(List.of("alpha"));
      double alpha = config.number("alpha", 1.0);
      if (alpha == 1.0) {
        return Functions.BY_NAME.get("elu");
      }
      return (tf, x) ->
          tf.math.add(
              tf.nn.relu(x),
              tf.math.mul(
                  tf.constant((float) alpha), tf.math.expm1(tf.math.minimum(x, tf.constant(0f)))));
    }

    private static Activation softmax(ConfigReader config) {
      config.rejectUnknownKeys(List.of("axis"));
      if (config.integer("axis", -1, -1) != -1) {
        throw config.invalid("axis", config.json("axis"), "-1, the last axis");
      }
      return Functions.BY_NAME.get("softmax");
    }

    private static Activation relu(ConfigReader config) {
      config.rejectUnknownKeys(List.of("max_value", "negative_slope", "threshold"));
      double slope =
          config.json("negative_slope").isNull() ? 0 : config.number("negative_slope", 0);
      double threshold = config.json("threshold").isNull() ? 0 : config.number("threshold", 0);
      boolean bounded = !config.json("max_value").isNull();
      double most = bounded ? config.number("max_value", 0) : Double.POSITIVE_INFINITY;
      if (slope < 0 || threshold < 0 || most < 0) {
        throw config.invalid(
            "negative_slope, threshold, max_value",
            List.of(slope, threshold, most),
            "numbers of at least 0");
      }
      return (tf, x) -> {
        Operand<TFloat32> zero = tf.constant(0f);
        Operand<TFloat32> positive = x;
        if (threshold != 0) {
          Operand<TFloat32> above =
              tf.dtypes.cast(tf.math.greater(x, tf.constant((float) threshold)), TFloat32.class);
          positive = tf.math.mul(x, above);
        }
        positive = tf.nn.relu(positive);
        if (bounded) {
          positive = tf.math.minimum(positive, tf.constant((float) most));
        }
        if (slope == 0) {
          return positive;
        }
        Operand<TFloat32> below =
            tf.math.minimum(tf.math.sub(x, tf.constant((float) threshold)), zero);
        return tf.math.add(positive, tf.math.mul(tf.constant((float) slope), below));
      };
    }
  }
}
