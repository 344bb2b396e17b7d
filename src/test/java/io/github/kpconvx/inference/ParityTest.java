package io.github.kpconvx.inference;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.Fixtures;
import io.github.kpconvx.golden.GoldenComparison;
import io.github.kpconvx.golden.Tolerance;
import io.github.kpconvx.keras.KerasObject;
import io.github.kpconvx.layer.KernelPoints;
import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.numpy.NpzFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every model of {@code savedmodels/parity}, from every kind of file, against what Python computed,
 * stage by stage.
 */
class ParityTest {
  /** Stays below 1e-5·max(1, |golden|). */
  private static final Tolerance TOLERANCE = new Tolerance(5e-6, 5e-6);

  static Stream<Arguments> nativeModels() {
    return Fixtures.cases().stream()
        .flatMap(
            directory ->
                Stream.of("saved_model", "model.keras", "model.weights.h5")
                    .map(file -> Arguments.of(directory, file)));
  }

  static Stream<Path> cases() {
    return Fixtures.cases().stream();
  }

  @Test
  void coversBothKerasVersions() {
    Map<String, List<String>> names = new HashMap<>();
    for (Path path : Fixtures.cases()) {
      names
          .computeIfAbsent(path.getParent().getFileName().toString(), version -> new ArrayList<>())
          .add(path.getFileName().toString());
    }
    assertEquals(Set.of("keras-3.6.0", "keras-3.15.1"), names.keySet());
    assertEquals(names.get("keras-3.6.0"), names.get("keras-3.15.1"));
    assertTrue(names.get("keras-3.6.0").size() >= 12);
  }

  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("nativeModels")
  void nativeEngineAgreesStageByStage(Path directory, String file) {
    KPConvX.Loader loader =
        KPConvX.loader(directory.resolve(file)).withKernelPoints(kernelPoints(directory));
    if (file.endsWith(".h5")) {
      loader.withConfig(KerasObject.parse(Fixtures.text(directory.resolve("config.json"))));
    }
    Map<String, NpyArray> golden = NpzFile.read(directory.resolve("golden.npz"));
    try (Model model = loader.load()) {
      Set<String> names = new LinkedHashSet<>(golden.keySet());
      names.removeIf(name -> name.startsWith("oracle/") || name.endsWith("/near_tie"));
      assertEquals(
          Fixtures.text(directory.resolve("config.json")).contains("KPConvXLayer"),
          names.stream().anyMatch(name -> name.endsWith("/k")));
      assertTrue(names.containsAll(model.outputs().keySet()));
      compare(directory, golden, predict(model, directory, names));
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void storedSignatureAgrees(Path directory) {
    Map<String, NpyArray> golden = NpzFile.read(directory.resolve("golden.npz"));
    try (Model model =
        KPConvX.loader(directory.resolve("saved_model")).withEngine(Engine.SAVEDMODEL).load()) {
      compare(directory, golden, predict(model, directory, model.outputs().keySet()));
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void oracleAgreesWithKeras(Path directory) {
    Map<String, NpyArray> golden = NpzFile.read(directory.resolve("golden.npz"));
    Map<String, NpyArray> oracle = new HashMap<>();
    golden.forEach(
        (name, array) -> {
          if (name.startsWith("oracle/")) {
            oracle.put(name.substring("oracle/".length()), array);
          }
        });
    assertFalse(oracle.isEmpty());
    compare(directory, golden, oracle);
  }

  private static Map<String, NpyArray> predict(Model model, Path directory, Set<String> names) {
    return Tensors.predict(model, NpzFile.read(directory.resolve("inputs.npz")), names);
  }

  private static KernelPoints kernelPoints(Path directory) {
    if (Files.exists(directory.resolve("kernel_points.csv"))) {
      return KernelPoints.fromCsv(directory.resolve("kernel_points.csv"));
    }
    Map<String, KernelPoints> byLayer = new HashMap<>();
    for (Path csv : Fixtures.files(directory)) {
      String name = csv.getFileName().toString();
      if (name.startsWith("kernel_points_")) {
        String layer = name.substring("kernel_points_".length(), name.length() - ".csv".length());
        byLayer.put(layer, KernelPoints.fromCsv(csv));
      }
    }
    return byLayer.isEmpty() ? KernelPoints.fromFileOnly() : KernelPoints.byLayer(byLayer);
  }

  private static void compare(
      Path directory, Map<String, NpyArray> golden, Map<String, NpyArray> found) {
    // Rounding decides nothing in the fixtures: no point has two kernel points equally near.
    golden.forEach(
        (name, array) -> {
          if (name.endsWith("/near_tie")) {
            for (boolean tie : array.toBooleans()) {
              assertFalse(tie, directory + " " + name);
            }
          }
        });
    GoldenComparison comparison = GoldenComparison.of(golden, found, TOLERANCE);
    assertTrue(comparison.agrees(), () -> directory + ": " + comparison.describe());
  }
}
