package io.github.kpconvx.layer.core;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.weights.WeightSpec;
import io.github.kpconvx.layer.LayerCall;
import io.github.kpconvx.layer.WeightRules;
import io.github.kpconvx.layer.function.Activation;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/**
 * What Keras's convolutions have in common: a kernel that moves over an image, then a {@code bias}
 * (output channels), with {@code use_bias}, and an activation.
 */
abstract class ConvolutionLayer extends SpatialLayer {
  private static final List<String> KEYS =
      List.of(
          "kernel_size",
          "strides",
          "padding",
          "data_format",
          "dilation_rate",
          "groups",
          "activation",
          "use_bias",
          "bias_initializer",
          "bias_regularizer",
          "bias_constraint");

  private final Window window;
  private final int groups;
  private final boolean useBias;
  private final Activation activation;
  private final WeightRules bias;

  /**
   * Reads what all of them have.
   *
   * @param object the serialized layer
   * @param dimensions 1 for sequences, 2 for images
   * @param causal whether the padding may be causal
   * @param ownKeys the keys of the class
   */
  ConvolutionLayer(KerasObject object, int dimensions, boolean causal, List<String> ownKeys) {
    super(object, dimensions);
    ConfigReader config = object.config();
    TreeSet<String> known = new TreeSet<>(KEYS);
    known.addAll(ownKeys);
    config.rejectUnknownKeys(known);
    require(config, "kernel_size");
    Map<String, Window.Padding> paddings = new LinkedHashMap<>();
    paddings.put("valid", Window.Padding.VALID);
    paddings.put("same", Window.Padding.SAME);
    if (causal) {
      paddings.put("causal", Window.Padding.CAUSAL);
    }
    this.window =
        Window.of(
            sizes("kernel_size", 1, 1),
            sizes("strides", 1, 1),
            sizes("dilation_rate", 1, 1),
            config.choice("padding", Window.Padding.VALID, paddings));
    this.groups = config.integer("groups", 1, 1);
    this.useBias = config.bool("use_bias", true);
    this.activation = Activation.of(object.describe(), "activation", config.json("activation"));
    this.bias = WeightRules.of(object, "bias_", "zeros");
  }

  /** How the kernel moves. */
  final Window window() {
    return window;
  }

  /** How many parts the channels are in; each makes its own part of the output. */
  final int groups() {
    return groups;
  }

  /** Reads a number that has to be there, of at least 1. */
  static int positive(ConfigReader config, String key) {
    require(config, key);
    return config.integer(key, 1, 1);
  }

  private static void require(ConfigReader config, String key) {
    if (!config.has(key)) {
      throw config.invalid(key, "nothing", "an integer of at least 1");
    }
  }

  /** Keras has no kernel that is strided and dilated, but for some classes of late versions. */
  final void refuseStridedAndDilated() {
    if (window.isStrided() && window.isDilated()) {
      ConfigReader config = serialize().config();
      throw config.invalid(
          "strides",
          config.json("strides"),
          "1 where dilation_rate = " + config.json("dilation_rate"));
    }
  }

  /**
   * The channels of the only input.
   *
   * @param inputs the shapes of the layer's inputs
   * @throws KerasException if there are several inputs, or it is no image of known channels
   */
  final long channels(List<Shape> inputs) {
    Shape image = imageShape(inputs);
    if (image.get(3) == Shape.UNKNOWN_SIZE) {
      throw new KerasException(
          "%s: expected an input of known channels, got %s"
              .formatted(serialize().describe(), inputs.get(0)));
    }
    return image.get(3);
  }

  /** Checks that the kernel fits into the input. */
  final void requireFit(List<Shape> inputs) {
    if (!window.fits(imageShape(inputs))) {
      throw new KerasException(
          "%s: its kernel spans more places than its input %s has"
              .formatted(serialize().describe(), inputs.get(0)));
    }
  }

  /** Adds the bias, which Keras creates last. */
  final void addBias(Ops tf, long channels) {
    if (useBias) {
      addWeight(tf, WeightSpec.of("bias", true, channels), bias);
    }
  }

  @Override
  protected final List<Operand<?>> compute(Ops tf, LayerCall call) {
    Operand<TFloat32> x = onlyInput(call);
    Operand<TFloat32> y = convolve(tf, toImage(tf, x));
    Operand<TFloat32> biased = useBias ? tf.nn.biasAdd(y, weight("bias")) : y;
    return List.of(activation.apply(tf, fromImage(tf, biased, x)));
  }

  /**
   * Moves the kernel over an image.
   *
   * @param tf the operations of the graph that is added to
   * @param image the image (N, H, W, C)
   * @return (N, H', W', output channels)
   */
  abstract Operand<TFloat32> convolve(Ops tf, Operand<TFloat32> image);

  /** The shape of a kernel (…size, rest), as Keras keeps it. */
  final long[] kernelShape(long... rest) {
    List<Integer> size = sizes("kernel_size", 1, 1);
    long[] shape = new long[dimensions() + rest.length];
    for (int i = 0; i < dimensions(); i++) {
      shape[i] = size.get(2 - dimensions() + i);
    }
    System.arraycopy(rest, 0, shape, dimensions(), rest.length);
    return shape;
  }

  /** A kernel of Keras, for images. */
  final Operand<TFloat32> imageKernel(Ops tf, String weight) {
    return dimensions() == 1 ? tf.expandDims(weight(weight), tf.constant(0)) : weight(weight);
  }
}
