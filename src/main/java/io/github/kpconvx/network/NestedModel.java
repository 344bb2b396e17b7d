package io.github.kpconvx.network;

import io.github.kpconvx.dtype.DType;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.InputSpec;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.LayerCall;
import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;

/**
 * A functional or sequential model that is a layer of another one. Its own layers have their
 * weights once it was called.
 */
final class NestedModel extends Layer {
  private final LayerGraph graph;

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
    return graph.callNested(tf, inputs, call.context());
  }
}
