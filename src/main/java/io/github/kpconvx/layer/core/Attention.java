package io.github.kpconvx.layer.core;

import com.fasterxml.jackson.databind.node.TextNode;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.weights.WeightSpec;
import io.github.kpconvx.layer.Argument;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.LayerCall;
import io.github.kpconvx.layer.RandomDrop;
import io.github.kpconvx.layer.WeightRules;
import io.github.kpconvx.layer.function.Initializer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.train.BatchMatMul;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat32;

/**
 * Keras's {@code Attention} and {@code AdditiveAttention} of a query (B, T, C), a value (B, S, D)
 * and a key (B, S, C), which is the value unless it is given: the sum of the values, weighted by
 * the softmax of each query's scores, (B, T, D); with {@code return_attention_scores} also the
 * weights (B, T, S).
 *
 * <p>Scores are {@code query·key}, with {@code use_scale} times the weight {@code scale}; with the
 * mode "concat" {@code concat_score_weight·Σ tanh(scale·(query + key))}; of AdditiveAttention
 * {@code Σ scale·tanh(query + key)}, where the scale has C elements. Keys that the value's mask
 * hides, and those after the query with {@code use_causal_mask}, get no weight; results of queries
 * that their own mask hides are 0.
 *
 * @see <a href="https://keras.io/api/layers/attention_layers/attention/">Attention in Keras</a>
 */
public final class Attention extends Layer {
  /** The class name of the additive one. */
  public static final String ADDITIVE = "AdditiveAttention";

  private static final List<String> PARAMETERS =
      List.of("inputs", "mask", "training", "return_attention_scores", "use_causal_mask");

  private static final String SCALE = "scale";
  private static final String CONCAT = "concat_score_weight";

  private final boolean additive;
  private final boolean useScale;
  private final boolean concat;
  private final boolean causal;
  private final double dropout;

  /**
   * Reads a serialized layer.
   *
   * @param object the serialized layer
   * @throws KerasException if a key is unknown or a value is not allowed
   */
  public Attention(KerasObject object) {
    super(object);
    ConfigReader config = object.config();
    additive = object.className().equals(ADDITIVE);
    List<String> keys = new ArrayList<>(List.of("use_scale", "dropout", "seed", "causal"));
    if (!additive) {
      keys.add("score_mode");
    }
    config.rejectUnknownKeys(keys);
    useScale = config.bool("use_scale", additive);
    concat = config.choice("score_mode", false, Map.of("dot", false, "concat", true));
    causal = config.bool("causal", false);
    dropout = config.number("dropout", 0, 0);
    if (dropout > 1) {
      throw config.invalid("dropout", dropout, "a probability in [0, 1]");
    }
    if (!KerasObject.isKerasObject(config.json("seed"))) {
      config.wholeNumber("seed", "a serialized SeedGenerator");
    }
  }

  @Override
  protected Set<String> keywords() {
    return Set.copyOf(PARAMETERS);
  }

  @Override
  protected void createWeights(Ops tf, List<Shape> inputs) {
    boolean fits =
        inputs.size() >= 2
            && inputs.get(0).numDimensions() == 3
            && inputs.get(1).numDimensions() == 3;
    if (!fits) {
      throw new KerasException(
          serialize().describe()
              + ": expected a list of query (B, T, C), value (B, S, D) and perhaps key (B, S, C), got "
              + inputs);
    }
    if (useScale && additive) {
      long size = inputs.get(0).get(2);
      if (size == Shape.UNKNOWN_SIZE) {
        throw new KerasException(
            serialize().describe()
                + ": expected a query (B, T, C) of known C, got "
                + inputs.get(0));
      }
      Initializer glorot =
          Initializer.of(serialize().describe(), SCALE, TextNode.valueOf("glorot_uniform"), null);
      addWeight(tf, WeightSpec.of(SCALE, true, size), WeightRules.startingAt(glorot));
    } else if (useScale) {
      addWeight(tf, WeightSpec.of(SCALE, true), WeightRules.startingAt(Initializer.constant(1)));
    }
    if (concat) {
      addWeight(tf, WeightSpec.of(CONCAT, true), WeightRules.startingAt(Initializer.constant(1)));
    }
  }

  @Override
  protected List<Operand<?>> compute(Ops tf, LayerCall call) {
    List<Operand<?>> inputs = call.inputs();
    Operand<TFloat32> query = floats(inputs.get(0), "its query");
    Operand<TFloat32> value = floats(inputs.get(1), "its value");
    Operand<TFloat32> key = inputs.size() > 2 ? floats(inputs.get(2), "its key") : value;
    Operand<TFloat32> scores = scores(tf, query, key);
    Stream.Builder<Operand<TBool>> masks = Stream.builder();
    mask(tf, call, 1).ifPresent(mask -> masks.add(tf.expandDims(mask, tf.constant(-2))));
    if (causal || call.flag(PARAMETERS, "use_causal_mask")) {
      masks.add(AttentionMasks.causal(tf, query, key));
    }
    Operand<TFloat32> weights =
        AttentionMasks.all(tf, masks.build())
            .map(mask -> MaskedSoftmax.LOWERED.apply(tf, scores, mask, 2))
            .orElseGet(() -> tf.nn.softmax(scores));
    if (call.training()) {
      weights = RandomDrop.apply(tf, weights, tf.shape(weights), dropout, call.context().random());
    }
    Operand<TFloat32> result = tf.train.batchMatMul(weights, value, TFloat32.class);
    Optional<Operand<TBool>> mask = mask(tf, call, 0);
    if (mask.isPresent()) {
      Operand<TFloat32> shown = tf.dtypes.cast(mask.get(), TFloat32.class);
      result = tf.math.mul(result, tf.expandDims(shown, tf.constant(-1)));
    }
    return call.flag(PARAMETERS, "return_attention_scores")
        ? List.of(result, weights)
        : List.of(result);
  }

  private Operand<TFloat32> scores(Ops tf, Operand<TFloat32> query, Operand<TFloat32> key) {
    if (!additive && !concat) {
      Operand<TFloat32> products =
          tf.train.batchMatMul(query, key, TFloat32.class, BatchMatMul.adjY(true));
      return useScale ? tf.math.mul(products, weight(SCALE)) : products;
    }
    Operand<TFloat32> sums =
        tf.math.add(tf.expandDims(query, tf.constant(-2)), tf.expandDims(key, tf.constant(-3)));
    if (additive) {
      Operand<TFloat32> bent = tf.math.tanh(sums);
      return tf.reduceSum(useScale ? tf.math.mul(weight(SCALE), bent) : bent, tf.constant(-1));
    }
    Operand<TFloat32> bent = tf.math.tanh(useScale ? tf.math.mul(weight(SCALE), sums) : sums);
    return tf.math.mul(weight(CONCAT), tf.reduceSum(bent, tf.constant(-1)));
  }

  /** The mask of query (0) or value (1): of the list that is given or what the input carries. */
  private static Optional<Operand<TBool>> mask(Ops tf, LayerCall call, int input) {
    return call.arguments().keywords().get("mask") instanceof Argument.Items<Operand<?>> list
            && !list.tensors().isEmpty()
        ? list.items().get(input).tensors().stream()
            .findFirst()
            .map(mask -> AttentionMasks.bool(tf, mask))
        : Optional.ofNullable(call.masks().get(input));
  }

  @Override
  protected Map<Integer, Operand<TBool>> computeMasks(
      Ops tf, LayerCall call, List<Operand<?>> outputs) {
    return mask(tf, call, 0).map(mask -> Map.of(0, mask)).orElse(Map.of());
  }
}
