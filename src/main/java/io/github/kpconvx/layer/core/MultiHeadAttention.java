package io.github.kpconvx.layer.core;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.Argument;
import io.github.kpconvx.layer.Arguments;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.LayerCall;
import io.github.kpconvx.layer.Operands;
import io.github.kpconvx.layer.RandomDrop;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.index.Indices;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;

/**
 * Keras's {@code MultiHeadAttention} and {@code GroupQueryAttention}: query, key and value (which
 * is also the key, unless one is given) are projected to heads; each query's result is the sum of
 * the values, weighted by the softmax of {@code query·key / √key_dim}; a projection of all heads'
 * results is the output. Query (B, T…, C) and value (B, S…, D) give (B, T…, C), or of another last
 * size with {@code output_shape}; {@code return_attention_scores} adds an output (B, heads, T…,
 * S…).
 *
 * <p>Dimensions that are not among {@code attention_axes} are like the batch. In grouped attention,
 * (B, T, C) and (B, S, D) alone, several heads of the query share one of key and value.
 *
 * <p>Hidden keys get no weight: those after the query with {@code use_causal_mask}, those {@code
 * sliding_window} or more places away, those that the masks of query, value and key or {@code
 * attention_mask}, which broadcasts to (B, heads, T, S), say. A query with all keys hidden weighs
 * all equally or gets 0, as in the version of Keras.
 *
 * <p>Sublayers are {@link EinsumDense}: {@code query_dense}, {@code key_dense}, {@code _gate_dense}
 * with {@code use_gate}, {@code value_dense}, {@code output_dense}; in Keras 2 and grouped
 * attention all begin with an underscore.
 *
 * @see <a href="https://keras.io/api/layers/attention_layers/multi_head_attention/">In Keras</a>
 */
public final class MultiHeadAttention extends Layer {
  /** The class name of grouped attention in files; in Python it is GroupedQueryAttention. */
  public static final String GROUPED = "GroupQueryAttention";

  private static final String QUERY = "query";
  private static final String VALUE = "value";
  private static final String KEY = "key";
  private static final String MASK = "attention_mask";
  private static final String SCORES = "return_attention_scores";
  private static final String CAUSAL = "use_causal_mask";

  private static final List<String> KERAS_2_PARAMETERS =
      List.of(QUERY, VALUE, KEY, MASK, SCORES, "training", CAUSAL);
  private static final List<String> KERAS_3_PARAMETERS =
      List.of(
          QUERY,
          VALUE,
          KEY,
          "query_mask",
          "value_mask",
          "key_mask",
          MASK,
          SCORES,
          "training",
          CAUSAL);

  /** What the projections take over from this layer. */
  private static final List<String> SHARED_KEYS =
      List.of(
          "dtype",
          "kernel_initializer",
          "bias_initializer",
          "kernel_regularizer",
          "bias_regularizer",
          "activity_regularizer",
          "kernel_constraint",
          "bias_constraint");

  private final boolean grouped;
  private final List<String> parameters;
  private final int heads;
  private final int keyHeads;
  private final int keySize;
  private final int valueSize;
  private final double dropout;
  private final boolean useBias;
  private final boolean useGate;
  private final List<Integer> outputShape;
  private final List<Integer> givenAxes;
  private final int window;
  private int[] axes;
  private EinsumDense queryDense;
  private EinsumDense keyDense;
  private EinsumDense valueDense;
  private EinsumDense gateDense;
  private EinsumDense outputDense;

  /**
   * Reads a serialized layer.
   *
   * @param object the serialized layer
   * @throws KerasException if a key is unknown or a value is not allowed
   */
  public MultiHeadAttention(KerasObject object) {
    super(object);
    ConfigReader config = object.config();
    grouped = object.className().equals(GROUPED);
    config.rejectUnknownKeys(keys(grouped));
    parameters = object.isOfKeras2() ? KERAS_2_PARAMETERS : KERAS_3_PARAMETERS;
    heads = required(config, grouped ? "num_query_heads" : "num_heads");
    keyHeads = grouped ? required(config, "num_key_value_heads") : heads;
    if (heads % keyHeads != 0) {
      throw config.invalid(
          "num_query_heads", heads, "a multiple of num_key_value_heads = " + keyHeads);
    }
    keySize = required(config, grouped ? "head_dim" : "key_dim");
    valueSize =
        grouped || config.json("value_dim").isNull() ? keySize : config.integer("value_dim", 0, 1);
    dropout = config.number("dropout", 0, 0);
    if (dropout > 1) {
      throw config.invalid("dropout", dropout, "a probability in [0, 1]");
    }
    useBias = config.bool("use_bias", true);
    useGate = config.bool("use_gate", false);
    window = config.json("sliding_window").isNull() ? 0 : config.integer("sliding_window", 0, 1);
    outputShape = numbers(config, "output_shape", 1);
    givenAxes =
        numbers(
            config,
            "attention_axes",
            object.isOfKeras2() || object.isOfKeras3Before(12) ? 1 : Integer.MIN_VALUE);
    if (!KerasObject.isKerasObject(config.json("seed"))) {
      config.wholeNumber("seed", "a serialized SeedGenerator");
    }
  }

  private static Set<String> keys(boolean grouped) {
    Set<String> keys = new LinkedHashSet<>(SHARED_KEYS);
    keys.addAll(
        List.of("dropout", "use_bias", "use_gate", "sliding_window", "flash_attention", "seed"));
    keys.addAll(
        grouped
            ? List.of("head_dim", "num_query_heads", "num_key_value_heads")
            : List.of("num_heads", "key_dim", "value_dim", "output_shape", "attention_axes"));
    if (!grouped) { // Keras 2's: the shapes that it was built for.
      keys.addAll(List.of("query_shape", "key_shape", "value_shape"));
    }
    return keys;
  }

  private static int required(ConfigReader config, String key) {
    if (!config.has(key)) {
      throw config.invalid(key, "nothing", "an integer of at least 1");
    }
    return config.integer(key, 0, 1);
  }

  /** One number or a list of them; null and none are an empty list. */
  private static List<Integer> numbers(ConfigReader config, String key, int least) {
    if (config.json(key).isNull()) {
      return List.of();
    }
    return config.isList(key)
        ? config.integers(key, List.of(), least)
        : List.of(config.integer(key, 0, least));
  }

  @Override
  protected Set<String> keywords() {
    return Set.copyOf(parameters);
  }

  @Override
  protected boolean takesConstants() {
    return true;
  }

  /** Keras 3 hands the regularizer on to the projections alone; grouped attention keeps it too. */
  @Override
  protected boolean regularizesActivity() {
    return grouped || serialize().isOfKeras2();
  }

  @Override
  protected String pythonClass() {
    return grouped ? "GroupedQueryAttention" : super.pythonClass();
  }

  @Override
  protected void createWeights(Ops tf, Arguments<Shape> arguments) {
    Shape query = shape(arguments, QUERY).orElseThrow(() -> missing(QUERY));
    Shape value = shape(arguments, VALUE).orElseThrow(() -> missing(VALUE));
    Shape key = shape(arguments, KEY).orElse(value);
    int rank = query.numDimensions();
    boolean fits =
        (grouped ? rank == 3 : rank >= 3)
            && value.numDimensions() == rank
            && key.numDimensions() == rank
            && Stream.of(query, value, key)
                .allMatch(shape -> shape.get(rank - 1) != Shape.UNKNOWN_SIZE)
            && IntStream.range(0, rank - 1).allMatch(d -> agree(key.get(d), value.get(d)));
    if (!fits) {
      throw new KerasException(
          "%s: expected a query, a value and a key (B, …, C) of %s and known C, value and key equal but for C, got %s, %s, %s"
              .formatted(
                  serialize().describe(), grouped ? "rank 3" : "one rank", query, value, key));
    }
    axes = axes(rank);
    queryDense = project("query", rank, 1, List.of(heads, keySize));
    keyDense = project("key", rank, 1, List.of(keyHeads, keySize));
    valueDense = project("value", rank, 1, List.of(keyHeads, valueSize));
    List<Integer> last =
        outputShape.isEmpty() ? List.of(Math.toIntExact(query.get(rank - 1))) : outputShape;
    outputDense = project("attention_output", rank, 2, last);
    addSublayer(attribute("query_dense"), queryDense);
    addSublayer(attribute("key_dense"), keyDense);
    if (useGate) {
      gateDense = project("gate", rank, 1, List.of(heads, valueSize));
      addSublayer("_gate_dense", gateDense);
      gateDense.build(tf, List.of(query));
    }
    addSublayer(attribute("value_dense"), valueDense);
    addSublayer(attribute("output_dense"), outputDense);
    queryDense.build(tf, List.of(query));
    keyDense.build(tf, List.of(key));
    valueDense.build(tf, List.of(value));
    long[] results = new long[rank + 1];
    for (int d = 0; d < rank - 1; d++) {
      results[d] = query.get(d);
    }
    results[rank - 1] = heads;
    results[rank] = valueSize;
    outputDense.build(tf, List.of(Shape.of(results)));
  }

  /** Keras 3 finds the projections under the properties that give them, Keras 2 has none. */
  private String attribute(String property) {
    return grouped || serialize().isOfKeras2() ? "_" + property : property;
  }

  private Optional<Shape> shape(Arguments<Shape> arguments, String name) {
    return arguments.find(parameters, name).map(Argument::tensors).stream()
        .flatMap(List::stream)
        .findFirst();
  }

  private KerasException missing(String what) {
    return new KerasException(
        serialize().describe() + ": is called without a " + what + ", expected query and value");
  }

  private static boolean agree(long a, long b) {
    return a == b || a == Shape.UNKNOWN_SIZE || b == Shape.UNKNOWN_SIZE;
  }

  /** The axes of the input, between batch and features, that attention goes along. */
  private int[] axes(int rank) {
    if (givenAxes.isEmpty()) {
      return IntStream.range(1, rank - 1).toArray();
    }
    int[] found = givenAxes.stream().mapToInt(axis -> axis < 0 ? axis + rank : axis).toArray();
    if (IntStream.of(found).anyMatch(axis -> axis < 1 || axis > rank - 2)
        || IntStream.of(found).distinct().count() < found.length) {
      throw serialize()
          .config()
          .invalid(
              "attention_axes",
              givenAxes,
              "different axes from 1 to %d, for inputs of rank %d".formatted(rank - 2, rank));
    }
    return found;
  }

  /** A dense layer from the last {@code bound} dimensions to new ones. */
  private EinsumDense project(String name, int rank, int bound, List<Integer> outputs) {
    int free = rank - 1;
    String kept = letters(0, free);
    String summed = letters(free, bound);
    String made = letters(free + bound, outputs.size());
    ObjectNode config = JsonNodeFactory.instance.objectNode();
    config.put("name", name);
    config.put("equation", kept + summed + "," + summed + made + "->" + kept + made);
    ArrayNode shape = config.putArray("output_shape");
    IntStream.range(0, free - 1).forEach(i -> shape.addNull());
    outputs.forEach(shape::add);
    config.put("bias_axes", useBias ? made : null);
    config.put("activation", name.equals("gate") ? "sigmoid" : "linear");
    ObjectNode own = serialize().configJson();
    SHARED_KEYS.stream().filter(own::has).forEach(key -> config.set(key, own.get(key)));
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    serialize().module().ifPresent(module -> json.put("module", "keras.layers"));
    json.put("class_name", "EinsumDense").set("config", config);
    return new EinsumDense(serialize().part(json));
  }

  private static String letters(int first, int count) {
    StringBuilder letters = new StringBuilder();
    IntStream.range(first, first + count).forEach(i -> letters.append((char) ('a' + i)));
    return letters.toString();
  }

  @Override
  protected List<Operand<?>> compute(Ops tf, LayerCall call) {
    Operand<?> query = call.tensor(parameters, QUERY).orElseThrow(() -> missing(QUERY));
    Operand<?> value = call.tensor(parameters, VALUE).orElseThrow(() -> missing(VALUE));
    Operand<?> key = call.tensor(parameters, KEY).orElse(value);
    Operand<TFloat32> q = apply(tf, queryDense, query, call);
    Operand<TFloat32> k = forAllHeads(tf, apply(tf, keyDense, key, call));
    Operand<TFloat32> v = forAllHeads(tf, apply(tf, valueDense, value, call));
    // A letter for each dimension of a projected query, and others for the keys it attends to.
    int rank = q.shape().numDimensions();
    String queries = letters(0, rank);
    StringBuilder keys = new StringBuilder(queries);
    StringBuilder batch = new StringBuilder(letters(0, rank - 1));
    StringBuilder attending = new StringBuilder();
    for (int i = 0; i < axes.length; i++) {
      String from = queries.substring(axes[i], axes[i] + 1);
      attending.append(from);
      keys.setCharAt(axes[i], (char) ('a' + rank + i));
      batch.deleteCharAt(batch.indexOf(from));
    }
    String weighted = batch + attending.toString() + letters(rank, axes.length);
    Operand<TFloat32> scaled = tf.math.mul(q, tf.constant((float) (1 / Math.sqrt(keySize))));
    Operand<TFloat32> products =
        tf.linalg.einsum(List.of(scaled, k), queries + "," + keys + "->" + weighted);
    boolean wantsScores = call.flag(parameters, SCORES);
    Operand<TFloat32> scores =
        softmax(tf, products, mask(tf, call, query, value), rank == 4 && !wantsScores);
    Operand<TFloat32> weights =
        call.training()
            ? RandomDrop.apply(tf, scores, tf.shape(scores), dropout, call.context().random())
            : scores;
    Operand<TFloat32> results =
        tf.linalg.einsum(List.of(weights, v), weighted + "," + keys + "->" + queries);
    if (useGate) {
      results = tf.math.mul(results, apply(tf, gateDense, query, call));
    }
    Operand<TFloat32> output = apply(tf, outputDense, results, call);
    return wantsScores ? List.of(output, scores) : List.of(output);
  }

  private static Operand<TFloat32> apply(Ops tf, EinsumDense dense, Operand<?> x, LayerCall call) {
    return Operands.floats(dense.call(tf, LayerCall.of(List.of(x), call.context())).get(0));
  }

  /** Repeats each head of a key or value for the heads of the query that share it. */
  private Operand<TFloat32> forAllHeads(Ops tf, Operand<TFloat32> x) {
    if (heads == keyHeads) {
      return x;
    }
    int size = Math.toIntExact(x.shape().get(3));
    Operand<TInt32> leading = tf.stridedSlice(tf.shape(x), Indices.sliceTo(2));
    Operand<TFloat32> repeated =
        tf.tile(tf.expandDims(x, tf.constant(3)), tf.array(1, 1, 1, heads / keyHeads, 1));
    return tf.reshape(repeated, tf.concat(List.of(leading, tf.array(heads, size)), tf.constant(0)));
  }

  /** The mask of the scores, if there is one, of any rank up to theirs. */
  private Optional<Operand<TBool>> mask(
      Ops tf, LayerCall call, Operand<?> query, Operand<?> value) {
    Stream.Builder<Operand<TBool>> masks = Stream.builder();
    tensorMask(tf, call, QUERY).ifPresent(mask -> masks.add(tf.expandDims(mask, tf.constant(-1))));
    for (String attended : List.of(VALUE, KEY)) {
      tensorMask(tf, call, attended)
          .ifPresent(mask -> masks.add(tf.expandDims(mask, tf.constant(-2))));
    }
    if (call.flag(parameters, CAUSAL)) {
      masks.add(AttentionMasks.causal(tf, query, value));
    }
    if (window > 0) {
      masks.add(AttentionMasks.window(tf, query, value, window));
    }
    call.tensor(parameters, MASK).ifPresent(mask -> masks.add(AttentionMasks.bool(tf, mask)));
    return AttentionMasks.all(tf, masks.build());
  }

  /** The mask that is given for a tensor or, without one, that it carries. */
  private Optional<Operand<TBool>> tensorMask(Ops tf, LayerCall call, String tensor) {
    String parameter = tensor + "_mask";
    return parameters.contains(parameter)
        ? call.tensor(parameters, parameter)
            .map(mask -> AttentionMasks.bool(tf, mask))
            .or(() -> call.mask(parameters, tensor))
        : call.mask(parameters, tensor);
  }

  private Operand<TFloat32> softmax(
      Ops tf, Operand<TFloat32> x, Optional<Operand<TBool>> mask, boolean plain) {
    int rank = x.shape().numDimensions();
    int[] along = IntStream.range(rank - axes.length, rank).toArray();
    if (mask.isEmpty()) {
      return MaskedSoftmax.softmax(tf, x, along);
    }
    Operand<TBool> shown = mask.get();
    while (shown.shape().numDimensions() < rank) {
      shown = tf.expandDims(shown, tf.constant(-2 * axes.length - 1));
    }
    KerasObject object = serialize();
    boolean fused = plain && dropout == 0 && !object.isOfKeras2() && !object.isOfKeras3Before(7);
    MaskedSoftmax rule = fused ? MaskedSoftmax.REPLACED : MaskedSoftmax.of(object);
    return rule.apply(tf, x, shown, along);
  }

  @Override
  protected Map<Integer, Operand<TBool>> computeMasks(
      Ops tf, LayerCall call, List<Operand<?>> outputs) {
    return call.mask(parameters, QUERY).map(mask -> Map.of(0, mask)).orElse(Map.of());
  }
}
