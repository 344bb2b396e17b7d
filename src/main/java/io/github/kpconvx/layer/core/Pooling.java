package io.github.kpconvx.layer.core;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.LayerCall;
import java.util.List;
import java.util.Map;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TNumber;

/**
 * Keras's {@code MaxPooling1D}, {@code MaxPooling2D}, {@code AveragePooling1D} and {@code
 * AveragePooling2D}: the largest value or the mean of each channel among {@code pool_size} places,
 * (B, R, C) to (B, R', C) or (B, H, W, C) to (B, H', W', C); the channels stand before the places
 * with {@code data_format} "channels_first". Places that {@code padding} "same" adds do not count.
 *
 * @see <a href="https://keras.io/api/layers/pooling_layers/">Pooling layers in Keras</a>
 */
public final class Pooling extends SpatialLayer {
  private final boolean max;
  private final Window window;

  private Pooling(KerasObject object, int dimensions, boolean max) {
    super(object, dimensions);
    this.max = max;
    ConfigReader config = object.config();
    config.rejectUnknownKeys(List.of("pool_size", "strides", "padding", "data_format"));
    List<Integer> size = sizes("pool_size", 2, 1);
    this.window =
        Window.of(
            size,
            config.json("strides").isNull() ? size : sizes("strides", 1, 1),
            List.of(1, 1),
            config.choice(
                "padding",
                Window.Padding.VALID,
                Map.of("valid", Window.Padding.VALID, "same", Window.Padding.SAME)));
  }

  /**
   * Pooling of the largest.
   *
   * @param object the serialized layer
   * @param dimensions 1 for sequences, 2 for images
   * @return the layer
   * @throws KerasException if a key is unknown or a value is not allowed
   */
  public static Pooling max(KerasObject object, int dimensions) {
    return new Pooling(object, dimensions, true);
  }

  /**
   * Pooling of the mean.
   *
   * @param object the serialized layer
   * @param dimensions 1 for sequences, 2 for images
   * @return the layer
   * @throws KerasException if a key is unknown or a value is not allowed
   */
  public static Pooling average(KerasObject object, int dimensions) {
    return new Pooling(object, dimensions, false);
  }

  @Override
  protected void createWeights(Ops tf, List<Shape> inputs) {
    if (!window.fits(imageShape(inputs))) {
      throw new KerasException(
          "%s: pool_size = %s, expected at most as many places as its input %s has"
              .formatted(
                  serialize().describe(), serialize().config().json("pool_size"), inputs.get(0)));
    }
  }

  @Override
  protected List<Operand<?>> compute(Ops tf, LayerCall call) {
    return List.of(max ? largest(tf, onlyNumber(call)) : mean(tf, onlyInput(call)));
  }

  private <T extends TNumber> Operand<T> largest(Ops tf, Operand<T> x) {
    Operand<T> y =
        window.over(
            tf,
            toImage(tf, x),
            (image, strides, padding) ->
                tf.nn.maxPool(
                    image, tf.constant(ints(window.sizes())), tf.constant(ints(strides)), padding));
    return fromImage(tf, y, x);
  }

  private Operand<TFloat32> mean(Ops tf, Operand<TFloat32> x) {
    Operand<TFloat32> y =
        window.over(
            tf,
            toImage(tf, x),
            (image, strides, padding) -> tf.nn.avgPool(image, window.sizes(), strides, padding));
    return fromImage(tf, y, x);
  }

  private static int[] ints(List<Long> values) {
    return values.stream().mapToInt(Math::toIntExact).toArray();
  }
}
