package io.github.kpconvx.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.inference.StandardLayers;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.network.Network;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;
import org.tensorflow.Graph;
import org.tensorflow.op.Ops;

class TrainingMemoryTest {
  private static KerasObject stack(int layers, int units) {
    return KerasObject.parse(
        """
        {"module": "keras", "class_name": "Sequential", "registered_name": null,
         "config": {"name": "stack", "layers": [
          {"module": "keras.layers", "class_name": "InputLayer", "registered_name": null,
           "config": {"name": "x", "batch_shape": [null, null, %d], "dtype": "float32"}},
          %s]}}
        """
            .formatted(
                units,
                IntStream.range(0, layers)
                    .mapToObj(
                        i ->
                            """
                            {"module": "keras.layers", "class_name": "Dense", "registered_name": null,
                             "config": {"name": "dense_%d", "units": %d, "use_bias": false}}"""
                                .formatted(i, units))
                    .collect(Collectors.joining(","))));
  }

  @Test
  void aNetworkLargerThanTheMachineIsRefusedBeforeAnythingIsAllocated() {
    KerasObject model = stack(2000, 20_000); // 3 TiB
    long before = Pointer.physicalBytes();
    String message =
        assertThrows(
                TrainingException.class,
                () ->
                    new Trainer(
                        model, StandardLayers.registry(), TrainingSettings.builder().build()))
            .getMessage();
    assertTrue(
        message.startsWith(
            "The network's 2,000 weights take 3,051,758 MiB, and training them at least 3 times that, of "),
        message);
    assertTrue(Pointer.physicalBytes() - before < 1L << 30, message);
  }

  @Test
  void countsWeightsGradientsAndWhatTheOptimizerKeeps() {
    try (Graph graph = new Graph()) {
      Network network = Network.of(stack(3, 512), StandardLayers.registry());
      network.outline(Ops.create(graph));
      TrainingMemory.requireRoom(network.variables(), 9 << 20);
      assertEquals(
          "The network's 3 weights take 3 MiB, and training them at least 3 times that, of 8 MiB of"
              + " memory; the largest is dense_0/kernel of 1 MiB",
          assertThrows(
                  TrainingException.class,
                  () -> TrainingMemory.requireRoom(network.variables(), (9 << 20) - 1))
              .getMessage());
    }
  }
}
