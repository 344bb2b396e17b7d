package io.github.kpconvx.layer.core;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.LayerCall;
import io.github.kpconvx.layer.function.Axes;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat32;

/**
 * Keras's {@code Softmax}, along {@code axis} or several: a tensor of the input's shape. What a
 * mask hides, given as {@code mask} or carried by the input, which has to broadcast to it, gets
 * nothing; where all is hidden, versions of Keras differ.
 *
 * @see <a href="https://keras.io/api/layers/activation_layers/softmax/">Softmax in Keras</a>
 */
public final class Softmax extends Layer {
  private static final List<String> PARAMETERS = List.of("inputs", "mask");

  private final Axes axes;

  /**
   * Reads a serialized layer.
   *
   * @param object the serialized layer
   * @throws KerasException if a key is unknown or an axis is no integer
   */
  public Softmax(KerasObject object) {
    super(object);
    ConfigReader config = object.config();
    config.rejectUnknownKeys(List.of("axis"));
    this.axes = Axes.of(config, "axis", -1);
  }

  @Override
  protected Set<String> keywords() {
    return Set.of("mask");
  }

  @Override
  protected List<Operand<?>> compute(Ops tf, LayerCall call) {
    Operand<TFloat32> x =
        floats(call.tensor(PARAMETERS, "inputs").orElseThrow(this::noInput), "its input");
    int[] along = axes.of(x.shape().numDimensions());
    return List.of(
        mask(tf, call)
            .map(mask -> MaskedSoftmax.of(serialize()).apply(tf, x, mask, along))
            .orElseGet(() -> MaskedSoftmax.softmax(tf, x, along)));
  }

  private KerasException noInput() {
    return new KerasException(serialize().describe() + " is called without an input");
  }

  private static Optional<Operand<TBool>> mask(Ops tf, LayerCall call) {
    return call.tensor(PARAMETERS, "mask")
        .map(mask -> AttentionMasks.bool(tf, mask))
        .or(() -> call.mask(PARAMETERS, "inputs"));
  }

  @Override
  protected Map<Integer, Operand<TBool>> computeMasks(
      Ops tf, LayerCall call, List<Operand<?>> outputs) {
    return mask(tf, call).map(mask -> Map.of(0, mask)).orElse(Map.of());
  }
}
