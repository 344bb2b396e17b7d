package io.github.kpconvx.layer.core;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.LayerCall;
import io.github.kpconvx.layer.Mode;
import io.github.kpconvx.layer.function.Regularizer;
import java.util.List;
import java.util.Map;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;

/**
 * Keras's {@code ActivityRegularization}: its output is its input, on which it puts a penalty in
 * training, {@code l1 · Σ|x| + l2 · Σx²} per element of the batch (in Keras 3 before 3.14, of the
 * whole batch).
 *
 * @see <a
 *     href="https://keras.io/api/layers/regularization_layers/activity_regularization/">ActivityRegularization
 *     in Keras</a>
 */
public final class ActivityRegularization extends Layer {
  private final Regularizer penalty;

  /**
   * Reads a serialized layer.
   *
   * @param object the serialized layer
   * @throws KerasException if a key is unknown or a value is not allowed
   */
  public ActivityRegularization(KerasObject object) {
    super(object);
    ConfigReader config = object.config();
    config.rejectUnknownKeys(List.of("l1", "l2"));
    ObjectNode factors = JsonNodeFactory.instance.objectNode();
    factors.put("l1", config.number("l1", 0, 0)).put("l2", config.number("l2", 0, 0));
    this.penalty =
        Regularizer.of(
                object.describe(),
                "activity_regularizer",
                KerasObject.of("keras.regularizers", "L1L2", null, factors).json())
            .orElseThrow();
  }

  @Override
  protected void createWeights(Ops tf, List<Shape> inputs) {}

  @Override
  protected List<Operand<?>> compute(Ops tf, LayerCall call) {
    Operand<?> x = onlyInput(call);
    if (call.context().mode() != Mode.INFERENCE) {
      addActivityLoss(tf, x, penalty);
    }
    return List.of(x);
  }

  @Override
  protected Map<Integer, Operand<TBool>> computeMasks(
      Ops tf, LayerCall call, List<Operand<?>> outputs) {
    return call.masks();
  }
}
