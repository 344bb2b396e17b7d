package io.github.kpconvx.layer.core;

import io.github.kpconvx.dtype.DType;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.LayerCall;
import java.util.List;
import java.util.Map;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.ReduceAny;
import org.tensorflow.types.TBool;
import org.tensorflow.types.family.TNumber;

/**
 * Keras's {@code Masking}: an element of a sequence (B, R, …, C) whose features are all {@code
 * mask_value} does not count for the layers that follow, and becomes 0.
 *
 * @see <a href="https://keras.io/api/layers/core_layers/masking/">Masking in Keras</a>
 */
public final class Masking extends Layer {
  private final float maskValue;

  /**
   * Reads a serialized layer.
   *
   * @param object the serialized layer
   * @throws KerasException if a key is unknown or the value is no number
   */
  public Masking(KerasObject object) {
    super(object, DType.FLOATS);
    ConfigReader config = object.config();
    config.rejectUnknownKeys(List.of("mask_value"));
    this.maskValue = (float) config.number("mask_value", 0);
  }

  @Override
  protected List<Operand<?>> compute(Ops tf, LayerCall call) {
    return List.of(hidden(tf, number(call)));
  }

  private Operand<? extends TNumber> number(LayerCall call) {
    List<Operand<?>> inputs = call.inputs();
    if (inputs.size() != 1 || !TNumber.class.isAssignableFrom(inputs.get(0).type())) {
      throw new KerasException(serialize().describe() + " takes one input of numbers");
    }
    return typed(inputs.get(0), inputs.get(0).type().asSubclass(TNumber.class), "its input");
  }

  private <T extends TNumber> Operand<T> hidden(Ops tf, Operand<T> x) {
    return tf.math.mul(x, tf.dtypes.cast(counts(tf, x, true), x.type()));
  }

  private <T extends TNumber> Operand<TBool> counts(Ops tf, Operand<T> x, boolean keepDimensions) {
    return tf.reduceAny(
        tf.math.notEqual(x, tf.dtypes.cast(tf.constant(maskValue), x.type())),
        tf.constant(-1),
        ReduceAny.keepDims(keepDimensions));
  }

  @Override
  protected Map<Integer, Operand<TBool>> computeMasks(
      Ops tf, LayerCall call, List<Operand<?>> outputs) {
    return Map.of(0, counts(tf, number(call), false));
  }
}
