package io.github.kpconvx.layer.core;

import io.github.kpconvx.dtype.DType;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.config.NumberArray;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.LayerCall;
import io.github.kpconvx.layer.Operands;
import java.util.List;
import java.util.Map;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.family.TNumber;
import org.tensorflow.types.family.TType;

/**
 * Keras's {@code Rescaling}: {@code x · scale + offset}, each a number or numbers that stretch to
 * the input from its last axis. Inputs of any numeric type give floating-point numbers.
 *
 * @see <a
 *     href="https://keras.io/api/layers/preprocessing_layers/image_preprocessing/rescaling/">Rescaling
 *     in Keras</a>
 */
public final class Rescaling extends Layer {
  private final NumberArray scale;
  private final NumberArray offset;

  /**
   * Reads a serialized layer.
   *
   * @param object the serialized layer
   * @throws KerasException if a key is unknown or a value is not allowed
   */
  public Rescaling(KerasObject object) {
    super(object, DType.FLOATS);
    ConfigReader config = object.config();
    config.rejectUnknownKeys(List.of("scale", "offset"));
    this.scale = config.array("scale");
    this.offset =
        config.has("offset")
            ? config.array("offset")
            : new NumberArray(new long[0], new double[] {0});
  }

  @Override
  protected void createWeights(Ops tf, List<Shape> inputs) {}

  @Override
  protected List<Operand<?>> compute(Ops tf, LayerCall call) {
    Operand<?> x = only(call);
    return List.of(rescale(tf, x, computeType().tensor().asSubclass(TNumber.class)));
  }

  private <T extends TNumber> Operand<T> rescale(
      Ops tf, Operand<? extends TType> x, Class<T> type) {
    Operand<T> scaled = tf.math.mul(tf.dtypes.cast(x, type), Operands.array(tf, scale, type));
    return tf.math.add(scaled, Operands.array(tf, offset, type));
  }

  @Override
  protected Map<Integer, Operand<TBool>> computeMasks(
      Ops tf, LayerCall call, List<Operand<?>> outputs) {
    return call.masks();
  }
}
