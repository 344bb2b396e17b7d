package io.github.kpconvx.layer.core;

import io.github.kpconvx.dtype.DType;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.LayerCall;
import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TType;

/**
 * Keras's {@code RepeatVector}: (B, C) to (B, n, C), the same vector n times.
 *
 * @see <a href="https://keras.io/api/layers/reshaping_layers/repeat_vector/">RepeatVector in
 *     Keras</a>
 */
public final class RepeatVector extends Layer {
  private final int times;

  /**
   * Reads a serialized layer.
   *
   * @param object the serialized layer
   * @throws KerasException if a key is unknown or n is no integer of at least 0
   */
  public RepeatVector(KerasObject object) {
    super(object, DType.FLOATS);
    ConfigReader config = object.config();
    config.rejectUnknownKeys(List.of("n"));
    if (!config.has("n")) {
      throw config.invalid("n", "nothing", "an integer of at least 0");
    }
    this.times = config.integer("n", 0, 0);
  }

  @Override
  protected void createWeights(Ops tf, List<Shape> inputs) {
    if (inputs.size() != 1 || inputs.get(0).numDimensions() != 2) {
      throw new KerasException(
          "%s: expected an input (B, C), got %s"
              .formatted(serialize().describe(), inputs.size() == 1 ? inputs.get(0) : inputs));
    }
  }

  @Override
  protected List<Operand<?>> compute(Ops tf, LayerCall call) {
    return List.of(repeat(tf, call.inputs().get(0)));
  }

  private <T extends TType> Operand<T> repeat(Ops tf, Operand<T> x) {
    return tf.tile(tf.expandDims(x, tf.constant(1)), tf.array(1, times, 1));
  }
}
