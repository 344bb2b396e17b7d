package io.github.kpconvx.layer.core;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.weights.WeightSpec;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.LayerCall;
import io.github.kpconvx.layer.WeightRules;
import io.github.kpconvx.layer.function.Activation;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/**
 * Keras's {@code EinsumDense}: {@code activation(einsum(equation, x, kernel) + bias)}.
 *
 * <p>The equation names each dimension of input, kernel and output by a letter, such as {@code
 * abc,cde->abde}; an ellipsis that begins or ends both input and output stands for any dimensions.
 * {@code output_shape} gives the output's sizes without the batch, null where the input tells.
 *
 * <p>Weights: {@code kernel}, of the sizes that its letters have in the output or input, and, with
 * {@code bias_axes}, {@code bias}, of the output's sizes along these letters and 1 along others.
 *
 * @see <a href="https://keras.io/api/layers/core_layers/einsum_dense/">EinsumDense in Keras</a>
 */
public final class EinsumDense extends Layer {
  private static final List<String> KEYS =
      List.of(
          "equation",
          "output_shape",
          "activation",
          "bias_axes",
          "kernel_initializer",
          "bias_initializer",
          "kernel_regularizer",
          "bias_regularizer",
          "kernel_constraint",
          "bias_constraint",
          "lora_rank",
          "lora_alpha",
          "gptq_unpacked_column_size",
          "quantization_config");

  private static final Pattern EQUATION =
      Pattern.compile("(\\.{3})?([a-zA-Z]+)(\\.{3})?,([a-zA-Z]+)->(\\.{3})?([a-zA-Z]+)(\\.{3})?");

  private final ConfigReader config;
  private final Matcher equation;
  private final long[] outputSizes;
  private final String biasAxes;
  private final Activation activation;
  private final WeightRules kernel;
  private final WeightRules bias;
  private String explicit;

  /**
   * Reads a serialized layer.
   *
   * @param object the serialized layer
   * @throws KerasException if a key is unknown or a value is not allowed, such as a low-rank
   *     adaptation or a quantization
   */
  public EinsumDense(KerasObject object) {
    super(object);
    config = object.config();
    config.rejectUnknownKeys(KEYS);
    for (String key : List.of("lora_rank", "gptq_unpacked_column_size", "quantization_config")) {
      if (!config.json(key).isNull()) {
        throw config.invalid(key, config.json(key), "null");
      }
    }
    equation = EQUATION.matcher(config.text("equation", ""));
    if (!equation.matches() || !ellipsesAgree()) {
      throw config.invalid(
          "equation",
          config.json("equation"),
          "\"X,Y->Z\"",
          "\"...X,Y->...Z\"",
          "\"X...,Y->Z...\", of letters");
    }
    outputSizes =
        config.json("output_shape").isNumber()
            ? new long[] {config.integer("output_shape", 0, 1)}
            : config.sizes("output_shape", 1);
    biasAxes = config.json("bias_axes").isNull() ? "" : config.text("bias_axes", "");
    activation = Activation.of(object.describe(), "activation", config.json("activation"));
    kernel = WeightRules.of(object, "kernel_", "glorot_uniform");
    bias = WeightRules.of(object, "bias_", "zeros");
  }

  private boolean ellipsesAgree() {
    boolean left = equation.group(1) != null;
    boolean right = equation.group(3) != null;
    return left == (equation.group(5) != null)
        && right == (equation.group(7) != null)
        && !(left && right);
  }

  /** Keras 2 takes an activity_regularizer and forgets it. */
  @Override
  protected boolean regularizesActivity() {
    return !serialize().isOfKeras2();
  }

  @Override
  protected void createWeights(Ops tf, List<Shape> inputs) {
    Shape input = inputs.get(0);
    String elided = elided(input);
    boolean left = equation.group(1) != null;
    String x = left ? elided + equation.group(2) : equation.group(2) + elided;
    String y = left ? elided + equation.group(6) : equation.group(6) + elided;
    explicit = x + "," + equation.group(4) + "->" + y;
    long[] output = output(input, left, elided.length(), y);
    for (int i = 0; i < y.length(); i++) {
      int there = x.indexOf(y.charAt(i));
      long size = there < 0 ? Shape.UNKNOWN_SIZE : input.get(there);
      if (output[i] == Shape.UNKNOWN_SIZE) {
        output[i] = size;
      } else if (size != Shape.UNKNOWN_SIZE && size != output[i]) {
        throw config.invalid(
            "output_shape",
            Arrays.toString(outputSizes),
            "size %d along '%s' as the input %s has"
                .formatted(size, y.charAt(i), Arrays.toString(input.asArray())));
      }
      if (there < 0 && equation.group(4).indexOf(y.charAt(i)) < 0) {
        throw config.invalid(
            "equation", config.json("equation"), "'" + y.charAt(i) + "' left of the arrow too");
      }
    }
    long[] sizes =
        equation
            .group(4)
            .chars()
            .mapToLong(letter -> size((char) letter, input, x, output, y))
            .toArray();
    addWeight(tf, WeightSpec.of("kernel", true, sizes), kernel);
    if (!biasAxes.isEmpty()) {
      addWeight(tf, WeightSpec.of("bias", true, biasShape(output, y)), bias);
    }
  }

  /** Letters for the dimensions that the ellipsis stands for. */
  private String elided(Shape input) {
    int more = input.numDimensions() - equation.group(2).length();
    boolean ellipsis = equation.group(1) != null || equation.group(3) != null;
    if (more < 0 || (more > 0 && !ellipsis)) {
      throw new KerasException(
          "%s: its equation %s does not fit an input of shape %s"
              .formatted(
                  serialize().describe(), equation.group(), Arrays.toString(input.asArray())));
    }
    Set<Character> free = new TreeSet<>();
    for (char letter = 'A'; letter <= 'z'; letter++) {
      if (Character.isLetter(letter) && equation.group().indexOf(letter) < 0) {
        free.add(letter);
      }
    }
    StringBuilder letters = new StringBuilder();
    free.stream().limit(more).forEach(letters::append);
    return letters.toString();
  }

  /** The output's sizes as far as the configuration tells; the batch and what is elided open. */
  private long[] output(Shape input, boolean left, int elided, String y) {
    long[] output = new long[y.length()];
    Arrays.fill(output, Shape.UNKNOWN_SIZE);
    int first = left && elided > 0 ? elided : 1;
    int last = y.length() - (left ? 0 : elided);
    if (last - first != outputSizes.length) {
      throw config.invalid(
          "output_shape",
          Arrays.toString(outputSizes),
          "%d sizes for the equation %s and an input of shape %s"
              .formatted(last - first, equation.group(), Arrays.toString(input.asArray())));
    }
    System.arraycopy(outputSizes, 0, output, first, outputSizes.length);
    return output;
  }

  private long size(char letter, Shape input, String x, long[] output, String y) {
    long size =
        y.indexOf(letter) >= 0
            ? output[y.indexOf(letter)]
            : x.indexOf(letter) >= 0 ? input.get(x.indexOf(letter)) : Shape.UNKNOWN_SIZE;
    if (size == Shape.UNKNOWN_SIZE) {
      throw new KerasException(
          "%s: the size of '%s', which the kernel of %s has, is told neither by output_shape nor by an input of shape %s"
              .formatted(
                  serialize().describe(),
                  letter,
                  equation.group(),
                  Arrays.toString(input.asArray())));
    }
    return size;
  }

  /** From the first of the bias's letters on, which broadcasts to the output. */
  private long[] biasShape(long[] output, String y) {
    int first = y.length();
    for (int i = 0; i < biasAxes.length(); i++) {
      char letter = biasAxes.charAt(i);
      if (equation.group(6).indexOf(letter) < 0) {
        throw config.invalid("bias_axes", biasAxes, "letters of the output of " + equation.group());
      }
      first = Math.min(first, y.indexOf(letter));
    }
    long[] shape = new long[y.length() - first];
    for (int i = 0; i < shape.length; i++) {
      boolean along = biasAxes.indexOf(y.charAt(first + i)) >= 0;
      shape[i] = along ? output[first + i] : 1;
      if (shape[i] == Shape.UNKNOWN_SIZE) {
        throw config.invalid("bias_axes", biasAxes, "letters of dimensions of known size");
      }
    }
    return shape;
  }

  @Override
  protected List<Operand<?>> compute(Ops tf, LayerCall call) {
    Operand<TFloat32> y = tf.linalg.einsum(List.of(onlyInput(call), weight("kernel")), explicit);
    if (!biasAxes.isEmpty()) {
      y = tf.math.add(y, weight("bias"));
    }
    return List.of(activation.apply(tf, y));
  }
}
