package io.github.kpconvx.layer.core;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.LayerCall;
import io.github.kpconvx.layer.RandomDrop;
import io.github.kpconvx.layer.RandomSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.index.Indices;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;

/**
 * Keras's {@code Dropout}: in training each value is 0 with the probability {@code rate}, else
 * divided by 1 − rate; where {@code noise_shape} is 1, values share their fate. In inference its
 * output is its input. The draws come from the {@link RandomSource} of the call, not from {@code
 * seed}: Python's could not be repeated.
 *
 * @see <a href="https://keras.io/api/layers/regularization_layers/dropout/">Dropout in Keras</a>
 */
public final class Dropout extends Layer {
  private final double rate;
  private final long[] noiseShape;

  /**
   * Reads a serialized layer.
   *
   * @param object the serialized layer
   * @throws KerasException if a key is unknown or the rate is not in [0, 1]
   */
  public Dropout(KerasObject object) {
    super(object);
    ConfigReader config = object.config();
    config.rejectUnknownKeys(List.of("rate", "seed", "noise_shape"));
    this.rate = config.number("rate", 0);
    if (rate < 0 || rate > 1) {
      throw config.invalid("rate", rate, "a probability in [0, 1]");
    }
    // Which numbers are drawn is up to the one who trains, as with every layer.
    if (!KerasObject.isKerasObject(config.json("seed"))) {
      config.wholeNumber("seed", "a serialized SeedGenerator");
    }
    this.noiseShape =
        config.json("noise_shape").isNull() ? new long[0] : config.sizes("noise_shape", 1);
  }

  @Override
  protected void createWeights(Ops tf, List<Shape> inputs) {}

  @Override
  protected List<Operand<?>> compute(Ops tf, LayerCall call) {
    Operand<TFloat32> x = onlyInput(call);
    return List.of(
        call.training() ? RandomDrop.apply(tf, x, noise(tf, x), rate, call.context().random()) : x);
  }

  /** The shape of the draws: the input's, but for the dimensions that are given. */
  private Operand<TInt32> noise(Ops tf, Operand<TFloat32> x) {
    Operand<TInt32> shape = tf.shape(x);
    if (noiseShape.length == 0) {
      return shape;
    }
    if (noiseShape.length != x.shape().numDimensions()) {
      throw serialize()
          .config()
          .invalid(
              "noise_shape",
              Arrays.toString(noiseShape),
              "as many dimensions as the input " + x.shape());
    }
    List<Operand<TInt32>> dimensions = new ArrayList<>();
    for (int d = 0; d < noiseShape.length; d++) {
      dimensions.add(
          noiseShape[d] == Shape.UNKNOWN_SIZE
              ? tf.stridedSlice(shape, Indices.at(d))
              : tf.constant(Math.toIntExact(noiseShape[d])));
    }
    return tf.stack(dimensions);
  }
}
