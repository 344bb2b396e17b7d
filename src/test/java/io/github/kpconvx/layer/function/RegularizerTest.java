package io.github.kpconvx.layer.function;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.NullNode;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.Gradients;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

class RegularizerTest {

  private static Regularizer read(String json) {
    return Regularizer.of("Dense \"head\"", "kernel_regularizer", KerasObject.parseJson(json))
        .orElseThrow();
  }

  @Test
  void nullIsNone() {
    assertEquals(Optional.empty(), Regularizer.of("Owner", "key", NullNode.getInstance()));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"l3\"|Dense \"head\": unknown kernel_regularizer \"l3\"; known regularizers are"
            + " FeaturesOrthogonalRegularizer, L1, L1L2, L2, OrthogonalRegularizer, l1_l2",
        "{\"class_name\": \"L1\", \"config\": {\"l1\": -0.1}}|Dense \"head\": kernel_regularizer L1:"
            + " l1 = -0.1, expected a finite number of at least 0.0",
        "{\"class_name\": \"L1\", \"config\": {\"l1\": Infinity}}|l1 = \"Infinity\", expected",
        "{\"class_name\": \"L1\", \"config\": {\"l2\": 1}}|known keys are l1",
        "{\"class_name\": \"L2\", \"config\": {\"l2\": \"a\"}}|l2 = \"a\", expected a finite number",
        "{\"class_name\": \"L2\", \"config\": {\"name\": \"a\"}}|known keys are l2",
        "{\"class_name\": \"L1L2\", \"config\": {\"l3\": 1}}|known keys are l1, l2",
        "{\"class_name\": \"OrthogonalRegularizer\", \"config\": {\"factor\": -1}}|factor = -1,",
        "{\"class_name\": \"OrthogonalRegularizer\", \"config\": {\"mode\": \"row\"}}"
            + "|mode = \"row\", expected \"rows\" or \"columns\"",
        "{\"class_name\": \"OrthogonalRegularizer\", \"config\": {\"l1\": 1}}|known keys are factor,",
      })
  void refusesWhatIsNotAllowed(String json, String message) {
    KerasException error = assertThrows(KerasException.class, () -> read(json));
    assertTrue(error.getMessage().contains(message), error.getMessage());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {"rows|2,3,4|[2, 3, 4]", "rows|1,4|[1, 4]", "columns|4,1|[4, 1]", "rows|5|[5]"})
  void orthogonalityIsOfTwoRowsOrColumnsAtLeast(String mode, String shape, String message) {
    Regularizer regularizer =
        read(
            "{\"class_name\": \"OrthogonalRegularizer\", \"config\": {\"mode\": \"%s\"}}"
                .formatted(mode));
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      int[] dimensions =
          java.util.Arrays.stream(shape.split(",", -1)).mapToInt(Integer::parseInt).toArray();
      Operand<TFloat32> weight = tf.zeros(tf.constant(dimensions), TFloat32.class);
      KerasException error = assertThrows(KerasException.class, () -> regularizer.call(tf, weight));
      assertTrue(
          error
              .getMessage()
              .contains(
                  "shape of the weight = "
                      + message
                      + ", expected a matrix of at least two "
                      + mode),
          error.getMessage());
    }
  }

  /** A null stands for the default, as in Python. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"class_name\": \"L1\", \"config\": {\"l1\": null}}|0.03",
        "{\"class_name\": \"L2\", \"config\": {\"l2\": null}}|0.05",
        "{\"class_name\": \"L1L2\", \"config\": {\"l1\": null, \"l2\": 1}}|5",
        "\"l1_l2\"|0.08",
        "\"l1l2\"|0",
      })
  void nullIsTheDefault(String json, float penalty) {
    try (Graph graph = new Graph();
        Session session = new Session(graph)) {
      Ops tf = Ops.create(graph);
      Operand<TFloat32> y = read(json).call(tf, tf.constant(new float[] {-1, 2}));
      try (Result result = session.runner().fetch(y).run()) {
        assertEquals(penalty, ((TFloat32) result.get(0)).getFloat(), 1e-6f);
      }
    }
  }

  /** Keras's own gradient is not a number there. */
  @Test
  void aRowOfZerosHasNoDirectionAndNoGradient() {
    try (Graph graph = new Graph();
        Session session = new Session(graph)) {
      Ops tf = Ops.create(graph);
      Operand<TFloat32> weight = tf.constant(new float[][] {{0, 0}, {3, 4}, {1, 0}});
      Operand<TFloat32> y =
          read("{\"class_name\": \"OrthogonalRegularizer\", \"config\": {\"factor\": 3}}")
              .call(tf, weight);
      Operand<TFloat32> gradient = Gradients.of(tf, y, List.of(weight)).get(0);
      try (Result result = session.runner().fetch(y).fetch(gradient).run()) {
        // One of three pairs has the cosine 0.6.
        assertEquals(0.6f, ((TFloat32) result.get(0)).getFloat(), 1e-6f);
        float[] found = new float[6];
        ((TFloat32) result.get(1)).copyTo(DataBuffers.of(found));
        assertArrayEquals(new float[] {0, 0, 0.128f, -0.096f, 0, 0.8f}, found, 1e-6f);
      }
    }
  }
}
