package io.github.kpconvx.layer.core;

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
import org.tensorflow.op.core.Squeeze;
import org.tensorflow.op.nn.Conv2d;
import org.tensorflow.types.TFloat32;

/**
 * Keras's {@code Conv1D}: (B, R, C) to (B, R', filters), with {@code data_format} "channels_last"
 * and one group.
 *
 * <p>Weights: {@code kernel} (kernel_size, C, filters) and, with {@code use_bias}, {@code bias}
 * (filters). A kernel of width 1 and stride 1, a matrix product for each point, is computed as one.
 *
 * @see <a href="https://keras.io/api/layers/convolution_layers/convolution1d/">Conv1D in Keras</a>
 */
public final class Conv1D extends Layer {
  private static final List<String> KEYS =
      List.of(
          "rank",
          "filters",
          "kernel_size",
          "strides",
          "padding",
          "data_format",
          "dilation_rate",
          "groups",
          "activation",
          "use_bias",
          "kernel_initializer",
          "bias_initializer",
          "kernel_regularizer",
          "bias_regularizer",
          "kernel_constraint",
          "bias_constraint",
          "lora_rank",
          "lora_alpha");

  private enum Padding {
    VALID,
    SAME,
    CAUSAL
  }

  private final int filters;
  private final int width;
  private final int stride;
  private final int dilation;
  private final Padding padding;
  private final boolean useBias;
  private final Activation activation;
  private final WeightRules kernel;
  private final WeightRules bias;

  /**
   * Reads a serialized layer.
   *
   * @param object the serialized layer
   * @throws KerasException if a key is unknown or a value is not allowed
   */
  public Conv1D(KerasObject object) {
    super(object);
    ConfigReader config = object.config();
    config.rejectUnknownKeys(KEYS);
    if (!config.has("filters") || !config.has("kernel_size")) {
      throw config.invalid(
          config.has("filters") ? "kernel_size" : "filters", "nothing", "an integer of at least 1");
    }
    this.filters = config.integer("filters", 0, 1);
    this.width = single(config, "kernel_size");
    this.stride = single(config, "strides");
    this.dilation = single(config, "dilation_rate");
    if (stride > 1 && dilation > 1) {
      throw config.invalid("strides", stride, "1 where dilation_rate = " + dilation);
    }
    this.padding =
        config.choice(
            "padding",
            Padding.VALID,
            Map.of("valid", Padding.VALID, "same", Padding.SAME, "causal", Padding.CAUSAL));
    requireOnly(config, "data_format", "channels_last");
    if (config.integer("groups", 1, 1) != 1) {
      throw config.invalid("groups", config.json("groups"), "1");
    }
    if (!config.json("lora_rank").isNull()) {
      throw config.invalid("lora_rank", config.json("lora_rank"), "null");
    }
    this.useBias = config.bool("use_bias", true);
    this.activation = Activation.of(object.describe(), "activation", config.json("activation"));
    this.kernel = WeightRules.of(object, "kernel_", "glorot_uniform");
    this.bias = WeightRules.of(object, "bias_", "zeros");
  }

  /** An integer, or a list of one; 1 if the key is missing. */
  static int single(ConfigReader config, String key) {
    if (!config.has(key)) {
      return 1;
    }
    if (config.json(key).isNumber()) {
      return config.integer(key, 1, 1);
    }
    List<Integer> values = config.integers(key, List.of(), 1);
    if (values.size() != 1) {
      throw config.invalid(key, config.json(key), "an integer of at least 1", "a list of one");
    }
    return values.get(0);
  }

  /** Refuses a word other than the one that is supported. */
  static void requireOnly(ConfigReader config, String key, String word) {
    if (!config.json(key).isNull() && !config.text(key, word).equals(word)) {
      throw config.invalid(key, config.json(key), '"' + word + '"');
    }
  }

  @Override
  protected void createWeights(Ops tf, List<Shape> inputs) {
    Shape input = inputs.get(0);
    if (input.numDimensions() != 3 || input.get(2) == Shape.UNKNOWN_SIZE) {
      throw new KerasException(
          serialize().describe() + ": expected an input (B, R, C) of known C, got " + input);
    }
    addWeight(tf, WeightSpec.of("kernel", true, width, input.get(2), filters), kernel);
    if (useBias) {
      addWeight(tf, WeightSpec.of("bias", true, filters), bias);
    }
  }

  @Override
  protected List<Operand<?>> compute(Ops tf, LayerCall call) {
    Operand<TFloat32> x = onlyInput(call);
    Operand<TFloat32> y = width == 1 && stride == 1 ? product(tf, x) : convolution(tf, x);
    return List.of(activation.apply(tf, y));
  }

  private Operand<TFloat32> product(Ops tf, Operand<TFloat32> x) {
    long channels = x.shape().get(2);
    Operand<TFloat32> matrix = tf.reshape(weight("kernel"), tf.array(channels, (long) filters));
    return Operands.ofRows(tf, x, filters, rows -> biased(tf, tf.linalg.matMul(rows, matrix)));
  }

  private Operand<TFloat32> biased(Ops tf, Operand<TFloat32> y) {
    return useBias ? tf.nn.biasAdd(y, weight("bias")) : y;
  }

  private Operand<TFloat32> convolution(Ops tf, Operand<TFloat32> x) {
    Operand<TFloat32> padded = x;
    if (padding == Padding.CAUSAL) {
      int before = dilation * (width - 1);
      padded = tf.pad(x, tf.constant(new int[][] {{0, 0}, {before, 0}, {0, 0}}), tf.constant(0f));
    }
    Operand<TFloat32> image = tf.expandDims(padded, tf.constant(1));
    Operand<TFloat32> y =
        tf.nn.conv2d(
            image,
            tf.expandDims(weight("kernel"), tf.constant(0)),
            List.of(1L, 1L, (long) stride, 1L),
            padding == Padding.SAME ? "SAME" : "VALID",
            Conv2d.dilations(1L, 1L, (long) dilation, 1L));
    return biased(tf, tf.squeeze(y, Squeeze.axis(List.of(1L))));
  }
}
