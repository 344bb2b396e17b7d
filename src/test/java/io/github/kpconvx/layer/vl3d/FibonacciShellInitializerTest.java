package io.github.kpconvx.layer.vl3d;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.kpconvx.Fixtures;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class FibonacciShellInitializerTest {

  static Stream<JsonNode> pythonKernels() {
    List<JsonNode> kernels = new ArrayList<>();
    KerasObject.parseJson(Fixtures.text(Path.of("savedmodels/parity/kernel_points.json")))
        .forEach(kernels::add);
    assertTrue(kernels.size() >= 30);
    return kernels.stream();
  }

  @ParameterizedTest
  @MethodSource("pythonKernels")
  void findsThePointsThatPythonFinds(JsonNode kernel) {
    List<Double> radii = new ArrayList<>();
    kernel.get("radii").forEach(radius -> radii.add(radius.doubleValue()));
    List<Integer> counts = new ArrayList<>();
    kernel.get("points_per_shell").forEach(count -> counts.add(count.intValue()));
    double[][] points = new FibonacciShellInitializer(radii, counts).points();
    assertEquals(kernel.get("points").size(), points.length);
    for (int k = 0; k < points.length; k++) {
      double[] expected = new double[3];
      for (int c = 0; c < 3; c++) {
        expected[c] = kernel.get("points").get(k).get(c).doubleValue();
      }
      assertArrayEquals(expected, points[k], 1e-6, "point " + k);
    }
    int k = 0;
    for (int s = 0; s < radii.size(); s++) {
      for (int i = 0; i < counts.get(s); i++, k++) {
        double[] q = points[k];
        assertEquals(radii.get(s), Math.sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2]), 1e-7);
      }
    }
  }

  /** The Thomson problem's known energies. */
  @ParameterizedTest
  @CsvSource({
    "2, 0.5",
    "3, 1.732050808",
    "4, 3.674234614",
    "5, 6.474691495",
    "6, 9.985281374",
    "7, 14.452977414",
    "8, 19.675287861",
    "12, 49.165253058",
    "13, 58.853230612"
  })
  void reachesTheLeastEnergyOnOneSphere(int n, double energy) {
    double[][] points = new FibonacciShellInitializer(List.of(1.0), List.of(n)).points();
    assertEquals(energy, FibonacciShellInitializer.energy(points), 1e-6);
  }

  @ParameterizedTest
  @ValueSource(strings = {"trainable", "activity_regularizer", "name", "dtype"})
  void isNoLayerAndHasNoneOfItsKeys(String key) {
    KerasObject object =
        KerasObject.parse(
            "{\"class_name\": \"FibonacciShellInitializer\", \"config\": {\"%s\": null}}"
                .formatted(key));
    assertEquals(
        "FibonacciShellInitializer: unknown configuration key \""
            + key
            + "\"; known keys are deformable, points_per_shell, radii, shells",
        assertThrows(KerasException.class, () -> FibonacciShellInitializer.of(object))
            .getMessage());
  }

  @Test
  void refusesMorePointsThanMakeSense() {
    assertRefused(List.of(0.0, 1.0), List.of(1, 2_000_000_000), "at most 4096 points");
  }

  @Test
  void refusesShellsThatMakeNoSense() {
    assertRefused(List.of(0.0), List.of(2), "exactly 1 point");
    assertRefused(List.of(0.5, 1.0), List.of(3), "same length");
    assertRefused(List.of(-1.0), List.of(3), "at least 0");
    assertRefused(List.of(1.0), List.of(0), "at least 1 point");
    assertRefused(List.of(0.0, 0.0), List.of(1, 1), "at most one shell");
    assertRefused(Collections.emptyList(), Collections.emptyList(), "same length");
  }

  private static void assertRefused(List<Double> radii, List<Integer> counts, String reason) {
    KerasException error =
        assertThrows(KerasException.class, () -> new FibonacciShellInitializer(radii, counts));
    assertTrue(error.getMessage().contains(reason), error.getMessage());
  }
}
