package io.github.kpconvx.layer.core;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.weights.WeightSpec;
import io.github.kpconvx.layer.WeightRules;
import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.index.Indices;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;

/**
 * Keras's {@code Conv1DTranspose} and {@code Conv2DTranspose}: what a convolution's gradient does,
 * (B, R, C) to (B, R', filters) or (B, H, W, C) to (B, H', W', filters), where n places become n ·
 * stride, with {@code padding} "valid" as many more as the kernel spans past the stride, or as many
 * as {@code output_padding} says.
 *
 * <p>Weights: {@code kernel} (kernel_size, filters, C) and, with {@code use_bias}, {@code bias}
 * (filters).
 *
 * @see <a href="https://keras.io/api/layers/convolution_layers/">Convolution layers in Keras</a>
 */
public final class TransposedConvolution extends ConvolutionLayer {
  private static final String OUTPUT_PADDING = "output_padding";
  private static final List<String> KEYS =
      List.of(
          "filters",
          OUTPUT_PADDING,
          "kernel_initializer",
          "kernel_regularizer",
          "kernel_constraint");

  private final int filters;
  private final List<Integer> outputPadding;
  private final WeightRules kernel;

  /**
   * Reads a serialized layer.
   *
   * @param object the serialized layer
   * @param dimensions 1 for sequences, 2 for images
   * @throws KerasException if a key is unknown or a value is not allowed
   */
  public TransposedConvolution(KerasObject object, int dimensions) {
    super(object, dimensions, false, KEYS);
    ConfigReader config = object.config();
    this.filters = positive(config, "filters");
    refuseStridedAndDilated();
    if (groups() != 1) {
      throw config.invalid("groups", groups(), "1");
    }
    this.outputPadding = config.json(OUTPUT_PADDING).isNull() ? null : sizes(OUTPUT_PADDING, 0, 0);
    if (outputPadding != null && !(below(0) && below(1))) {
      throw config.invalid(
          OUTPUT_PADDING, config.json(OUTPUT_PADDING), "less than strides = " + strides(config));
    }
    this.kernel = WeightRules.of(object, "kernel_", "glorot_uniform");
  }

  private boolean below(int axis) {
    return outputPadding.get(axis) < axis(axis).stride();
  }

  private static String strides(ConfigReader config) {
    return config.has("strides") ? config.json("strides").toString() : "1";
  }

  private Window.Axis axis(int axis) {
    return axis == 0 ? window().height() : window().width();
  }

  @Override
  protected void createWeights(Ops tf, List<Shape> inputs) {
    addWeight(tf, WeightSpec.of("kernel", true, kernelShape(filters, channels(inputs))), kernel);
    addBias(tf, filters);
  }

  @Override
  Operand<TFloat32> convolve(Ops tf, Operand<TFloat32> image) {
    Operand<TInt32> places =
        tf.math.add(
            tf.math.mul(Window.places(tf, image), tf.array(axis(0).stride(), axis(1).stride())),
            tf.array(more(0), more(1)));
    Operand<TInt32> batch = tf.stridedSlice(tf.shape(image), Indices.sliceTo(1));
    return tf.nn.conv2dBackpropInput(
        tf.concat(List.of(batch, places, tf.array(filters)), tf.constant(0)),
        undilated(tf, imageKernel(tf, "kernel")),
        image,
        List.of(1L, (long) axis(0).stride(), (long) axis(1).stride(), 1L),
        window().padding().name());
  }

  /** How many places n become beyond n · stride; may be negative. */
  private int more(int index) {
    Window.Axis axis = axis(index);
    boolean same = window().padding() == Window.Padding.SAME;
    if (outputPadding == null) {
      return same ? 0 : Math.max(axis.reach() - axis.stride(), 0);
    }
    int cut = same ? 2 * (axis.reach() / 2) : 0;
    return axis.reach() - axis.stride() - cut + outputPadding.get(index);
  }

  /** The kernel with zeros in its gaps, as TensorFlow moves none that is dilated on a CPU. */
  private Operand<TFloat32> undilated(Ops tf, Operand<TFloat32> dilated) {
    if (!window().isDilated()) {
      return dilated;
    }
    Window.Axis height = axis(0);
    Window.Axis width = axis(1);
    Shape shape = dilated.shape();
    Operand<TFloat32> apart =
        tf.reshape(
            dilated,
            tf.array(
                (long) height.size(), 1L, (long) width.size(), 1L, shape.get(2), shape.get(3)));
    int[][] gaps = {
      {0, 0}, {0, height.dilation() - 1}, {0, 0}, {0, width.dilation() - 1}, {0, 0}, {0, 0}
    };
    Operand<TFloat32> filled =
        tf.reshape(
            tf.pad(apart, tf.constant(gaps), tf.constant(0f)),
            tf.array(
                (long) height.size() * height.dilation(),
                (long) width.size() * width.dilation(),
                shape.get(2),
                shape.get(3)));
    return tf.stridedSlice(
        filled,
        Indices.sliceTo(height.reach()),
        Indices.sliceTo(width.reach()),
        Indices.all(),
        Indices.all());
  }
}
