package io.github.kpconvx.layer.core;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.LayerCall;
import java.util.List;
import java.util.Map;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Squeeze;
import org.tensorflow.types.TFloat32;

/**
 * Keras's {@code MaxPooling1D}: the largest value of each channel among {@code pool_size} points
 * that follow each other, (B, R, C) to (B, R', C), with {@code data_format} "channels_last".
 *
 * @see <a href="https://keras.io/api/layers/pooling_layers/max_pooling1d/">MaxPooling1D in
 *     Keras</a>
 */
public final class MaxPooling1D extends Layer {
  private final int size;
  private final int stride;
  private final String padding;

  /**
   * Reads a serialized layer.
   *
   * @param object the serialized layer
   * @throws KerasException if a key is unknown or a value is not allowed
   */
  public MaxPooling1D(KerasObject object) {
    super(object);
    ConfigReader config = object.config();
    config.rejectUnknownKeys(List.of("pool_size", "strides", "padding", "data_format"));
    this.size = config.has("pool_size") ? Conv1D.single(config, "pool_size") : 2;
    this.stride = config.json("strides").isNull() ? size : Conv1D.single(config, "strides");
    this.padding = config.choice("padding", "VALID", Map.of("valid", "VALID", "same", "SAME"));
    Conv1D.requireOnly(config, "data_format", "channels_last");
  }

  @Override
  protected void createWeights(Ops tf, List<Shape> inputs) {
    Shape input = inputs.get(0);
    if (input.numDimensions() != 3) {
      throw new KerasException(
          serialize().describe() + ": expected an input (B, R, C), got " + input);
    }
    long points = input.get(1);
    if (padding.equals("VALID") && points != Shape.UNKNOWN_SIZE && points < size) {
      throw new KerasException(
          "%s: pool_size = %d, expected at most the %d points of its input"
              .formatted(serialize().describe(), size, points));
    }
  }

  @Override
  protected List<Operand<?>> compute(Ops tf, LayerCall call) {
    Operand<TFloat32> image = tf.expandDims(onlyInput(call), tf.constant(1));
    Operand<TFloat32> pooled =
        tf.nn.maxPool(
            image,
            tf.constant(new int[] {1, 1, size, 1}),
            tf.constant(new int[] {1, 1, stride, 1}),
            padding);
    return List.of(tf.squeeze(pooled, Squeeze.axis(List.of(1L))));
  }
}
