package io.github.kpconvx.layer.core;

import io.github.kpconvx.dtype.DType;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.config.NumberArray;
import io.github.kpconvx.keras.weights.WeightSpec;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.LayerCall;
import io.github.kpconvx.layer.Operands;
import io.github.kpconvx.layer.WeightRules;
import io.github.kpconvx.layer.function.Axes;
import io.github.kpconvx.layer.function.Initializer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.family.TNumber;

/**
 * Keras's {@code Normalization}: {@code (x − mean) / max(√variance, 1e-7)} by a mean and a variance
 * for each place along {@code axis}; with {@code invert}, back again. Inputs of any numeric type
 * give floating-point numbers of the same shape.
 *
 * <p>Without an axis there is one mean and one variance. Mean and variance are those that the
 * configuration gives or else, with {@code count}, which is not computed with, weights that Keras's
 * {@code adapt} fills; they are not trained. Weights have the sizes of the axes in ascending order.
 *
 * @see <a
 *     href="https://keras.io/api/layers/preprocessing_layers/numerical/normalization/">Normalization
 *     in Keras</a>
 */
public final class Normalization extends Layer {
  /** Keras's {@code backend.epsilon()}. */
  private static final double LEAST_DEVIATION = 1e-7;

  private final Axes axes;
  private final boolean single;
  private final boolean invert;
  private final NumberArray mean;
  private final NumberArray variance;

  /**
   * Reads a serialized layer.
   *
   * @param object the serialized layer
   * @throws KerasException if a key is unknown or a value is not allowed
   */
  public Normalization(KerasObject object) {
    super(object);
    ConfigReader config = object.config();
    config.rejectUnknownKeys(List.of("axis", "mean", "variance", "invert"));
    this.single = config.has("axis") && config.json("axis").isNull();
    this.axes = Axes.of(config, "axis", -1);
    this.invert = config.bool("invert", false);
    boolean given = !config.json("mean").isNull();
    if (given == config.json("variance").isNull()) {
      throw config.invalid(
          "variance", config.json("variance"), "a variance if and only if there is a mean");
    }
    this.mean = given ? config.array("mean") : null;
    this.variance = given ? config.array("variance") : null;
  }

  @Override
  protected void createWeights(Ops tf, List<Shape> inputs) {
    Shape input = inputs.get(0);
    if (!single) {
      axes.sizes(input);
    }
    if (mean == null) {
      long[] sizes = IntStream.of(kept(input)).mapToLong(input::get).toArray();
      addWeight(tf, WeightSpec.of("mean", false, sizes), startingAt(0));
      addWeight(tf, WeightSpec.of("variance", false, sizes), startingAt(1));
      addWeight(tf, WeightSpec.of("count", false), startingAt(0), DType.INT64);
    }
  }

  private static WeightRules startingAt(double value) {
    return WeightRules.startingAt(Initializer.constant(value));
  }

  /** The axes with a mean for each place, ascending. */
  private int[] kept(Shape input) {
    return single ? new int[0] : IntStream.of(axes.of(input.numDimensions())).sorted().toArray();
  }

  @Override
  protected List<Operand<?>> compute(Ops tf, LayerCall call) {
    Operand<?> x = only(call);
    return List.of(
        normalize(tf, tf.dtypes.cast(x, computeType().tensor().asSubclass(TNumber.class))));
  }

  private <T extends TNumber> Operand<T> normalize(Ops tf, Operand<T> x) {
    int[] kept = kept(x.shape());
    Operand<T> center = stretch(tf, "mean", mean, kept, x);
    Operand<T> deviation =
        tf.math.maximum(
            tf.math.sqrt(stretch(tf, "variance", variance, kept, x)),
            Operands.scalar(tf, LEAST_DEVIATION, x));
    return invert
        ? tf.math.add(center, tf.math.mul(x, deviation))
        : tf.math.div(tf.math.sub(x, center), deviation);
  }

  /** Numbers of the configuration, or a weight, from its last axis along the last axes kept. */
  private <T extends TNumber> Operand<T> stretch(
      Ops tf, String weight, NumberArray given, int[] kept, Operand<T> x) {
    Operand<T> value = given == null ? weight(tf, weight, x) : Operands.array(tf, given, x.type());
    Shape own = value.shape();
    long[] sizes = new long[x.shape().numDimensions()];
    Arrays.fill(sizes, 1);
    if (own.numDimensions() > kept.length) {
      throw serialize()
          .config()
          .invalid(weight, own, "at most as many dimensions as there are axes");
    }
    for (int d = 1; d <= own.numDimensions(); d++) {
      sizes[kept[kept.length - d]] = own.get(own.numDimensions() - d);
    }
    return tf.reshape(value, tf.constant(sizes));
  }

  @Override
  protected Map<Integer, Operand<TBool>> computeMasks(
      Ops tf, LayerCall call, List<Operand<?>> outputs) {
    return call.masks();
  }
}
