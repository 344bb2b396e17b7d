package io.github.kpconvx.layer.vl3d;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.layer.KernelPoints;
import io.github.kpconvx.layer.KernelPointsTarget;
import io.github.kpconvx.layer.LayerVariable;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.Graph;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/** Where kernel points come from, and go to, that a file of weights does not hold. */
class KernelPointsTest {
  private static final KPConvXLayer CONV = layer("conv");
  private static final KPConvXLayer OTHER = layer("other");
  private static final double[][] POINTS = CONV.config().shells().points();

  @TempDir private Path directory;

  private static KPConvXLayer layer(String name) {
    KPConvXLayer layer =
        KPConvXLayer.builder().name(name).shells(List.of(0.0, 0.8), List.of(1, 4)).build();
    try (Graph graph = new Graph()) {
      layer.build(Ops.create(graph), 8);
    }
    return layer;
  }

  private static LayerVariable q(KPConvXLayer layer) {
    return layer.ownVariables().get("Q");
  }

  private Path csv(String text) throws IOException {
    return Files.writeString(directory.resolve("Q.csv"), text);
  }

  private static void assertRefused(Runnable refused, String... parts) {
    String message = assertThrows(KerasException.class, refused::run).getMessage();
    for (String part : parts) {
      assertTrue(message.contains(part), () -> part + " in: " + message);
    }
  }

  /** The layer's own kernel points, one coordinate moved. */
  private static TFloat32 moved(double by) {
    TFloat32 points = KernelPoints.recomputed().of(CONV, q(CONV));
    points.setFloat((float) (POINTS[0][2] + by), 0, 2);
    return points;
  }

  @Test
  void recomputesThoseOfTheShells() {
    try (TFloat32 points = KernelPoints.recomputed().of(CONV, q(CONV))) {
      assertEquals(Shape.of(5, 3), points.shape());
      for (int k = 0; k < 5; k++) {
        for (int c = 0; c < 3; c++) {
          assertEquals((float) POINTS[k][c], points.getFloat(k, c));
        }
      }
    }
  }

  @Test
  void readsThreeNumbersALineHoweverSeparated() throws IOException {
    Path file = csv("0 1 2\n\n  3,4,5  \n6;7;8\n9,\t1e1, -11\n 12  13 14.5");
    try (TFloat32 points = KernelPoints.fromCsv(file).of(CONV, q(CONV))) {
      assertEquals(Shape.of(5, 3), points.shape());
      float[] expected = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, -11, 12, 13, 14.5f};
      for (int i = 0; i < expected.length; i++) {
        assertEquals(expected[i], points.getFloat(i / 3, i % 3));
      }
    }
  }

  @Test
  void readsWhatEditorsAndPowerShellWrite() throws IOException {
    Path file = directory.resolve("points.csv");
    for (String charset : List.of("UTF-8", "UTF-16LE", "UTF-16BE")) {
      Files.writeString(
          file, "\ufeff0,1,2\r\n3,4,5\r\n6,7,8\r\n9,1,2\r\n3,4,5\r\n", Charset.forName(charset));
      try (TFloat32 points = KernelPoints.fromCsv(file).of(CONV, q(CONV))) {
        assertEquals(1, points.getFloat(0, 1));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"1 2", "1 2 3 4", "1 two 3", "1,,2,3", "1 2 NaN", "Infinity 1 2", "x y z"})
  void namesTheLineThatHoldsNoPoint(String line) throws IOException {
    Path file = csv("0 0 0\n\n" + line + "\n");
    assertRefused(
        () -> KernelPoints.fromCsv(file),
        file + ", line 3: expected three finite numbers, found \"" + line + "\"");
  }

  @Test
  void refusesAFileThatCannotBeReadOrHoldsAnotherNumberOfPoints() throws IOException {
    Path none = directory.resolve("none.csv");
    assertRefused(() -> KernelPoints.fromCsv(none), "Cannot read kernel points from " + none);
    Path four = csv("0 0 0\n1 0 0\n0 1 0\n0 0 1\n");
    KernelPoints source = KernelPoints.fromCsv(four);
    assertRefused(
        () -> source.of(CONV, q(CONV)).close(),
        "\"conv\"",
        four + " has 4 kernel points, expected 5");
  }

  @Test
  void aFileWithoutThemIsAnErrorThatTellsTheChoices() {
    assertRefused(
        () -> KernelPoints.fromFileOnly().of(CONV, q(CONV)).close(),
        "\"conv\"",
        "holds no kernel points Q",
        "Q.csv",
        "SavedModel",
        "FibonacciShellInitializer");
  }

  @Test
  void eachLayerHasASourceOfItsOwn() {
    KernelPoints sources = KernelPoints.byLayer(Map.of("conv", KernelPoints.recomputed()));
    try (TFloat32 points = sources.of(CONV, q(CONV))) {
      assertEquals(Shape.of(5, 3), points.shape());
    }
    assertRefused(() -> sources.of(OTHER, q(OTHER)).close(), "\"other\"", "no kernel points Q");
  }

  @Test
  void areLeftOutOnlyWhereTheyCanBeRecomputed() {
    KernelPointsTarget target = KernelPointsTarget.recomputed();
    for (double by : new double[] {0, 9e-7, -9e-7}) {
      try (TFloat32 points = moved(by)) {
        assertEquals(Optional.empty(), target.of(CONV, q(CONV), points));
      }
    }
    for (double by : new double[] {2e-6, -0.25, Double.NaN, Double.POSITIVE_INFINITY}) {
      try (TFloat32 points = moved(by)) {
        assertRefused(
            () -> target.of(CONV, q(CONV), points),
            "\"conv\"",
            "kernel points Q differ",
            "1e-06 only");
      }
    }
    try (TFloat32 points = moved(-0.25)) {
      assertRefused(() -> target.of(CONV, q(CONV), points), "differ by up to 0.25 from");
    }
  }

  @Test
  void areNeverLostUnasked() {
    KernelPointsTarget target = KernelPointsTarget.refused();
    String hint = "leave them out by the name FibonacciShellInitializer";
    try (TFloat32 own = moved(0);
        TFloat32 others = moved(0.1)) {
      assertRefused(
          () -> target.of(CONV, q(CONV), own),
          "\"conv\"",
          "SavedModel",
          "--kernel-points-out",
          hint);
      String message =
          assertThrows(KerasException.class, () -> target.of(CONV, q(CONV), others)).getMessage();
      assertTrue(message.contains("--kernel-points-out"), message);
      assertFalse(message.contains(hint), message);
    }
  }

  @Test
  void eachLayerHasATargetOfItsOwn() {
    Path file = directory.resolve("Q.csv");
    KernelPointsTarget targets =
        KernelPointsTarget.byLayer(Map.of("conv", KernelPointsTarget.toCsv(file)));
    try (TFloat32 points = moved(0.1)) {
      assertEquals(Optional.of(file), targets.of(CONV, q(CONV), points));
      assertRefused(() -> targets.of(OTHER, q(OTHER), points), "\"other\"", "--kernel-points-out");
    }
  }
}
