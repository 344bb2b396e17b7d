package io.github.kpconvx.network;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.CallContext;
import io.github.kpconvx.layer.Layer;
import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/**
 * A functional or sequential model that is a layer of another one. It has one output; its own
 * layers have their weights once it was called.
 */
final class NestedModel extends Layer {
  private final LayerGraph graph;

  /**
   * A nested model.
   *
   * @param object the serialized model
   * @param graph what it is made of
   * @throws KerasException if it has several outputs
   */
  NestedModel(KerasObject object, LayerGraph graph) {
    super(object);
    this.graph = graph;
    if (graph.outputNames().size() != 1) {
      throw new KerasException(
          object.describe()
              + ": has the outputs "
              + graph.outputNames()
              + ", expected one, as only then a model can be nested in another");
    }
    addSublayers("layers", graph.layers());
  }

  @Override
  protected void createWeights(Ops tf, List<Shape> inputs) {}

  @Override
  protected Operand<TFloat32> compute(Ops tf, List<Operand<?>> inputs, CallContext context) {
    List<Network.Input> expected = graph.inputs();
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
              + inputs.stream()
                  .map(input -> input.type().getSimpleName() + " " + input.shape())
                  .toList()
              + ", expected "
              + expected.stream()
                  .map(input -> input.type().getSimpleName() + " " + input.shape())
                  .toList());
    }
    return floatInput(graph.call(tf, inputs, context).values().iterator().next(), "its output");
  }
}
