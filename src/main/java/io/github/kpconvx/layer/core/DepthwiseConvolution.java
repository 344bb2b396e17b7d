package io.github.kpconvx.layer.core;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.weights.WeightSpec;
import io.github.kpconvx.layer.Operands;
import io.github.kpconvx.layer.WeightRules;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/**
 * Keras's {@code DepthwiseConv1D} and {@code DepthwiseConv2D}, whose kernels see each channel by
 * itself, C channels becoming C · depth_multiplier, and {@code SeparableConv1D} and {@code
 * SeparableConv2D}, which mix those at each place into {@code filters}.
 *
 * <p>Weights: {@code depthwise_kernel} (kernel_size, C, depth_multiplier); of the separable ones
 * {@code pointwise_kernel} (1 for each dimension, C · depth_multiplier, filters); with {@code
 * use_bias} {@code bias} (output channels).
 *
 * @see <a href="https://keras.io/api/layers/convolution_layers/">Convolution layers in Keras</a>
 */
public final class DepthwiseConvolution extends ConvolutionLayer {
  private static final List<String> KEYS =
      List.of(
          "depth_multiplier",
          "depthwise_initializer",
          "depthwise_regularizer",
          "depthwise_constraint");
  private static final List<String> SEPARABLE_KEYS =
      List.of(
          "filters",
          "pointwise_initializer",
          "pointwise_regularizer",
          "pointwise_constraint",
          // Keras 2 writes them, and makes nothing of them.
          "kernel_initializer",
          "kernel_regularizer",
          "kernel_constraint");
  private static final String DEPTHWISE_KERNEL = "depthwise_kernel";
  private static final String POINTWISE_KERNEL = "pointwise_kernel";
  private static final String INITIALIZER = "glorot_uniform";

  /** What mixes the channels at each place. */
  private record Pointwise(int filters, WeightRules rules) {}

  private final int multiplier;
  private final WeightRules depthwise;
  private final Optional<Pointwise> pointwise;

  private DepthwiseConvolution(KerasObject object, int dimensions, boolean separable) {
    super(
        object,
        dimensions,
        separable && dimensions == 1,
        separable ? Stream.of(KEYS, SEPARABLE_KEYS).flatMap(List::stream).toList() : KEYS);
    ConfigReader config = object.config();
    if (groups() != 1) {
      throw config.invalid("groups", groups(), "1");
    }
    this.multiplier = config.integer("depth_multiplier", 1, 1);
    this.depthwise = WeightRules.of(object, "depthwise_", INITIALIZER);
    this.pointwise =
        separable
            ? Optional.of(
                new Pointwise(
                    positive(config, "filters"), WeightRules.of(object, "pointwise_", INITIALIZER)))
            : Optional.empty();
  }

  /**
   * A {@code DepthwiseConv1D} or {@code DepthwiseConv2D}.
   *
   * @param object the serialized layer
   * @param dimensions 1 for sequences, 2 for images
   * @return the layer
   * @throws KerasException if a key is unknown or a value is not allowed
   */
  public static DepthwiseConvolution of(KerasObject object, int dimensions) {
    return new DepthwiseConvolution(object, dimensions, false);
  }

  /**
   * A {@code SeparableConv1D} or {@code SeparableConv2D}.
   *
   * @param object the serialized layer
   * @param dimensions 1 for sequences, 2 for images
   * @return the layer
   * @throws KerasException if a key is unknown or a value is not allowed
   */
  public static DepthwiseConvolution separable(KerasObject object, int dimensions) {
    return new DepthwiseConvolution(object, dimensions, true);
  }

  @Override
  protected void createWeights(Ops tf, List<Shape> inputs) {
    long channels = channels(inputs);
    requireFit(inputs);
    addWeight(
        tf, WeightSpec.of(DEPTHWISE_KERNEL, true, kernelShape(channels, multiplier)), depthwise);
    long made = channels * multiplier;
    pointwise.ifPresent(
        mix -> {
          long[] shape = new long[dimensions() + 2];
          Arrays.fill(shape, 1);
          shape[dimensions()] = made;
          shape[dimensions() + 1] = mix.filters;
          addWeight(tf, WeightSpec.of(POINTWISE_KERNEL, true, shape), mix.rules);
        });
    addBias(tf, pointwise.isPresent() ? pointwise.get().filters : made);
  }

  @Override
  Operand<TFloat32> convolve(Ops tf, Operand<TFloat32> image) {
    Operand<TFloat32> kernel = imageKernel(tf, DEPTHWISE_KERNEL);
    Operand<TFloat32> made =
        window()
            .over(
                tf,
                image,
                (x, strides, padding) -> tf.nn.depthwiseConv2dNative(x, kernel, strides, padding));
    return pointwise.isPresent() ? mixed(tf, made, pointwise.get().filters) : made;
  }

  private Operand<TFloat32> mixed(Ops tf, Operand<TFloat32> image, int filters) {
    Operand<TFloat32> matrix =
        tf.reshape(weight(POINTWISE_KERNEL), tf.array(image.shape().get(3), (long) filters));
    return Operands.ofRows(tf, image, filters, rows -> tf.linalg.matMul(rows, matrix));
  }
}
