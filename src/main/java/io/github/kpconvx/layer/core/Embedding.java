package io.github.kpconvx.layer.core;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.weights.WeightSpec;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.LayerCall;
import io.github.kpconvx.layer.WeightRules;
import java.util.List;
import java.util.Map;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.strings.StringFormat;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TNumber;

/**
 * Keras's {@code Embedding}: looks a vector up for each whole number. Inputs of shape (…) and any
 * numeric type, of which a fraction is cut off, give (…, output_dim).
 *
 * <p>A number that is not in [0, input_dim) is an error when the graph runs, on a GPU too; as in
 * Keras 3, its files' numbers of [−input_dim, 0) count from the last vector. With {@code mask_zero}
 * inputs of 0 do not count.
 *
 * <p>Weight: {@code embeddings} (input_dim, output_dim). Files of a layer with LoRA keep it with
 * what LoRA adds; it is trained as a whole here.
 *
 * @see <a href="https://keras.io/api/layers/core_layers/embedding/">Embedding in Keras</a>
 */
public final class Embedding extends Layer {
  private final int inputDim;
  private final int outputDim;
  private final boolean maskZero;
  private final WeightRules embeddings;

  /**
   * Reads a serialized layer.
   *
   * @param object the serialized layer
   * @throws KerasException if a key is unknown, a value is not allowed, or the layer is quantized
   *     or sparse
   */
  public Embedding(KerasObject object) {
    super(object);
    ConfigReader config = object.config();
    config.rejectUnknownKeys(
        List.of(
            "input_dim",
            "output_dim",
            "embeddings_initializer",
            "embeddings_regularizer",
            "embeddings_constraint",
            "mask_zero",
            "input_length",
            "sparse",
            "lora_rank",
            "lora_alpha",
            "quantization_config"));
    this.inputDim = required(config, "input_dim");
    this.outputDim = required(config, "output_dim");
    this.maskZero = config.bool("mask_zero", false);
    this.embeddings = WeightRules.of(object, "embeddings_", "uniform");
    if (config.bool("sparse", false)) {
      throw config.invalid("sparse", true, "false: sparse tensors are not supported");
    }
    if (!config.json("quantization_config").isNull()) {
      throw config.invalid("quantization_config", config.json("quantization_config"), "null");
    }
  }

  private static int required(ConfigReader config, String key) {
    if (!config.has(key)) {
      throw config.invalid(key, "nothing", "an integer of at least 1");
    }
    return config.integer(key, 0, 1);
  }

  @Override
  protected void createWeights(Ops tf, List<Shape> inputs) {
    addWeight(tf, WeightSpec.of("embeddings", true, inputDim, outputDim), embeddings);
  }

  @Override
  protected List<Operand<?>> compute(Ops tf, LayerCall call) {
    Operand<?> x = only(call);
    Operand<? extends TNumber> indices =
        x.type().equals(TInt64.class)
            ? checked(tf, typed(x, TInt64.class, "its input"))
            : checked(tf, tf.dtypes.cast(x, TInt32.class));
    return List.of(tf.gather(weight("embeddings"), indices, tf.constant(0)));
  }

  /** Gathers of a GPU give zeros for what is out of range. */
  private <T extends TNumber> Operand<T> checked(Ops tf, Operand<T> indices) {
    Operand<T> size = tf.dtypes.cast(tf.constant(inputDim), indices.type());
    Operand<T> zero = tf.zerosLike(size);
    Operand<T> least = serialize().isOfKeras2() ? zero : tf.math.neg(size);
    Operand<TInt32> flat = tf.array(-1);
    Operand<TBool> inside =
        tf.reduceAll(
            tf.reshape(
                tf.math.logicalAnd(
                    tf.math.greaterEqual(indices, least), tf.math.less(indices, size)),
                flat),
            tf.constant(0));
    Operand<T> padded =
        tf.concat(List.of(tf.reshape(indices, flat), tf.reshape(zero, flat)), tf.constant(0));
    Op valid =
        tf.assertThat(
            inside,
            List.of(
                tf.strings.stringFormat(
                    List.of(tf.min(padded, tf.constant(0)), tf.max(padded, tf.constant(0))),
                    StringFormat.template(
                        "%s: its inputs are from {} to {}, expected numbers in [0, %d)"
                            .formatted(serialize().describe(), inputDim)),
                    StringFormat.placeholder("{}"))));
    Operand<T> known = tf.withControlDependencies(valid).identity(indices);
    return tf.math.floorMod(known, size);
  }

  @Override
  protected Map<Integer, Operand<TBool>> computeMasks(
      Ops tf, LayerCall call, List<Operand<?>> outputs) {
    return maskZero ? Map.of(0, counts(tf, call.inputs().get(0))) : Map.of();
  }

  private static Operand<TBool> counts(Ops tf, Operand<?> x) {
    return tf.dtypes.cast(x, TBool.class);
  }
}
