package io.github.kpconvx.inference;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.layer.InputSpec;
import io.github.kpconvx.network.Network;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.tensorflow.Graph;
import org.tensorflow.op.Ops;

/**
 * What a network takes and gives.
 *
 * @param inputs what goes in, in the model's order
 * @param outputs what comes out, in the model's order
 * @param stages the names of intermediate results
 */
record NetworkOutline(List<TensorSpec> inputs, List<TensorSpec> outputs, Set<String> stages) {
  /**
   * Builds the outline of a network, which then knows its {@linkplain Network#spec weights} too.
   *
   * @param network a network that is not built
   * @return what it takes and gives
   * @throws KerasException if a layer does not fit its inputs or the connections make no sense
   */
  static NetworkOutline of(Network network) {
    try (Graph graph = new Graph()) {
      Network.Built built = network.outline(Ops.create(graph));
      List<TensorSpec> inputs = new ArrayList<>();
      for (InputSpec input : network.inputs()) {
        inputs.add(new TensorSpec(input.name(), input.shape(), input.type()));
      }
      List<TensorSpec> outputs = new ArrayList<>();
      built
          .outputs()
          .forEach((name, value) -> outputs.add(new TensorSpec(name, value.shape(), value.type())));
      return new NetworkOutline(inputs, outputs, built.stages().keySet());
    }
  }
}
