package io.github.kpconvx.network;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.GoldenObject;
import io.github.kpconvx.inference.StandardLayers;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.CallContext;
import io.github.kpconvx.layer.Gradients;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.LayerVariable;
import io.github.kpconvx.layer.Mode;
import io.github.kpconvx.layer.core.PReLU;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

class PReLUTest {

  static Stream<GoldenObject> layers() {
    return GoldenObject.cases("layers");
  }

  @ParameterizedTest
  @MethodSource("layers")
  void computesWhatKerasComputes(GoldenObject golden) {
    Shape shape = Shape.of(golden.array("alpha").shape());
    try (Graph graph = new Graph();
        Session session = new Session(graph);
        TFloat32 slopes =
            TFloat32.tensorOf(shape, DataBuffers.of(golden.array("alpha").toFloats()))) {
      Ops tf = Ops.create(graph);
      Operand<TFloat32> x = golden.constant(tf, "x");
      Layer layer = StandardLayers.registry().create(KerasObject.of(golden.form()));
      layer.build(tf, List.of(x.shape()));
      LayerVariable alpha = layer.trainableVariables().get(layer.name() + "/alpha");
      assertEquals(shape, alpha.spec().shape());
      alpha.assign(session, slopes);
      Operand<TFloat32> y = layer.call(tf, List.of(x), CallContext.of(Mode.TRAINING));
      Operand<TFloat32> loss =
          tf.reduceSum(tf.math.mul(y, golden.constant(tf, "dy")), tf.array(0, 1, 2));
      List<Operand<TFloat32>> gradients = Gradients.of(tf, loss, List.of(x, alpha.value()));
      golden.assertEqual(
          session, Map.of("y", y, "dx", gradients.get(0), "dalpha", gradients.get(1)));
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"shared_axes\": 0}|shared_axes = 0, expected an integer of at least 1",
        "{\"shared_axes\": [0]}|shared_axes = 0, expected an integer of at least 1",
        "{\"shared_axes\": [1, 3]}|shared_axes = [1, 3] for an input of shape [-1, -1, 4]",
        "{}|shared_axes = [] for an input of shape [-1, -1, 4], expected axes after the batch's",
        "{\"alpha\": 1}|unknown configuration key \"alpha\"",
        "{\"alpha_initializer\": \"one_hot\"}|unknown alpha_initializer \"one_hot\"",
      })
  void refusesWhatDoesNotFit(String config, String message) {
    KerasObject object =
        KerasObject.parse("{\"class_name\": \"PReLU\", \"config\": " + config + "}");
    KerasException error =
        assertThrows(
            KerasException.class,
            () -> {
              try (Graph graph = new Graph()) {
                new PReLU(object).build(Ops.create(graph), List.of(Shape.of(-1, -1, 4)));
              }
            });
    assertTrue(error.getMessage().contains(message), error.getMessage());
  }
}
