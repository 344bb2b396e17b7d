package io.github.kpconvx.inference;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.Fixtures;
import io.github.kpconvx.golden.GoldenComparison;
import io.github.kpconvx.golden.Tolerance;
import io.github.kpconvx.keras.config.KerasObject;
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
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every model of {@code savedmodels/parity} and {@code savedmodels/keras2}, from every kind of
 * file, against what Python computed, stage by stage.
 */
class ParityTest {
  /** Stays below 1e-5·max(1, |golden|). */
  private static final Tolerance TOLERANCE = new Tolerance(5e-6, 5e-6);

  static Stream<Arguments> nativeModels() {
    return Fixtures.representatives().flatMap(ParityTest::models);
  }

  static Stream<Arguments> otherNativeModels() {
    return Fixtures.others().flatMap(ParityTest::models);
  }

  private static Stream<Arguments> models(Path directory) {
    return Fixtures.models(directory).stream().map(file -> Arguments.of(directory, file));
  }

  static Stream<Path> cases() {
    return Fixtures.cases().stream();
  }

  static Stream<Path> casesWithSignature() {
    return Fixtures.representatives().filter(Fixtures::hasSignature);
  }

  static Stream<Path> otherCasesWithSignature() {
    return Fixtures.others().filter(Fixtures::hasSignature);
  }

  @Test
  void coversEveryKerasVersionAndEveryKindOfFile() {
    Map<String, List<String>> names = new HashMap<>();
    for (Path path : Fixtures.cases()) {
      String version = path.getParent().getFileName().toString();
      names.computeIfAbsent(version, key -> new ArrayList<>()).add(path.getFileName().toString());
      assertEquals(
          version.startsWith("keras-3")
              ? List.of("saved_model", "model.keras", "model.weights.h5")
              : List.of("saved_model", "model.keras", "model.h5", "weights.h5", "model.weights.h5"),
          Fixtures.models(path),
          path.toString());
    }
    assertEquals(
        Set.of("keras-3.6.0", "keras-3.15.1", "keras-2.15.0", "tf_keras-2.21.0"), names.keySet());
    assertEquals(names.get("keras-3.6.0"), names.get("keras-3.15.1"));
    assertTrue(names.get("keras-3.6.0").size() >= 12);
    assertEquals(names.get("keras-2.15.0"), names.get("tf_keras-2.21.0"));
    assertTrue(names.get("keras-2.15.0").size() >= 6);
    assertTrue(names.get("keras-3.6.0").containsAll(names.get("keras-2.15.0")));
    assertEquals(
        names.keySet(),
        Stream.concat(casesWithSignature(), otherCasesWithSignature())
            .map(path -> path.getParent().getFileName().toString())
            .collect(Collectors.toSet()));
  }

  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("nativeModels")
  void nativeEngineAgreesStageByStage(Path directory, String file) {
    KPConvX.Loader loader =
        KPConvX.loader(directory.resolve(file)).withKernelPoints(kernelPoints(directory));
    if (Fixtures.holdsWeightsAlone(file)) {
      loader =
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

  @Tag(Fixtures.FULL)
  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("otherNativeModels")
  void nativeEngineAgreesOnTheOthersToo(Path directory, String file) {
    nativeEngineAgreesStageByStage(directory, file);
  }

  static Stream<Arguments> otherEngines() {
    return Fixtures.representatives().flatMap(ParityTest::engines);
  }

  static Stream<Arguments> otherEnginesOfOthers() {
    return Fixtures.others().flatMap(ParityTest::engines);
  }

  private static Stream<Arguments> engines(Path directory) {
    return directory.getParent().endsWith("keras-3.15.1")
        ? Stream.of(Engine.PLAIN, Engine.COMPILED).map(engine -> Arguments.of(directory, engine))
        : Stream.empty();
  }

  /** All other tests are of the default, {@link Engine#FOLDED}. */
  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("otherEngines")
  void otherEnginesAgreeStageByStage(Path directory, Engine engine) {
    Map<String, NpyArray> golden = NpzFile.read(directory.resolve("golden.npz"));
    try (Model model =
        KPConvX.loader(directory.resolve("model.keras"))
            .withKernelPoints(kernelPoints(directory))
            .withEngine(engine)
            .load()) {
      Set<String> names = new LinkedHashSet<>(golden.keySet());
      names.removeIf(name -> name.startsWith("oracle/") || name.endsWith("/near_tie"));
      compare(directory, golden, predict(model, directory, names));
    }
  }

  @Tag(Fixtures.FULL)
  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("otherEnginesOfOthers")
  void otherEnginesAgreeOnTheOthersToo(Path directory, Engine engine) {
    otherEnginesAgreeStageByStage(directory, engine);
  }

  @Tag(Fixtures.FULL)
  @ParameterizedTest(name = "{0}")
  @MethodSource("otherCasesWithSignature")
  void storedSignatureAgreesOnTheOthersToo(Path directory) {
    storedSignatureAgrees(directory);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("casesWithSignature")
  void storedSignatureAgrees(Path directory) {
    Map<String, NpyArray> golden = NpzFile.read(directory.resolve("golden.npz"));
    try (Model model =
        KPConvX.loader(directory.resolve("saved_model")).withEngine(Engine.SAVEDMODEL).load()) {
      Map<String, NpyArray> found = predict(model, directory, model.outputs().keySet());
      if (found.size() == 1) {
        // Keras 2 names an output after its layer.
        found = Map.of("output_0", found.values().iterator().next());
      }
      compare(directory, golden, found);
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
    return model.predictArrays(NpzFile.read(directory.resolve("inputs.npz")), names);
  }

  static KernelPoints kernelPoints(Path directory) {
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
