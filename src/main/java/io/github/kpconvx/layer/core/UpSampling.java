package io.github.kpconvx.layer.core;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.LayerCall;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.index.Indices;
import org.tensorflow.op.Ops;
import org.tensorflow.op.image.ResizeBicubic;
import org.tensorflow.op.image.ResizeBilinear;
import org.tensorflow.op.image.ScaleAndTranslate;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TNumber;

/**
 * Keras's {@code UpSampling1D} and {@code UpSampling2D}: {@code size} times as many places along
 * each dimension, by repetition or, of images, by {@code interpolation}.
 *
 * <p>Interpolations: "nearest", "bilinear", "bicubic", "lanczos3", "lanczos5" and, of Keras 2,
 * "gaussian", "mitchellcubic" and "area", which repeats like "nearest".
 *
 * @see <a href="https://keras.io/api/layers/reshaping_layers/">Reshaping layers in Keras</a>
 */
public final class UpSampling extends SpatialLayer {

  /** Makes an image of a size (H', W') of a float32 image. */
  @FunctionalInterface
  private interface Interpolation {
    Operand<TFloat32> resize(
        Ops tf, Operand<TFloat32> image, Operand<TInt32> places, List<Integer> times);
  }

  /** By name; none where places are repeated. */
  private static final Map<String, Optional<Interpolation>> INTERPOLATIONS = interpolations();

  private final List<Integer> times;
  private final Optional<Interpolation> interpolation;

  /**
   * Reads a serialized layer.
   *
   * @param object the serialized layer
   * @param dimensions 1 for sequences, 2 for images
   * @throws KerasException if a key is unknown or a value is not allowed
   */
  public UpSampling(KerasObject object, int dimensions) {
    super(object, dimensions);
    ConfigReader config = object.config();
    config.rejectUnknownKeys(
        dimensions == 1 ? List.of("size") : List.of("size", "data_format", "interpolation"));
    this.times = sizes("size", 2, 1);
    this.interpolation = config.choice("interpolation", Optional.empty(), INTERPOLATIONS);
  }

  private static Map<String, Optional<Interpolation>> interpolations() {
    Map<String, Interpolation> all = new LinkedHashMap<>();
    all.put(
        "bilinear",
        (tf, image, places, times) ->
            tf.image.resizeBilinear(image, places, ResizeBilinear.halfPixelCenters(true)));
    all.put(
        "bicubic",
        (tf, image, places, times) ->
            tf.image.resizeBicubic(image, places, ResizeBicubic.halfPixelCenters(true)));
    for (String kernel : List.of("lanczos3", "lanczos5", "gaussian", "mitchellcubic")) {
      all.put(
          kernel,
          (tf, image, places, times) ->
              tf.image.scaleAndTranslate(
                  image,
                  places,
                  tf.array((float) times.get(0), (float) times.get(1)),
                  tf.array(0f, 0f),
                  ScaleAndTranslate.kernelType(kernel),
                  ScaleAndTranslate.antialias(false)));
    }
    Map<String, Optional<Interpolation>> found = new LinkedHashMap<>();
    all.forEach((name, made) -> found.put(name, Optional.of(made)));
    found.put("nearest", Optional.empty());
    found.put("area", Optional.empty());
    return found;
  }

  @Override
  protected void createWeights(Ops tf, List<Shape> inputs) {
    imageShape(inputs);
  }

  @Override
  protected List<Operand<?>> compute(Ops tf, LayerCall call) {
    if (interpolation.isEmpty()) {
      return List.of(repeated(tf, onlyNumber(call)));
    }
    Operand<TFloat32> x = onlyInput(call);
    Operand<TFloat32> image = toImage(tf, x);
    return List.of(
        fromImage(tf, interpolation.get().resize(tf, image, places(tf, image), times), x));
  }

  private Operand<TInt32> places(Ops tf, Operand<?> image) {
    return tf.math.mul(Window.places(tf, image), tf.array(times.get(0), times.get(1)));
  }

  private <T extends TNumber> Operand<T> repeated(Ops tf, Operand<T> x) {
    Operand<T> image = toImage(tf, x);
    Operand<TInt32> batch = tf.stridedSlice(tf.shape(image), Indices.sliceTo(1));
    Operand<TInt32> sizes = Window.places(tf, image);
    Operand<TInt32> one = tf.array(1);
    Operand<TInt32> height = tf.stridedSlice(sizes, Indices.sliceTo(1));
    Operand<TInt32> width = tf.stridedSlice(sizes, Indices.sliceFrom(1));
    Operand<TInt32> channels = tf.stridedSlice(tf.shape(image), Indices.sliceFrom(3));
    Operand<T> apart =
        tf.reshape(
            image, tf.concat(List.of(batch, height, one, width, one, channels), tf.constant(0)));
    Operand<T> tiled = tf.tile(apart, tf.array(1, 1, times.get(0), 1, times.get(1), 1));
    Operand<T> whole =
        tf.reshape(tiled, tf.concat(List.of(batch, places(tf, image), channels), tf.constant(0)));
    return fromImage(tf, whole, x);
  }
}
