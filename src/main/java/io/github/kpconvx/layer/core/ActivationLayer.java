package io.github.kpconvx.layer.core;

import io.github.kpconvx.dtype.DType;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.LayerCall;
import io.github.kpconvx.layer.function.Activation;
import java.util.List;
import java.util.Map;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;

/**
 * A Keras layer without weights that only applies an {@link Activation}. The output has the input's
 * shape, but for {@code glu}, which halves the last dimension.
 *
 * @see <a href="https://keras.io/api/layers/activation_layers/">Activation layers in Keras</a>
 */
public final class ActivationLayer extends Layer {
  /** The Keras class names; {@code ThresholdedReLU} is Keras 2's. */
  public static final List<String> CLASS_NAMES =
      List.of("Activation", "ELU", "Identity", "LeakyReLU", "ReLU", "ThresholdedReLU");

  private final Activation activation;

  /**
   * Reads a serialized layer.
   *
   * @param object the serialized layer
   * @throws KerasException if the activation is unknown or an argument is not allowed
   */
  public ActivationLayer(KerasObject object) {
    super(object, DType.FLOATS);
    this.activation = Activation.of(object);
  }

  @Override
  protected void createWeights(Ops tf, List<Shape> inputs) {}

  @Override
  protected List<Operand<?>> compute(Ops tf, LayerCall call) {
    return List.of(activation.apply(tf, onlyFloats(call)));
  }

  private boolean isKeras2Identity() {
    return serialize().isOfKeras2() && serialize().className().equals("Identity");
  }

  /** What counts of the input counts of the output; Keras 2's Identity loses that. */
  @Override
  protected Map<Integer, Operand<TBool>> computeMasks(
      Ops tf, LayerCall call, List<Operand<?>> outputs) {
    return isKeras2Identity() ? Map.of() : call.masks();
  }
}
