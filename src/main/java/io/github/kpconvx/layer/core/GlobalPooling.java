package io.github.kpconvx.layer.core;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.Argument;
import io.github.kpconvx.layer.LayerCall;
import java.util.List;
import java.util.Set;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Max;
import org.tensorflow.op.core.ReduceSum;
import org.tensorflow.op.math.Mean;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TNumber;

/**
 * Keras's {@code GlobalMaxPooling1D}, {@code GlobalMaxPooling2D}, {@code GlobalAveragePooling1D}
 * and {@code GlobalAveragePooling2D}: the largest value or the mean of each channel among all
 * places, (B, R, C) or (B, H, W, C) to (B, C), or with sizes of 1 in their place with {@code
 * keepdims}; the channels stand before the places with {@code data_format} "channels_first".
 *
 * <p>{@code GlobalAveragePooling1D} leaves out the points that its mask (B, R) leaves out; the mean
 * of none is NaN. The mean of integers is float32, but an integer with Keras 2.
 *
 * @see <a href="https://keras.io/api/layers/pooling_layers/">Pooling layers in Keras</a>
 */
public final class GlobalPooling extends SpatialLayer {
  private static final String MASK = "mask";

  private final boolean max;
  private final boolean keepDimensions;

  private GlobalPooling(KerasObject object, int dimensions, boolean max) {
    super(object, dimensions);
    this.max = max;
    ConfigReader config = object.config();
    config.rejectUnknownKeys(List.of("data_format", "keepdims"));
    this.keepDimensions = config.bool("keepdims", false);
  }

  /**
   * Pooling of the largest.
   *
   * @param object the serialized layer
   * @param dimensions 1 for sequences, 2 for images
   * @return the layer
   * @throws KerasException if a key is unknown or a value is not allowed
   */
  public static GlobalPooling max(KerasObject object, int dimensions) {
    return new GlobalPooling(object, dimensions, true);
  }

  /**
   * Pooling of the mean.
   *
   * @param object the serialized layer
   * @param dimensions 1 for sequences, 2 for images
   * @return the layer
   * @throws KerasException if a key is unknown or a value is not allowed
   */
  public static GlobalPooling average(KerasObject object, int dimensions) {
    return new GlobalPooling(object, dimensions, false);
  }

  private boolean takesMask() {
    return !max && dimensions() == 1;
  }

  @Override
  protected Set<String> keywords() {
    return takesMask() ? Set.of(MASK) : Set.of();
  }

  @Override
  protected void createWeights(Ops tf, List<Shape> inputs) {
    imageShape(inputs.subList(0, 1));
  }

  @Override
  protected List<Operand<?>> compute(Ops tf, LayerCall call) {
    Operand<? extends TNumber> x = onlyNumber(call);
    if (max) {
      return List.of(largest(tf, x));
    }
    Operand<TBool> mask = mask(call);
    if (mask != null) {
      return List.of(mean(tf, floats(x, "its input"), mask));
    }
    return List.of(
        serialize().isOfKeras2() || x.type().equals(TFloat32.class)
            ? mean(tf, x)
            : mean(tf, tf.dtypes.cast(x, TFloat32.class)));
  }

  /** Null if there is none. */
  private Operand<TBool> mask(LayerCall call) {
    if (!takesMask()) {
      return null;
    }
    return call.arguments().keywords().get(MASK) instanceof Argument.Tensor<Operand<?>> given
        ? typed(given.tensor(), TBool.class, "its mask")
        : call.masks().get(0);
  }

  private Operand<TInt32> places(Ops tf) {
    int first = isChannelsFirst() ? 2 : 1;
    return dimensions() == 1 ? tf.array(first) : tf.array(first, first + 1);
  }

  private <T extends TNumber> Operand<T> largest(Ops tf, Operand<T> x) {
    return tf.max(x, places(tf), Max.keepDims(keepDimensions));
  }

  private <T extends TNumber> Operand<T> mean(Ops tf, Operand<T> x) {
    return tf.math.mean(x, places(tf), Mean.keepDims(keepDimensions));
  }

  private Operand<TFloat32> mean(Ops tf, Operand<TFloat32> x, Operand<TBool> mask) {
    Operand<TFloat32> counts =
        tf.expandDims(tf.dtypes.cast(mask, TFloat32.class), tf.constant(isChannelsFirst() ? 1 : 2));
    return tf.math.div(sum(tf, tf.math.mul(x, counts)), sum(tf, counts));
  }

  private Operand<TFloat32> sum(Ops tf, Operand<TFloat32> x) {
    return tf.reduceSum(x, places(tf), ReduceSum.keepDims(keepDimensions));
  }
}
