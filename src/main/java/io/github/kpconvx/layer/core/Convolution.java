package io.github.kpconvx.layer.core;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.weights.WeightSpec;
import io.github.kpconvx.layer.Operands;
import io.github.kpconvx.layer.WeightRules;
import java.util.ArrayList;
import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/**
 * Keras's {@code Conv1D}, (B, R, C) to (B, R', filters), and {@code Conv2D}, (B, H, W, C) to (B,
 * H', W', filters); the channels stand before the places with {@code data_format} "channels_first".
 *
 * <p>Weights: {@code kernel} (kernel_size, C / groups, filters) and, with {@code use_bias}, {@code
 * bias} (filters). A kernel of one place and stride 1 is computed as a matrix product. What a
 * low-rank adaptation ({@code lora_rank}) adds to the kernel is part of it in the files of Keras 3
 * that hold one, and is trained with it.
 *
 * @see <a href="https://keras.io/api/layers/convolution_layers/">Convolution layers in Keras</a>
 */
public final class Convolution extends ConvolutionLayer {
  private static final List<String> KEYS =
      List.of(
          "rank",
          "filters",
          "kernel_initializer",
          "kernel_regularizer",
          "kernel_constraint",
          "lora_rank",
          "lora_alpha");

  private final int filters;
  private final WeightRules kernel;

  private Convolution(KerasObject object, int dimensions) {
    super(object, dimensions, dimensions == 1, KEYS);
    ConfigReader config = object.config();
    this.filters = positive(config, "filters");
    refuseStridedAndDilated();
    if (filters % groups() != 0) {
      throw config.invalid("groups", groups(), "a divisor of filters = " + filters);
    }
    this.kernel = WeightRules.of(object, "kernel_", "glorot_uniform");
  }

  /**
   * A {@code Conv1D}.
   *
   * @param object the serialized layer
   * @return the layer
   * @throws KerasException if a key is unknown or a value is not allowed
   */
  public static Convolution of1D(KerasObject object) {
    return new Convolution(object, 1);
  }

  /**
   * A {@code Conv2D}.
   *
   * @param object the serialized layer
   * @return the layer
   * @throws KerasException if a key is unknown or a value is not allowed
   */
  public static Convolution of2D(KerasObject object) {
    return new Convolution(object, 2);
  }

  @Override
  boolean takesSeveralBatches() {
    return serialize().isOfKeras2();
  }

  @Override
  protected void createWeights(Ops tf, List<Shape> inputs) {
    long channels = channels(inputs);
    if (channels % groups() != 0) {
      throw new KerasException(
          "%s: groups = %d, expected a divisor of the %d channels of its input %s"
              .formatted(serialize().describe(), groups(), channels, inputs.get(0)));
    }
    requireFit(inputs);
    addWeight(tf, WeightSpec.of("kernel", true, kernelShape(channels / groups(), filters)), kernel);
    addBias(tf, filters);
  }

  @Override
  Operand<TFloat32> convolve(Ops tf, Operand<TFloat32> image) {
    Operand<TFloat32> all = imageKernel(tf, "kernel");
    if (groups() == 1) {
      return convolve(tf, image, all);
    }
    // TensorFlow has no grouped convolution on a CPU.
    List<Operand<TFloat32>> images = parts(tf, image);
    List<Operand<TFloat32>> kernels = parts(tf, all);
    List<Operand<TFloat32>> made = new ArrayList<>();
    for (int g = 0; g < groups(); g++) {
      made.add(convolve(tf, images.get(g), kernels.get(g)));
    }
    return tf.concat(made, tf.constant(3));
  }

  private List<Operand<TFloat32>> parts(Ops tf, Operand<TFloat32> whole) {
    return List.copyOf(tf.split(tf.constant(3), whole, (long) groups()).output());
  }

  private Operand<TFloat32> convolve(Ops tf, Operand<TFloat32> image, Operand<TFloat32> part) {
    if (!window().isPoint()) {
      return window()
          .over(tf, image, (x, strides, padding) -> tf.nn.conv2d(x, part, strides, padding));
    }
    long columns = part.shape().get(3);
    Operand<TFloat32> matrix = tf.reshape(part, tf.array(part.shape().get(2), columns));
    return Operands.ofRows(
        tf, image, Math.toIntExact(columns), rows -> tf.linalg.matMul(rows, matrix));
  }
}
