package io.github.kpconvx.layer.core;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.LayerCall;
import io.github.kpconvx.layer.Operands;
import io.github.kpconvx.layer.RandomSource;
import java.util.List;
import java.util.Map;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TNumber;

/**
 * Keras's {@code GaussianNoise}, which in training adds normally distributed numbers of the
 * standard deviation {@code stddev}, and {@code GaussianDropout}, which multiplies by such of mean
 * 1 and standard deviation √(rate / (1 − rate)). In inference the output is the input. The draws
 * come from the {@link RandomSource} of the call, not from {@code seed}: Python's could not be
 * repeated.
 *
 * @see <a href="https://keras.io/api/layers/regularization_layers/gaussian_noise/">GaussianNoise in
 *     Keras</a>
 */
public final class GaussianNoise extends Layer {
  /** The Keras class names. */
  public static final List<String> CLASS_NAMES = List.of("GaussianNoise", "GaussianDropout");

  private final boolean multiplies;
  private final double deviation;

  /**
   * Reads a serialized layer.
   *
   * @param object the serialized layer
   * @throws KerasException if a key is unknown or a value is not allowed
   */
  public GaussianNoise(KerasObject object) {
    super(object);
    ConfigReader config = object.config();
    this.multiplies = object.className().equals("GaussianDropout");
    if (multiplies) {
      config.rejectUnknownKeys(List.of("rate", "seed"));
      double rate = Dropout.rate(config);
      this.deviation = Math.sqrt(rate / (1 - rate));
    } else {
      config.rejectUnknownKeys(List.of("stddev", "seed"));
      this.deviation = config.number("stddev", 0, 0);
    }
    Dropout.requireSeed(config);
  }

  @Override
  protected void createWeights(Ops tf, List<Shape> inputs) {}

  @Override
  protected List<Operand<?>> compute(Ops tf, LayerCall call) {
    if (!call.training() || deviation == 0) {
      return List.copyOf(call.inputs());
    }
    if (Double.isInfinite(deviation)) {
      throw serialize().config().invalid("rate", 1, "a rate below 1 in training");
    }
    return List.of(noisy(tf, onlyInput(call), call.context().random()));
  }

  private <T extends TNumber> Operand<T> noisy(Ops tf, Operand<T> x, RandomSource random) {
    Operand<TFloat32> noise =
        tf.math.mul(random.normal(tf, tf.shape(x)), tf.constant((float) deviation));
    Operand<T> own = tf.dtypes.cast(noise, x.type());
    return multiplies
        ? tf.math.mul(x, tf.math.add(own, Operands.scalar(tf, 1, x)))
        : tf.math.add(x, own);
  }

  @Override
  protected Map<Integer, Operand<TBool>> computeMasks(
      Ops tf, LayerCall call, List<Operand<?>> outputs) {
    return call.masks();
  }
}
