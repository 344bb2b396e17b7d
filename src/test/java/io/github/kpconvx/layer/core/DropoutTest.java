package io.github.kpconvx.layer.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.Mode;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

class DropoutTest {
  private static final Shape SHAPE = Shape.of(4, 50, 8);

  private static Dropout dropout(String config) {
    return new Dropout(
        KerasObject.of(
            "keras.layers", "Dropout", null, (ObjectNode) KerasObject.parseJson(config)));
  }

  /** What becomes of ones. */
  private static TFloat32 ofOnes(Dropout layer, Mode mode) {
    try (Graph graph = new Graph();
        Session session = new Session(graph)) {
      Ops tf = Ops.create(graph);
      Operand<TFloat32> ones = tf.ones(tf.constant(SHAPE), TFloat32.class);
      layer.build(tf, List.of(SHAPE));
      Operand<TFloat32> y = layer.call(tf, List.of(ones), mode);
      return (TFloat32) session.runner().fetch(y).run().get(0);
    }
  }

  @Test
  void dropsAsManyAsItsRateAndScalesTheOthers() {
    try (TFloat32 y = ofOnes(dropout("{\"name\": \"drop\", \"rate\": 0.25}"), Mode.TRAINING)) {
      int dropped = 0;
      for (var value : y.scalars()) {
        assertTrue(value.getFloat() == 0 || Math.abs(value.getFloat() - 4 / 3f) < 1e-6);
        dropped += value.getFloat() == 0 ? 1 : 0;
      }
      // 1,600 values: nine standard deviations around the mean.
      assertEquals(400, dropped, 156);
    }
  }

  @Test
  void valuesShareTheirFateWhereTheNoisesShapeIsOne() {
    Dropout layer = dropout("{\"rate\": 0.5, \"noise_shape\": [null, 1, 8]}");
    try (TFloat32 y = ofOnes(layer, Mode.TRAINING)) {
      boolean[] kinds = new boolean[2];
      for (int b = 0; b < 4; b++) {
        for (int c = 0; c < 8; c++) {
          for (int i = 0; i < 50; i++) {
            assertEquals(y.getFloat(b, 0, c), y.getFloat(b, i, c));
          }
          kinds[y.getFloat(b, 0, c) == 0 ? 0 : 1] = true;
        }
      }
      assertTrue(kinds[0] && kinds[1]);
    }
  }

  @Test
  void inferenceKeepsWhatComesIn() {
    try (TFloat32 y = ofOnes(dropout("{\"rate\": 0.9}"), Mode.INFERENCE)) {
      y.scalars().forEach(value -> assertEquals(1, value.getFloat()));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"rate\": 1.5}",
        "{\"rate\": -0.1}",
        "{\"rate\": 0.5, \"seed\": 1.7}",
        "{\"rate\": 0.5, \"noise_shape\": [0]}"
      })
  void refusesWhatIsNoDropout(String config) {
    assertThrows(KerasException.class, () -> dropout(config));
  }

  @Test
  void refusesNoiseOfAnotherRank() {
    Dropout layer = dropout("{\"rate\": 0.5, \"noise_shape\": [null, 1]}");
    String message =
        assertThrows(KerasException.class, () -> ofOnes(layer, Mode.TRAINING).close()).getMessage();
    assertTrue(message.contains("as many dimensions as the input [4, 50, 8]"), message);
  }
}
