package io.github.kpconvx.layer.core;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.dtype.DType;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.LayerCall;
import java.util.List;
import java.util.Set;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TType;

/**
 * The operation {@code keras.ops.tile} of a functional model, and {@code tf.tile} of one of Keras 2
 * (class {@code TFOpLambda}): repeats a tensor along each axis.
 *
 * @see <a href="https://keras.io/api/ops/numpy/#tile-function">tile in Keras</a>
 */
public final class Tile extends Layer {
  /** The keyword argument of {@code tf.tile}. */
  private static final String MULTIPLES = "multiples";

  private static final String FUNCTION = "function";
  private static final String REPEATS = "repeats";

  private final boolean tensorFlow;

  /**
   * Reads a serialized operation.
   *
   * @param object the serialized operation
   * @throws KerasException if a key is unknown, or it is another function of TensorFlow
   */
  public Tile(KerasObject object) {
    super(object, DType.FLOATS);
    ConfigReader config = object.config();
    this.tensorFlow = config.has(FUNCTION);
    config.rejectUnknownKeys(List.of(FUNCTION, REPEATS));
    if (tensorFlow && !config.text(FUNCTION, "").equals("tile")) {
      throw config.invalid(FUNCTION, config.json(FUNCTION), "\"tile\"");
    }
  }

  @Override
  protected Set<String> keywords() {
    return tensorFlow ? Set.of(MULTIPLES, "name") : Set.of();
  }

  /** As an operation it is no Keras layer. */
  @Override
  protected boolean castsInputs() {
    return false;
  }

  @Override
  protected void createWeights(Ops tf, List<Shape> inputs) {}

  @Override
  protected List<Operand<?>> compute(Ops tf, LayerCall call) {
    if (call.inputs().size() != 1) {
      throw new KerasException(
          serialize().describe() + " takes one input, got " + call.inputs().size());
    }
    return List.of(tile(tf, call.inputs().get(0), repeats(call)));
  }

  private List<Integer> repeats(LayerCall call) {
    String key = tensorFlow ? MULTIPLES : REPEATS;
    JsonNode value = tensorFlow ? call.constant(MULTIPLES) : serialize().config().json(REPEATS);
    ObjectNode holder = JsonNodeFactory.instance.objectNode();
    holder.set(key, value);
    ConfigReader reader = ConfigReader.of(serialize().describe(), holder);
    return value.isNumber()
        ? List.of(reader.integer(key, 0, 0))
        : reader.integers(key, List.of(), 0);
  }

  private <T extends TType> Operand<T> tile(Ops tf, Operand<T> x, List<Integer> repeats) {
    int rank = x.shape().numDimensions();
    if (repeats.size() > rank || (tensorFlow && repeats.size() != rank)) {
      throw new KerasException(
          "%s: repeats %s, expected one for each axis of its input %s"
              .formatted(serialize().describe(), repeats, x.shape()));
    }
    int[] all = new int[rank];
    for (int d = 0; d < rank; d++) {
      int missing = rank - repeats.size(); // Keras repeats along the last axes then.
      all[d] = d < missing ? 1 : repeats.get(d - missing);
    }
    return tf.tile(x, tf.constant(all));
  }
}
