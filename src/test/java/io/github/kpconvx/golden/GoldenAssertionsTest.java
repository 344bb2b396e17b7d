package io.github.kpconvx.golden;

import static io.github.kpconvx.golden.GoldenAssertions.assertMatchesGolden;
import static io.github.kpconvx.golden.GoldenAssertions.assertOutputsMatchGolden;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.Fixtures;
import io.github.kpconvx.PythonEnvironment;
import io.github.kpconvx.inference.Engine;
import io.github.kpconvx.inference.KPConvX;
import io.github.kpconvx.inference.Model;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.numpy.NpzFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** On golden data that {@code python-compat/test_files/golden_models.py} wrote. */
class GoldenAssertionsTest {
  private static final Path RESOURCES = Path.of("src/test/resources/io/github/kpconvx/golden");
  private static final Path TWO_OUTPUTS = RESOURCES.resolve("network_two_outputs");

  @TempDir private Path directory;

  @Test
  void computesWhatPythonComputed() {
    assertMatchesGolden(Path.of("src/test/resources/io/github/kpconvx/golden/nested"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"network_two_outputs", "original_network", "nested"})
  void everyStageAgrees(String name) {
    Path golden = RESOURCES.resolve(name);
    assertMatchesGolden(golden);
    GoldenData data = GoldenData.read(golden);
    try (Model model = data.loader().load()) {
      assertMatchesGolden(model, golden);
      assertMatchesGolden(model, golden, new Tolerance(5e-6, 5e-6));
      assertOutputsMatchGolden(model, golden);
      GoldenComparison comparison = data.compare(model, data.tolerance());
      assertTrue(comparison.agrees());
      assertTrue(comparison.describe().matches("All \\d+ stages agree\\."), comparison.describe());
      // Nothing that the model makes known is left out, and all of it is compared in its order.
      assertEquals(
          model.stages().stream().filter(stage -> !model.outputs().containsKey(stage)).count()
              + model.outputs().size(),
          comparison.stages().size());
    }
  }

  /** With bare variables of VL3D's layers that are no kernel points, beside such as are. */
  @ParameterizedTest
  @ValueSource(strings = {"rbf_extract_cone", "structuring_opaque", "kpconv_autoencoder"})
  void everyLayerOfVL3DAgrees(String name) {
    Path golden = RESOURCES.resolve(name);
    assertMatchesGolden(golden);
    GoldenData data = GoldenData.read(golden);
    try (Model model = data.loader().load()) {
      Set<String> layers = new TreeSet<>(model.stages());
      // Python does not tell what is inside these layers.
      layers.removeIf(stage -> stage.contains("/"));
      layers.addAll(model.outputs().keySet());
      assertEquals(
          layers,
          data.compare(model, data.tolerance()).stages().stream()
              .map(ArrayComparison::name)
              .collect(Collectors.toCollection(TreeSet::new)));
    }
  }

  @Tag(Fixtures.FULL)
  @ParameterizedTest
  @ValueSource(strings = {".venv-tf218", ".venv-latest"})
  void whatPythonWritesNowAgrees(String environment) throws Exception {
    PythonEnvironment.find(environment).run("test_files/golden_models.py", directory.toString());
    List<Path> written = Fixtures.directories(directory).toList();
    assertEquals(6, written.size());
    written.forEach(GoldenAssertions::assertMatchesGolden);
  }

  @Test
  void theReadmeShowsWhatThisTestDoes() {
    String readme = Fixtures.text(Path.of("README.md"));
    String section = readme.substring(readme.indexOf("## Regression tests for your own model"));
    int start = section.indexOf("```java\n") + "```java\n".length();
    String shown = section.substring(start, section.indexOf("```", start));
    String here =
        Fixtures.text(Path.of("src/test/java/io/github/kpconvx/golden/GoldenAssertionsTest.java"));
    assertTrue(shown.contains("src/test/resources/my-model"), shown);
    String ours = shown.replace("my-model", "io/github/kpconvx/golden/nested");
    assertTrue(here.replaceAll("\\s+", " ").contains(ours.replaceAll("\\s+", " ").strip()), ours);
  }

  @Test
  void saysWhichStageDiffersFirstAndWhere() {
    damage(
        "fine/block_0/A",
        array -> {
          float[] values = array.toFloats();
          values[2] += 0.25f;
          values[1707] -= 0.5f;
          return NpyArray.of(values, array.shape());
        });
    damage(
        "sum",
        array -> {
          float[] values = array.toFloats();
          values[5] = Float.NaN;
          return NpyArray.of(values, array.shape());
        });
    damage("output_1", array -> NpyArray.of(array.toFloats(), array.size()));
    NpyArray right = NpzFile.read(TWO_OUTPUTS.resolve("golden.npz")).get("fine/block_0/A");
    assertEquals("float32 (2, 24, 25, 8)", right.toString());
    float first = right.toFloats()[2];
    float worst = right.toFloats()[1707];
    float[] found = compute("fine/block_0/A");
    String expected =
        ("%s: fine/block_0/A differs first, as stage 12 of 25, at [0, 0, 0, 2]: found %.8g, expected %.8g,"
                + " difference 0.250 where %.3g is allowed; 2 of 9,600 elements differ, the most at [0, 8, 13, 3]:"
                + " found %.8g, expected %.8g, difference 0.500 where %.3g is allowed.\n"
                + "2 of 13 later stages differ too: sum (1 of 384, up to NaN),"
                + " output_1 (expected float32 (48), found float32 (2, 24, 1)).")
            .formatted(
                directory,
                found[2],
                first + 0.25f,
                1e-5 + 1e-5 * (first + 0.25f),
                found[1707],
                worst - 0.5f,
                1e-5 + 1e-5 * Math.abs(worst - 0.5f));
    assertEquals(expected, failure());
  }

  private static float[] compute(String stage) {
    Map<String, NpyArray> inputs = NpzFile.read(TWO_OUTPUTS.resolve("inputs.npz"));
    try (Model model = KPConvX.load(TWO_OUTPUTS.resolve("model.keras"))) {
      return model.predictArrays(inputs, List.of(stage)).get(stage).toFloats();
    }
  }

  @Test
  void infinitiesAgreeWithThemselvesAlone() {
    float infinity = Float.POSITIVE_INFINITY;
    float[][] pairs = {{infinity, infinity}, {infinity, 5}, {5, infinity}, {infinity, -infinity}};
    for (float[] pair : pairs) {
      ArrayComparison comparison =
          ArrayComparison.of(
              "x",
              NpyArray.of(new float[] {1, pair[0]}, 2),
              NpyArray.of(new float[] {1, pair[1]}, 2),
              new Tolerance(1, 1));
      assertEquals(pair[0] == pair[1], comparison.agrees());
      assertEquals(pair[0] == pair[1] ? 0 : 1, comparison.differing());
    }
  }

  @Test
  void toleranceIsAbsoluteAndRelative() {
    NpyArray golden = NpyArray.of(new float[] {0, 100, -100}, 3);
    NpyArray found = NpyArray.of(new float[] {0.5f, 101, -102}, 3);
    assertTrue(ArrayComparison.of("x", golden, found, new Tolerance(0.5, 0.015)).agrees());
    assertEquals(1, ArrayComparison.of("x", golden, found, new Tolerance(0.5, 0.01)).differing());
    assertEquals(3, ArrayComparison.of("x", golden, found, new Tolerance(0.4, 0)).differing());
    assertEquals(2, ArrayComparison.of("x", golden, found, new Tolerance(0, 0)).maxDifference());
    assertThrows(KerasException.class, () -> new Tolerance(-1, 0));
    assertThrows(KerasException.class, () -> new Tolerance(0, Double.NaN));
  }

  @Test
  void saysWhatIsNotANumber() {
    damage(
        "stem",
        array -> {
          float[] values = array.toFloats();
          values[9] = Float.NaN;
          values[20] = Float.NaN;
          return NpyArray.of(values, array.shape());
        });
    String message = failure();
    assertTrue(
        message.contains("stem differs first, as stage 1 of 25, at [0, 1, 1]: found "), message);
    assertTrue(message.contains("expected NaN, difference NaN where 0.00 is allowed"), message);
    assertTrue(
        message.contains(
            "2 of 384 elements differ. NaN are 0 of the elements found, 2 of the golden ones.\n"),
        message);
    assertTrue(message.endsWith("No later stage differs."), message);
  }

  @Test
  void saysWhatWholeNumbersAre() {
    damage(
        "coarse/k",
        array -> {
          int[] values = array.toInts();
          values[13] = 8 - values[13];
          return NpyArray.of(values, array.shape());
        });
    String message = failure();
    assertTrue(
        message.matches(
            "(?s).*coarse/k differs first, as stage 2 of 25, at \\[0, 1, 1\\]: found \\d, expected \\d, difference \\d where 0 is allowed; 1 of 576 elements differ\\..*"),
        message);
  }

  @Test
  void saysWhetherNearTiesMayBeWhy() {
    damage(
        "coarse/h",
        array -> {
          float[] values = array.toFloats();
          values[12 * 3] += 0.5f;
          values[12 * 3 + 1] += 0.5f;
          values[12 * 30] += 0.5f;
          return NpyArray.of(values, array.shape());
        });
    assertTrue(!failure().contains("near tie"), failure());
    ties(3);
    assertTrue(
        failure().contains("Of the 2 points where it differs 1 have a near tie")
            && failure().contains("which does not explain the others"),
        failure());
    ties(3, 30);
    assertTrue(
        failure().contains("Of the 2 points where it differs 2 have a near tie")
            && failure().contains("which explains it"),
        failure());
  }

  private void ties(int... points) {
    Path golden = directory.resolve("golden.npz");
    Map<String, NpyArray> arrays = new LinkedHashMap<>(NpzFile.read(golden));
    boolean[] values = new boolean[48];
    for (int point : points) {
      values[point] = true;
    }
    arrays.put("coarse/near_tie", NpyArray.of(values, 2, 24));
    NpzFile.write(golden, arrays);
  }

  @Test
  void anotherTypeIsNoAgreement() {
    damage(
        "coarse/k",
        array -> {
          int[] values = array.toInts();
          long[] wide = new long[values.length];
          for (int i = 0; i < wide.length; i++) {
            wide[i] = values[i];
          }
          return NpyArray.of(wide, array.shape());
        });
    String message = failure();
    assertTrue(message.contains("expected int64 (2, 24, 12), found int32 (2, 24, 12)."), message);
  }

  @Test
  void aStoredGraphIsComparedByItsOutputs() {
    Path stored = Fixtures.of("network_two_outputs").resolve("saved_model");
    try (Model model = KPConvX.loader(stored).withEngine(Engine.SAVEDMODEL).load()) {
      assertOutputsMatchGolden(model, TWO_OUTPUTS);
      assertFails(
          "has no stages [clipped, coarse, ", () -> assertMatchesGolden(model, TWO_OUTPUTS));
      assertFails("compare the outputs alone", () -> assertMatchesGolden(model, TWO_OUTPUTS));
      assertFails(
          "has the outputs [output_0, output_1], expected those that",
          () -> assertOutputsMatchGolden(model, RESOURCES.resolve("nested")));
    }
  }

  @Test
  void anotherModelIsNamedByItsStages() {
    try (Model model = KPConvX.load(Fixtures.of("network_segmentation").resolve("model.keras"))) {
      assertFails(
          "expected only those of [",
          () -> assertMatchesGolden(model, RESOURCES.resolve("nested")));
    }
  }

  @Test
  void damagedDataIsNamed() throws IOException {
    assertFails("golden.json, which kpconvx_compat", () -> assertMatchesGolden(directory));
    copy();
    Path golden = directory.resolve("golden.npz");
    Map<String, NpyArray> arrays = new LinkedHashMap<>(NpzFile.read(golden));
    arrays.put("more", arrays.remove("coarse/h"));
    NpzFile.write(golden, arrays);
    assertFails("missing are [coarse/h], surplus are [more]", () -> assertMatchesGolden(directory));
    Path description = directory.resolve("golden.json");
    String text = Fixtures.text(description);
    for (String[] change :
        new String[][] {
          {
            "\"rtol\": 1e-05", "\"rtol\": -1", "rtol = -1, expected a finite number of at least 0.0"
          },
          {"\"rtol\": 1e-05", "\"rtol\": \"1e-05\"", "rtol = \"1e-05\", expected a finite number"},
          {"\"rtol\": 1e-05,", "", "rtol = nothing, expected a finite number"},
          {"\"rtol\"", "\"rtoll\"", "unknown configuration key \"rtoll\""},
          {"\"atol\"", "\"trainable\": true, \"atol\"", "unknown configuration key \"trainable\""},
          {"\"stem\",", "1,", "expected a list of strings"},
          {"\"near_ties\": [", "\"near_ties\": [null,", "expected a list of strings"},
          {"\"outputs\"", "\"outputs\": {}, \"more\"", "unknown configuration key \"more\""},
          {"\"kernel_points\": {}", "\"kernel_points\": {\"c\": 1}", "c = 1, expected a string"},
          {
            "\"kernel_points\": {}",
            "\"kernel_points\": [1]",
            "kernel_points = [1], expected an object"
          }
        }) {
      assertTrue(text.contains(change[0]), change[0]);
      Files.writeString(description, text.replace(change[0], change[1]));
      assertFails(change[2], () -> assertMatchesGolden(directory));
      assertFails(description.toString(), () -> assertMatchesGolden(directory));
    }
    Files.writeString(description, "[]");
    assertFails("expected an object", () -> assertMatchesGolden(directory));
  }

  private static void assertFails(String reason, Runnable body) {
    String message = assertThrows(KerasException.class, body::run).getMessage();
    assertTrue(message.contains(reason), message);
  }

  private String failure() {
    return assertThrows(AssertionError.class, () -> assertMatchesGolden(directory)).getMessage();
  }

  private void damage(String stage, UnaryOperator<NpyArray> change) {
    copy();
    Path golden = directory.resolve("golden.npz");
    Map<String, NpyArray> arrays = new LinkedHashMap<>(NpzFile.read(golden));
    arrays.put(stage, change.apply(arrays.get(stage)));
    NpzFile.write(golden, arrays);
  }

  private void copy() {
    try {
      for (Path file : Fixtures.files(TWO_OUTPUTS)) {
        if (!Files.exists(directory.resolve(file.getFileName()))) {
          Files.copy(file, directory.resolve(file.getFileName()));
        }
      }
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}
