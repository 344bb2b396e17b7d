package io.github.kpconvx.layer.core;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.LayerCall;
import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Max;

/**
 * Keras's {@code GlobalMaxPooling1D}: the largest value of each channel among all points, (B, R, C)
 * to (B, C), or (B, 1, C) with {@code keepdims}.
 *
 * @see <a
 *     href="https://keras.io/api/layers/pooling_layers/global_max_pooling1d/">GlobalMaxPooling1D in
 *     Keras</a>
 */
public final class GlobalMaxPooling1D extends Layer {
  private final boolean keepDimensions;

  /**
   * Reads a serialized layer.
   *
   * @param object the serialized layer
   * @throws KerasException if a key is unknown or a value is not allowed
   */
  public GlobalMaxPooling1D(KerasObject object) {
    super(object);
    ConfigReader config = object.config();
    config.rejectUnknownKeys(List.of("data_format", "keepdims"));
    Conv1D.requireOnly(config, "data_format", "channels_last");
    this.keepDimensions = config.bool("keepdims", false);
  }

  @Override
  protected void createWeights(Ops tf, List<Shape> inputs) {
    if (inputs.get(0).numDimensions() != 3) {
      throw new KerasException(
          serialize().describe() + ": expected an input (B, R, C), got " + inputs.get(0));
    }
  }

  @Override
  protected List<Operand<?>> compute(Ops tf, LayerCall call) {
    return List.of(tf.max(onlyInput(call), tf.constant(1), Max.keepDims(keepDimensions)));
  }
}
