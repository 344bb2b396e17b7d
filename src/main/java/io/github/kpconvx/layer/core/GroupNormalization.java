package io.github.kpconvx.layer.core;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.weights.WeightSpec;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.LayerCall;
import io.github.kpconvx.layer.WeightRules;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.index.Indices;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TNumber;

/**
 * Keras's {@code GroupNormalization}: normalizes each element of the batch and each of {@code
 * groups} equal parts of {@code axis} by mean and biased variance over the part and all other axes;
 * −1 groups are as many as the axis is long. The output has the input's shape.
 *
 * <p>Weights: {@code gamma} (if {@code scale}) and {@code beta} (if {@code center}), of the size of
 * the axis.
 *
 * @see <a
 *     href="https://keras.io/api/layers/normalization_layers/group_normalization/">GroupNormalization
 *     in Keras</a>
 */
public final class GroupNormalization extends Layer {
  private final int groups;
  private final int axis;
  private final double epsilon;
  private final boolean scale;
  private final boolean center;
  private final WeightRules gamma;
  private final WeightRules beta;

  /**
   * Reads a serialized layer.
   *
   * @param object the serialized layer
   * @throws KerasException if a key is unknown or a value is not allowed
   */
  public GroupNormalization(KerasObject object) {
    super(object);
    ConfigReader config = object.config();
    config.rejectUnknownKeys(
        List.of(
            "groups",
            "axis",
            "epsilon",
            "center",
            "scale",
            "beta_initializer",
            "gamma_initializer",
            "beta_regularizer",
            "gamma_regularizer",
            "beta_constraint",
            "gamma_constraint"));
    this.groups = config.integer("groups", 32, -1);
    if (groups == 0) {
      throw config.invalid("groups", 0, "an integer of at least 1", "-1");
    }
    this.axis = config.integer("axis", -1, Integer.MIN_VALUE);
    this.epsilon = config.number("epsilon", 1e-3, 0);
    this.scale = config.bool("scale", true);
    this.center = config.bool("center", true);
    this.gamma = WeightRules.of(object, "gamma_", "ones");
    this.beta = WeightRules.of(object, "beta_", "zeros");
  }

  @Override
  protected void createWeights(Ops tf, List<Shape> inputs) {
    Shape input = inputs.get(0);
    int rank = input.numDimensions();
    boolean inside = axis >= -rank && axis < rank && Math.floorMod(axis, rank) > 0;
    long size = inside ? input.get(at(input)) : Shape.UNKNOWN_SIZE;
    if (size == Shape.UNKNOWN_SIZE || size % (groups == -1 ? size : groups) != 0) {
      throw new KerasException(
          "%s: axis = %d and groups = %d for an input of shape %s, expected an axis after the"
                  .formatted(serialize().describe(), axis, groups, input)
              + " batch's whose size is known and a multiple of the groups");
    }
    if (scale) {
      addWeight(tf, WeightSpec.of("gamma", true, size), gamma);
    }
    if (center) {
      addWeight(tf, WeightSpec.of("beta", true, size), beta);
    }
  }

  private int at(Shape input) {
    return Math.floorMod(axis, input.numDimensions());
  }

  @Override
  protected List<Operand<?>> compute(Ops tf, LayerCall call) {
    if (!call.masks().isEmpty() && serialize().isOfKeras2()) {
      throw new KerasException(
          serialize().describe()
              + ": its input has a mask; Keras 2's masked groups are not supported");
    }
    return List.of(normalize(tf, onlyInput(call)));
  }

  private <T extends TNumber> Operand<T> normalize(Ops tf, Operand<T> x) {
    Shape shape = x.shape();
    int at = at(shape);
    long size = shape.get(at);
    long parts = groups == -1 ? size : groups;
    Operand<TInt32> sizes = tf.shape(x);
    Operand<TInt32> apart =
        tf.concat(
            List.of(
                tf.stridedSlice(sizes, Indices.sliceTo(at)),
                tf.array((int) parts, (int) (size / parts)),
                tf.stridedSlice(sizes, Indices.sliceFrom(at + 1))),
            tf.constant(0));
    long[] ofWeights = new long[shape.numDimensions() + 1];
    Arrays.fill(ofWeights, 1);
    ofWeights[at] = parts;
    ofWeights[at + 1] = size / parts;
    Operand<T> grouped = tf.reshape(x, apart);
    int[] along = IntStream.range(1, ofWeights.length).filter(a -> a != at).toArray();
    Operand<T> normalized =
        Moments.of(tf, grouped, along)
            .normalize(
                tf,
                grouped,
                epsilon,
                of(tf, "gamma", scale, grouped, ofWeights),
                of(tf, "beta", center, grouped, ofWeights));
    return tf.reshape(normalized, sizes);
  }

  private <T extends TNumber> Optional<Operand<T>> of(
      Ops tf, String weight, boolean used, Operand<T> x, long[] sizes) {
    return used
        ? Optional.of(tf.reshape(weight(tf, weight, x), tf.constant(sizes)))
        : Optional.empty();
  }

  @Override
  protected Map<Integer, Operand<TBool>> computeMasks(
      Ops tf, LayerCall call, List<Operand<?>> outputs) {
    return call.masks();
  }
}
