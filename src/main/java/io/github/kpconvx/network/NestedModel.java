package io.github.kpconvx.network;

import io.github.kpconvx.dtype.DType;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.Argument;
import io.github.kpconvx.layer.InputSpec;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.LayerCall;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;

/**
 * A functional or sequential model that is a layer of another one. Its own layers have their
 * weights once it was called.
 */
final class NestedModel extends Layer {
  private static final String MASK = "mask";

  private final LayerGraph graph;
  private Map<Integer, Operand<TBool>> masks = Map.of();

  /**
   * A nested model.
   *
   * @param object the serialized model
   * @param graph what it is made of
   */
  NestedModel(KerasObject object, LayerGraph graph) {
    super(object, DType.FLOATS);
    this.graph = graph;
    addSublayers("layers", graph.layers());
  }

  /** Its inputs tell their types, its layers cast for themselves. */
  @Override
  protected boolean castsInputs() {
    return false;
  }

  @Override
  protected void createWeights(Ops tf, List<Shape> inputs) {}

  @Override
  protected List<Operand<?>> compute(Ops tf, LayerCall call) {
    List<Operand<?>> inputs = call.inputs();
    List<InputSpec> expected = graph.inputs();
    boolean fits = inputs.size() == expected.size();
    for (int i = 0; fits && i < expected.size(); i++) {
      fits =
          inputs.get(i).type().equals(expected.get(i).type())
              && inputs.get(i).shape().isCompatibleWith(expected.get(i).shape());
    }
    if (!fits) {
      throw new KerasException(
          serialize().describe()
              + ": is called with "
              + inputs.stream().map(input -> DType.of(input.type()) + " " + input.shape()).toList()
              + ", expected "
              + expected.stream()
                  .map(input -> DType.of(input.type()) + " " + input.shape())
                  .toList());
    }
    LayerGraph.Flat made = graph.callNested(tf, inputs, given(call), call.context());
    masks = made.masks();
    return made.outputs();
  }

  @Override
  protected Set<String> keywords() {
    return Set.of(MASK);
  }

  /** The masks of the inputs: those that it is called with, or else what they carry. */
  private Map<Integer, Operand<TBool>> given(LayerCall call) {
    Argument<Operand<?>> argument = call.arguments().keywords().get(MASK);
    if (argument == null || argument.tensors().isEmpty()) {
      return call.masks();
    }
    List<Argument<Operand<?>>> items =
        argument instanceof Argument.Items<Operand<?>> list ? list.items() : List.of(argument);
    Map<Integer, Operand<TBool>> found = new HashMap<>();
    for (int i = 0; i < items.size(); i++) {
      for (Operand<?> mask : items.get(i).tensors()) {
        found.put(i, typed(mask, TBool.class, "its mask"));
      }
    }
    return found;
  }

  /** Those that its layers made of the last call. */
  @Override
  protected Map<Integer, Operand<TBool>> computeMasks(
      Ops tf, LayerCall call, List<Operand<?>> outputs) {
    return masks;
  }
}
