package io.github.kpconvx.network.layers;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.KerasObject;
import io.github.kpconvx.layer.Activation;
import io.github.kpconvx.layer.CallContext;
import io.github.kpconvx.layer.Layer;
import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/**
 * A Keras layer that only applies an {@link Activation}: {@code Activation}, {@code LeakyReLU},
 * {@code ReLU}, {@code ELU}, {@code Softmax}. The output has the input's shape.
 *
 * @see <a href="https://keras.io/api/layers/activation_layers/">Activation layers in Keras</a>
 */
public final class ActivationLayer extends Layer {
  private final Activation activation;

  /**
   * Reads a serialized layer.
   *
   * @param object the serialized layer
   * @throws KerasException if the activation is unknown or an argument is not allowed
   */
  public ActivationLayer(KerasObject object) {
    super(object);
    this.activation = Activation.of(object);
  }

  @Override
  protected void createWeights(Ops tf, List<Shape> inputs) {}

  @Override
  protected Operand<TFloat32> compute(Ops tf, List<Operand<?>> inputs, CallContext context) {
    return activation.apply(tf, onlyInput(inputs));
  }
}
