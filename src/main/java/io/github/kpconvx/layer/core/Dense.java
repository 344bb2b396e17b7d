package io.github.kpconvx.layer.core;

import io.github.kpconvx.dtype.DType;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.weights.WeightSpec;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.LayerCall;
import io.github.kpconvx.layer.Operands;
import io.github.kpconvx.layer.WeightRules;
import io.github.kpconvx.layer.function.Activation;
import java.util.List;
import java.util.Map;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.family.TNumber;

/**
 * Keras's {@code Dense}: {@code activation(x·kernel + bias)} along the last axis, (…, C) to (…,
 * units).
 *
 * <p>Weights: {@code kernel} (C, units) and, with {@code use_bias}, {@code bias} (units).
 *
 * @see <a href="https://keras.io/api/layers/core_layers/dense/">Dense in Keras</a>
 */
public final class Dense extends Layer {
  private static final List<String> KEYS =
      List.of(
          "units",
          "activation",
          "use_bias",
          "kernel_initializer",
          "bias_initializer",
          "kernel_regularizer",
          "bias_regularizer",
          "kernel_constraint",
          "bias_constraint",
          "lora_rank",
          "lora_alpha",
          "quantization_config");

  private final int units;
  private final boolean useBias;
  private final Activation activation;
  private final WeightRules kernel;
  private final WeightRules bias;

  /**
   * Reads a serialized layer.
   *
   * @param object the serialized layer
   * @throws KerasException if a key is unknown or a value is not allowed, such as a low-rank
   *     adaptation or a quantization
   */
  public Dense(KerasObject object) {
    super(object, DType.FLOATS);
    ConfigReader config = object.config();
    config.rejectUnknownKeys(KEYS);
    for (String key : List.of("lora_rank", "quantization_config")) {
      if (!config.json(key).isNull()) {
        throw config.invalid(key, config.json(key), "null");
      }
    }
    if (!config.has("units")) {
      throw config.invalid("units", "nothing", "an integer of at least 1");
    }
    this.units = config.integer("units", 0, 1);
    this.useBias = config.bool("use_bias", true);
    this.activation = Activation.of(object, DType.FLOATS);
    this.kernel = WeightRules.of(object, "kernel_", "glorot_uniform");
    this.bias = WeightRules.of(object, "bias_", "zeros");
  }

  @Override
  protected void createWeights(Ops tf, List<Shape> inputs) {
    Shape input = inputs.get(0);
    int rank = input.numDimensions();
    if (rank < 2 || input.get(rank - 1) == Shape.UNKNOWN_SIZE) {
      throw new KerasException(
          serialize().describe() + ": expected an input (batch, …, C) of known C, got " + input);
    }
    addWeight(tf, WeightSpec.of("kernel", true, input.get(rank - 1), units), kernel);
    if (useBias) {
      addWeight(tf, WeightSpec.of("bias", true, units), bias);
    }
  }

  @Override
  protected List<Operand<?>> compute(Ops tf, LayerCall call) {
    return List.of(dense(tf, onlyFloats(call)));
  }

  private <T extends TNumber> Operand<T> dense(Ops tf, Operand<T> x) {
    Operand<T> y =
        Operands.ofRows(
            tf,
            x,
            units,
            rows -> {
              Operand<T> product = tf.linalg.matMul(rows, weight(tf, "kernel", x));
              return useBias ? tf.nn.biasAdd(product, weight(tf, "bias", x)) : product;
            });
    return activation.apply(tf, y);
  }

  /** What counts of the input counts of the output. */
  @Override
  protected Map<Integer, Operand<TBool>> computeMasks(
      Ops tf, LayerCall call, List<Operand<?>> outputs) {
    return call.masks();
  }
}
