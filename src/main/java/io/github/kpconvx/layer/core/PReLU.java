package io.github.kpconvx.layer.core;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.kpconvx.dtype.DType;
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
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.family.TNumber;

/**
 * Keras's {@code PReLU}: {@code max(0, x) − alpha · max(0, −x)} with a trained slope. The output
 * has the input's shape.
 *
 * <p>Weight: {@code alpha}, of the input's shape without the batch axis; 1 along each of {@code
 * shared_axes}, which count from 1.
 *
 * @see <a href="https://keras.io/api/layers/activation_layers/prelu/">PReLU in Keras</a>
 */
public final class PReLU extends Layer {
  private final List<Integer> sharedAxes;
  private final WeightRules alpha;

  /**
   * Reads a serialized layer.
   *
   * @param object the serialized layer
   * @throws KerasException if a key is unknown or a value is not allowed
   */
  public PReLU(KerasObject object) {
    super(object, DType.FLOATS);
    ConfigReader config = object.config();
    config.rejectUnknownKeys(
        List.of("alpha_initializer", "alpha_regularizer", "alpha_constraint", "shared_axes"));
    JsonNode shared = config.json("shared_axes");
    if (shared.isNull()) {
      this.sharedAxes = List.of();
    } else if (shared.isNumber()) {
      this.sharedAxes = List.of(config.integer("shared_axes", 1, 1));
    } else {
      this.sharedAxes = config.integers("shared_axes", List.of(), 1);
    }
    this.alpha = WeightRules.of(object, "alpha_", "zeros");
  }

  @Override
  protected void createWeights(Ops tf, List<Shape> inputs) {
    Shape input = inputs.get(0);
    long[] shape = new long[Math.max(input.numDimensions() - 1, 0)];
    for (int axis = 1; axis <= shape.length; axis++) {
      shape[axis - 1] = sharedAxes.contains(axis) ? 1 : input.get(axis);
    }
    boolean inside = sharedAxes.stream().allMatch(axis -> axis <= shape.length);
    if (!inside || shape.length == 0 || Shape.of(shape).hasUnknownDimension()) {
      throw new KerasException(
          serialize().describe()
              + ": shared_axes = "
              + sharedAxes
              + " for an input of shape "
              + input
              + ", expected axes after the batch's, among them every one of unknown size");
    }
    addWeight(tf, WeightSpec.of("alpha", true, shape), alpha);
  }

  @Override
  protected List<Operand<?>> compute(Ops tf, LayerCall call) {
    return List.of(activated(tf, onlyFloats(call)));
  }

  private <T extends TNumber> Operand<T> activated(Ops tf, Operand<T> x) {
    Operand<T> below = tf.math.mul(weight(tf, "alpha", x), tf.nn.relu(tf.math.neg(x)));
    return tf.math.sub(tf.nn.relu(x), below);
  }

  /** What counts of the input counts of the output. */
  @Override
  protected Map<Integer, Operand<TBool>> computeMasks(
      Ops tf, LayerCall call, List<Operand<?>> outputs) {
    return call.masks();
  }
}
