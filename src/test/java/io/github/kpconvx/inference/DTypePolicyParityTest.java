package io.github.kpconvx.inference;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.Fixtures;
import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.numpy.NpzFile;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A small network of each dtype policy, one of its layers of float32 throughout, against what Keras
 * 2.15, 3.6 and 3.15 compute.
 */
class DTypePolicyParityTest {
  /**
   * How far the largest difference may be, relative to the largest element: of the half types four
   * units in the last place.
   */
  private static final Map<String, Double> TOLERANCES =
      Map.of(
          "float64", 1e-12,
          "float32", 2e-6,
          "mixed_float16", 4 * Math.scalb(1.0, -10),
          "float16", 4 * Math.scalb(1.0, -10),
          "mixed_bfloat16", 4 * Math.scalb(1.0, -7),
          "bfloat16", 4 * Math.scalb(1.0, -7));

  static Stream<Path> files() {
    return Fixtures.files(Path.of("src/test/resources/policies")).stream()
        .filter(file -> file.toString().endsWith(".keras"))
        .sorted();
  }

  private static String policy(Path file) {
    String name = file.getFileName().toString();
    return name.substring(0, name.indexOf("-keras-"));
  }

  private static Map<String, NpyArray> golden(Path file) {
    return NpzFile.read(
        file.resolveSibling(file.getFileName().toString().replace(".keras", ".npz")));
  }

  private static Map<String, NpyArray> answers(Path file, Engine engine, NpyArray x) {
    try (Model model = KPConvX.loader(file).withEngine(engine).load()) {
      return model.predictArrays(Map.of("x", x), List.of("output_0", "output_1"));
    }
  }

  @ParameterizedTest
  @MethodSource("files")
  void answersAsKeras(Path file) {
    Map<String, NpyArray> golden = golden(file);
    String policy = policy(file);
    for (Engine engine : List.of(Engine.PLAIN, Engine.FOLDED)) {
      Map<String, NpyArray> found = answers(file, engine, golden.get("x"));
      assertEquals(
          List.of(policy.replace("mixed_", ""), "float32"),
          List.of(
              found.get("output_0").type().numpyName(), found.get("output_1").type().numpyName()));
      compare(golden, found, "output_0", TOLERANCES.get(policy));
      compare(
          golden, found, "output_1", Math.max(TOLERANCES.get(policy), TOLERANCES.get("float32")));
    }
  }

  private static void compare(
      Map<String, NpyArray> golden, Map<String, NpyArray> found, String name, double tolerance) {
    double[] expected = golden.get(name).toDoubles();
    double[] values = found.get(name).as(NpyArray.Type.FLOAT64).toDoubles();
    assertEquals(expected.length, values.length);
    double largest = Arrays.stream(expected).map(Math::abs).max().orElseThrow();
    for (int i = 0; i < values.length; i++) {
      double difference = Math.abs(values[i] - expected[i]);
      assertTrue(
          difference <= tolerance * largest,
          name + "[" + i + "] is " + values[i] + ", expected " + expected[i]);
    }
  }

  /** The writer compares every weight to the bit with what it reads back. */
  @ParameterizedTest
  @MethodSource("files")
  void keepsEachWeightInItsType(Path file, @TempDir Path folder) {
    NpyArray x = golden(file).get("x");
    Map<String, NpyArray> before = answers(file, Engine.PLAIN, x);
    for (String target : List.of("copy.keras", "saved_model")) {
      Path copy = folder.resolve(target);
      KPConvX.loader(file).convert(copy);
      Map<String, NpyArray> after = answers(copy, Engine.PLAIN, x);
      before.forEach(
          (name, y) -> assertArrayEquals(y.toDoubles(), after.get(name).toDoubles(), name));
    }
    Map<String, NpyArray> served = answers(folder.resolve("saved_model"), Engine.SAVEDMODEL, x);
    before.forEach((name, y) -> assertEquals(y.type(), served.get(name).type(), name));
  }
}
