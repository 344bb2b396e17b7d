package io.github.kpconvx.layer;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.tensorflow.Graph;
import org.tensorflow.GraphOperation;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/** Derivatives of a scalar, by TensorFlow's symbolic differentiation. */
public final class Gradients {
  private Gradients() {}

  /**
   * The gradient of a scalar with respect to operands that it may depend on, such as the
   * {@linkplain LayerVariable#value() value} of a weight or an input.
   *
   * <p>Where the scalar does not depend on an operand, its gradient is 0 everywhere. Every gradient
   * of a {@link io.github.kpconvx.layer.vl3d.KPConvXLayer} is finite, also where a neighbour lies
   * exactly on its kernel point: the influence has no derivative there, and its gradient is 0.
   *
   * @param tf operations of a graph
   * @param scalar what is differentiated
   * @param operands with respect to what; not variables themselves, whose gradients crash
   *     TensorFlow
   * @return for each operand a gradient of its shape
   * @throws IllegalArgumentException if {@code tf} runs eagerly
   */
  public static List<Operand<TFloat32>> of(
      Ops tf, Operand<TFloat32> scalar, List<Operand<TFloat32>> operands) {
    if (!(tf.scope().env() instanceof Graph graph)) {
      throw new IllegalArgumentException("Gradients are taken in a graph, not eagerly");
    }
    // TensorFlow refuses operands that the scalar does not depend on.
    Set<GraphOperation> path = graph.subgraphTo(Set.of(scalar));
    path.add((GraphOperation) scalar.op());
    List<Operand<TFloat32>> connected =
        operands.stream().filter(operand -> path.contains((GraphOperation) operand.op())).toList();
    List<Operand<TFloat32>> found = new ArrayList<>();
    if (!connected.isEmpty()) {
      tf.gradients(scalar, connected).forEach(gradient -> found.add(Operands.floats(gradient)));
    }
    List<Operand<TFloat32>> all = new ArrayList<>();
    int next = 0;
    for (Operand<TFloat32> operand : operands) {
      boolean isConnected = path.contains((GraphOperation) operand.op());
      all.add(isConnected ? found.get(next++) : tf.zerosLike(operand));
    }
    return all;
  }
}
