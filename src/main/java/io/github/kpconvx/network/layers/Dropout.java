package io.github.kpconvx.network.layers;

import io.github.kpconvx.keras.ConfigReader;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.KerasObject;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.Mode;
import io.github.kpconvx.layer.Stages;
import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/**
 * Keras's {@code Dropout}; in inference its output is its input.
 *
 * @see <a href="https://keras.io/api/layers/regularization_layers/dropout/">Dropout in Keras</a>
 */
public final class Dropout extends Layer {

  /**
   * Reads a serialized layer.
   *
   * @param object the serialized layer
   * @throws KerasException if a key is unknown or the rate is not in [0, 1]
   */
  public Dropout(KerasObject object) {
    super(object);
    ConfigReader config = object.config();
    config.rejectUnknownKeys(List.of("rate", "seed", "noise_shape"));
    double rate = config.number("rate", 0);
    if (rate < 0 || rate > 1) {
      throw config.invalid("rate", rate, "a probability in [0, 1]");
    }
  }

  @Override
  protected void createWeights(Ops tf, List<Shape> inputs) {}

  @Override
  protected Operand<TFloat32> compute(Ops tf, List<Operand<?>> inputs, Mode mode, Stages stages) {
    if (mode == Mode.TRAINING) {
      throw new UnsupportedOperationException(
          serialize().describe() + ": only Mode.INFERENCE is supported");
    }
    return onlyInput(inputs);
  }
}
