package io.github.kpconvx.layer.function;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.NullNode;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
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

class ConstraintTest {

  private static Constraint read(String json) {
    return Constraint.of("Dense \"head\"", "kernel_constraint", KerasObject.parseJson(json))
        .orElseThrow();
  }

  @Test
  void nullIsNone() {
    assertEquals(Optional.empty(), Constraint.of("Owner", "key", NullNode.getInstance()));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"min_norm\"|Dense \"head\": unknown kernel_constraint \"min_norm\"; known constraints are"
            + " MaxNorm, MinMaxNorm, NonNeg, UnitNorm",
        "\"RadialConstraint\"|kernel_constraint RadialConstraint is for kernels of images",
        "{\"class_name\": \"NonNeg\", \"config\": {\"axis\": 0}}|known keys are none",
        "{\"class_name\": \"MaxNorm\", \"config\": {\"max_value\": -1}}|Dense \"head\":"
            + " kernel_constraint MaxNorm: max_value = -1, expected a finite number of at least 0.0",
        "{\"class_name\": \"MaxNorm\", \"config\": {\"m\": 1}}|known keys are axis, max_value",
        "{\"class_name\": \"MaxNorm\", \"config\": {\"axis\": \"a\"}}|axis = \"a\", expected null or an",
        "{\"class_name\": \"MinMaxNorm\", \"config\": {\"min_value\": -1}}|min_value = -1, expected",
        "{\"class_name\": \"MinMaxNorm\", \"config\": {\"min_value\": 2}}"
            + "|max_value = 1.0, expected a finite number of at least 2.0",
        "{\"class_name\": \"MinMaxNorm\", \"config\": {\"rate\": 1.5}}|rate = 1.5, expected a number"
            + " in [0, 1]",
        "{\"class_name\": \"MinMaxNorm\", \"config\": {\"rate\": -0.5}}|rate = -0.5, expected",
        "{\"class_name\": \"MinMaxNorm\", \"config\": {\"m\": 1}}|known keys are axis, max_value,",
        "{\"class_name\": \"UnitNorm\", \"config\": {\"max_value\": 1}}|known keys are axis",
        "{\"class_name\": \"UnitNorm\", \"config\": {\"axis\": [0.5]}}|axis = 0.5, expected an",
      })
  void refusesWhatIsNotAllowed(String json, String message) {
    KerasException error = assertThrows(KerasException.class, () -> read(json));
    assertTrue(error.getMessage().contains(message), error.getMessage());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"class_name\": \"UnitNorm\", \"config\": {\"axis\": 2}}|axis = 2, expected different axes"
            + " of a tensor of rank 2",
        "{\"class_name\": \"MaxNorm\", \"config\": {\"axis\": [0, -2]}}|axis = [0,-2]",
        "{\"class_name\": \"MinMaxNorm\", \"config\": {\"axis\": -3}}|axis = -3",
      })
  void refusesAxesThatTheWeightDoesNotHave(String json, String message) {
    Constraint constraint = read(json);
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat32> weight = tf.constant(new float[][] {{1, 2}});
      KerasException error = assertThrows(KerasException.class, () -> constraint.call(tf, weight));
      assertTrue(error.getMessage().contains(message), error.getMessage());
    }
  }

  @Test
  void whatIsNotNegativeStaysAsItIs() {
    float infinite = Float.POSITIVE_INFINITY;
    try (Graph graph = new Graph();
        Session session = new Session(graph)) {
      Ops tf = Ops.create(graph);
      Operand<TFloat32> weight = tf.constant(new float[] {infinite, -infinite, -1, 0.5f});
      try (Result result = session.runner().fetch(read("\"non_neg\"").call(tf, weight)).run()) {
        float[] found = new float[4];
        ((TFloat32) result.get(0)).copyTo(DataBuffers.of(found));
        assertArrayEquals(new float[] {infinite, 0, 0, 0.5f}, found);
      }
    }
  }
}
