package io.github.kpconvx.layer.vl3d;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.weights.WeightSpec;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.LayerCall;
import io.github.kpconvx.layer.Mode;
import io.github.kpconvx.layer.Operands;
import io.github.kpconvx.layer.WeightRules;
import io.github.kpconvx.layer.function.Matrices;
import java.util.List;
import java.util.Locale;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.index.Indices;
import org.tensorflow.op.Ops;
import org.tensorflow.op.linalg.MatMul;
import org.tensorflow.types.TFloat32;

/**
 * Two matrix products through a narrow space, the port of VL3D's {@code HourglassLayer}: {@code y =
 * act2(act(F·W1)·W2)}, (…, D) to (…, Dout), without biases.
 *
 * <p>Weights: {@code W1} (D, Dh) and {@code W2} (Dh, Dout). If {@code regularize}, each call in
 * training adds the loss {@code beta·‖W1ᵀW1/s − I‖_F}, where s is the square root of the largest
 * eigenvalue of {@code W1ᵀW1 + 1e-5·I} (strategy "approx") or of {@code W1ᵀW1} ("unsafe", and
 * "safe", which finds it by singular values).
 */
public final class HourglassLayer extends Layer {
  /** The Keras class name. */
  public static final String CLASS_NAME = "HourglassLayer";

  private final int hidden;
  private final int outputs;
  private final boolean activated;
  private final boolean activated2;
  private final boolean regularize;
  private final double beta;
  private final boolean shifted;
  private final WeightRules w1;
  private final WeightRules w2;

  /**
   * Reads a serialized layer.
   *
   * @param object the serialized layer
   * @throws KerasException if a key is unknown or a value is not allowed
   */
  public HourglassLayer(KerasObject object) {
    super(object);
    ConfigReader config = object.config();
    config.rejectUnknownKeys(
        List.of(
            "Dh",
            "Dout",
            "activation",
            "activation2",
            "regularize",
            "beta",
            "spectral_strategy",
            "W1_initializer",
            "W1_regularizer",
            "W1_constraint",
            "W2_initializer",
            "W2_regularizer",
            "W2_constraint",
            "built_W1",
            "built_W2"));
    this.hidden = required(config, "Dh");
    this.outputs = required(config, "Dout");
    this.activated = isRelu(config, "activation");
    this.activated2 = isRelu(config, "activation2");
    this.regularize = config.bool("regularize", true);
    this.beta = config.number("beta", 0.1);
    this.shifted =
        switch (lower(config, "spectral_strategy", "approx")) {
          case "approx" -> true;
          case "safe", "unsafe" -> false;
          default ->
              throw config.invalid(
                  "spectral_strategy",
                  config.json("spectral_strategy"),
                  "null",
                  "\"approx\"",
                  "\"safe\"",
                  "\"unsafe\"");
        };
    this.w1 = WeightRules.of(object, "W1_", "glorot_uniform");
    this.w2 = WeightRules.of(object, "W2_", "glorot_uniform");
    config.bool("built_W1", false);
    config.bool("built_W2", false);
  }

  private static int required(ConfigReader config, String key) {
    if (!config.has(key)) {
      throw config.invalid(key, "nothing", "an integer of at least 1");
    }
    return config.integer(key, 0, 1);
  }

  /** A word in any case; null stands for the one that is given. */
  private static String lower(ConfigReader config, String key, String ifNull) {
    JsonNode word = config.json(key);
    return word.isNull() ? ifNull : config.text(key, ifNull).toLowerCase(Locale.ROOT);
  }

  private static boolean isRelu(ConfigReader config, String key) {
    return switch (config.has(key) ? lower(config, key, "identity") : "relu") {
      case "relu" -> true;
      case "identity" -> false;
      default -> throw config.invalid(key, config.json(key), "\"ReLU\"", "\"identity\"", "null");
    };
  }

  @Override
  protected void createWeights(Ops tf, List<Shape> inputs) {
    Shape input = inputs.get(0);
    int rank = input.numDimensions();
    if (rank < 2 || input.get(rank - 1) == Shape.UNKNOWN_SIZE) {
      throw new KerasException(
          serialize().describe() + ": expected an input (B, …, D) of known D, got " + input);
    }
    addWeight(tf, WeightSpec.of("W1", true, input.get(rank - 1), hidden), w1);
    addWeight(tf, WeightSpec.of("W2", true, hidden, outputs), w2);
  }

  @Override
  protected List<Operand<?>> compute(Ops tf, LayerCall call) {
    Operand<TFloat32> f = onlyInput(call);
    Operand<TFloat32> y =
        Operands.ofRows(
            tf,
            f,
            outputs,
            rows -> {
              Operand<TFloat32> narrow = tf.linalg.matMul(rows, weight("W1"));
              Operand<TFloat32> wide =
                  tf.linalg.matMul(activated ? tf.nn.relu(narrow) : narrow, weight("W2"));
              return activated2 ? tf.nn.relu(wide) : wide;
            });
    if (regularize && call.context().mode() != Mode.INFERENCE) {
      addLoss("spectral", spectralLoss(tf));
    }
    return List.of(y);
  }

  private Operand<TFloat32> spectralLoss(Ops tf) {
    Operand<TFloat32> products =
        tf.linalg.matMul(weight("W1"), weight("W1"), MatMul.transposeA(true));
    Operand<TFloat32> identity = Matrices.identity(tf, hidden);
    Operand<TFloat32> matrix =
        shifted ? tf.math.add(products, tf.math.mul(identity, tf.constant(1e-5f))) : products;
    // The largest eigenvalue is vᵀMv for its eigenvector v, which a small change of M leaves in
    // first order: so v may be held fixed, and TensorFlow need not differentiate a decomposition.
    Operand<TFloat32> vectors = tf.linalg.selfAdjointEig(tf.stopGradient(matrix)).v();
    Operand<TFloat32> v =
        tf.stopGradient(
            tf.reshape(
                tf.stridedSlice(vectors, Indices.all(), Indices.at(hidden - 1L)),
                tf.array((long) hidden, 1L)));
    Operand<TFloat32> largest =
        tf.reshape(
            tf.linalg.matMul(v, tf.linalg.matMul(matrix, v), MatMul.transposeA(true)),
            tf.constant(new long[0]));
    Operand<TFloat32> difference =
        tf.math.sub(tf.math.div(products, tf.math.sqrt(largest)), identity);
    Operand<TFloat32> norm = tf.math.sqrt(tf.reduceSum(tf.math.square(difference), tf.array(0, 1)));
    return tf.math.mul(tf.constant((float) beta), norm);
  }
}
