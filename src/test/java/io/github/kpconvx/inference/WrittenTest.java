package io.github.kpconvx.inference;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.Fixtures;
import io.github.kpconvx.PythonEnvironment;
import io.github.kpconvx.layer.KernelPoints;
import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.numpy.NpzFile;
import io.github.kpconvx.tensor.Tensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Models that go from Keras to Java, from Java to Keras, and back again, live in the environments
 * that {@code python-compat/setup_environments.sh} makes.
 */
@Tag(Fixtures.FULL)
class WrittenTest {
  private static final List<String> FILES = List.of("saved_model", "model.keras");
  private static final String AERIAL = "aerial";

  /**
   * Cases whose files differ from others' in numbers alone; {@link ConvertTest} writes them too.
   */
  private static final Set<String> NUMBERS_ALONE =
      Set.of(
          "far_away",
          "four_shells",
          "leaky_slope",
          "one_shell",
          "single_point",
          "three_blocks",
          "wide");

  /**
   * Cases that Python exports too; how Java reads those of every case, {@link ParityTest} tests.
   */
  private static final List<String> EXPORTED = List.of("nested", "original_network");

  private static final Path RESOURCES = Path.of("src/test/resources/io/github/kpconvx/network");

  /** Models of dictionaries, of more than ten outputs, and of those that nested models give. */
  private static final List<String> STRUCTURES =
      List.of("chain", "dictsame", "lastfun", "lasttwice", "split", "twelve", "two");

  /** The version of Keras that wrote these; an older one need not read them. */
  private static final String STRUCTURES_VERSION = "keras-3.15.1";

  @TempDir private Path directory;

  /** One test for all, since starting Python and importing TensorFlow takes longer than a case. */
  @ParameterizedTest
  @CsvSource({
    ".venv-tf218, keras-3.6.0",
    ".venv-latest, keras-3.15.1",
  })
  void kerasOpensTrainsAndWritesAgainWhatIsWrittenHere(String environment, String version)
      throws Exception {
    PythonEnvironment python = PythonEnvironment.find(environment);
    List<Path> cases =
        Fixtures.directories(Path.of("savedmodels/parity", version))
            .filter(path -> !NUMBERS_ALONE.contains(path.getFileName().toString()))
            .toList();
    for (Path original : cases) {
      Path copy = directory.resolve(original.getFileName());
      ConvertTest.rewrite(original, copy);
      Files.copy(original.resolve("model.keras"), copy.resolve("original.keras"));
    }
    List<String> structures = version.equals(STRUCTURES_VERSION) ? STRUCTURES : List.of();
    for (String name : structures) {
      writeStructure(name, directory.resolve(name));
    }
    Map<String, Map<String, NpyArray>> tiles = tiles();
    writeAerial(directory.resolve(AERIAL), tiles.values().iterator().next());

    List<String> lines = check(python, structures);
    assertEquals(cases.size() + structures.size() + 1, lines.size());
    System.out.println(lines.get(0));
    for (Path original : cases) {
      readsTrained(directory.resolve(original.getFileName()).resolve("again"));
    }
    readsAerial(directory.resolve(AERIAL), tiles);
  }

  /** Here what was trained in Python computes what it does there. */
  private static void readsTrained(Path again) {
    for (String file : FILES) {
      if (Files.exists(again.resolve(file))) {
        try (Model model =
            KPConvX.loader(again.resolve(file))
                .withKernelPoints(ParityTest.kernelPoints(again))
                .load()) {
          double difference =
              difference(
                  predict(model, NpzFile.read(again.resolve("inputs.npz"))),
                  NpzFile.read(again.resolve("golden.npz")));
          assertTrue(difference <= 1e-5, again.resolve(file) + " differs by " + difference);
        }
      }
    }
  }

  private static void writeStructure(String name, Path copy) throws IOException {
    Files.createDirectory(copy);
    Files.copy(RESOURCES.resolve(name + ".keras"), copy.resolve("original.keras"));
    Files.copy(RESOURCES.resolve(name + ".in.npz"), copy.resolve("inputs.npz"));
    Files.copy(RESOURCES.resolve(name + ".gold.npz"), copy.resolve("golden.npz"));
    for (String file : List.of("model.keras", "model.weights.h5", "saved_model")) {
      KPConvX.loader(copy.resolve("original.keras")).convert(copy.resolve(file));
    }
  }

  private static void writeAerial(Path copy, Map<String, NpyArray> tile) throws IOException {
    Files.createDirectory(copy);
    Files.copy(Fixtures.AERIAL.resolve("aerial.keras"), copy.resolve("original.keras"));
    NpzFile.write(copy.resolve("inputs.npz"), tile);
    try (Model model = KPConvX.load(Fixtures.AERIAL)) {
      NpzFile.write(copy.resolve("golden.npz"), predict(model, tile));
    }
    for (String file : List.of("model.keras", "model.weights.h5", "saved_model")) {
      KPConvX.loader(Fixtures.AERIAL).convert(copy.resolve(file));
    }
  }

  /** The trained model keeps its weights all the way. */
  private static void readsAerial(Path copy, Map<String, Map<String, NpyArray>> tiles) {
    Path again = copy.resolve("again");
    for (String file : FILES) {
      assertSameWeights(Fixtures.AERIAL, again.resolve(file));
    }
    double largest = 0;
    try (Model original = KPConvX.load(Fixtures.AERIAL);
        Model back = KPConvX.load(again.resolve("saved_model"));
        Model stored =
            KPConvX.loader(again.resolve("saved_model")).withEngine(Engine.SAVEDMODEL).load();
        Model here =
            KPConvX.loader(copy.resolve("saved_model")).withEngine(Engine.SAVEDMODEL).load()) {
      for (Map<String, NpyArray> tile : tiles.values()) {
        Map<String, NpyArray> expected = predict(original, tile);
        for (Model model : List.of(back, stored, here)) {
          largest = Math.max(largest, difference(predict(model, tile), expected));
        }
      }
    }
    System.out.printf(
        "SavedModel, Java, .keras, Keras, SavedModel, Java: equal weights, %d tiles within %.2e%n",
        tiles.size(), largest);
    assertTrue(largest <= 1e-6, "predictions differ by " + largest);
  }

  /** The inputs of each tile in {@code pipeline_check.npz}. */
  private static Map<String, Map<String, NpyArray>> tiles() {
    Map<String, Map<String, NpyArray>> tiles = new LinkedHashMap<>();
    NpzFile.read(Fixtures.AERIAL.resolve("pipeline_check.npz"))
        .forEach(
            (name, array) -> {
              String input = name.substring(name.indexOf('/') + 1);
              if (Set.of("X", "F", "N").contains(input)) {
                tiles
                    .computeIfAbsent(
                        name.substring(0, name.indexOf('/')), tile -> new LinkedHashMap<>())
                    .put(input, array);
              }
            });
    return tiles;
  }

  private List<String> check(PythonEnvironment python, List<String> kept)
      throws IOException, InterruptedException {
    List<String> arguments =
        new ArrayList<>(List.of("-m", "kpconvx_compat.written", directory.toString()));
    arguments.addAll(List.of("--keep", AERIAL, "--export", AERIAL));
    kept.forEach(name -> arguments.addAll(List.of("--keep", name)));
    EXPORTED.forEach(name -> arguments.addAll(List.of("--export", name)));
    return python.run(arguments.toArray(String[]::new)).stream()
        .filter(line -> line.contains("weights equal"))
        .toList();
  }

  private static void assertSameWeights(Path expected, Path found) {
    Map<String, float[]> weights =
        ConvertTest.weights(found, Optional.empty(), KernelPoints.fromFileOnly());
    ConvertTest.weights(expected, Optional.empty(), KernelPoints.fromFileOnly())
        .forEach((name, values) -> assertArrayEquals(values, weights.remove(name), name));
    assertEquals(Map.of(), weights);
  }

  private static Map<String, NpyArray> predict(Model model, Map<String, NpyArray> inputs) {
    return Tensors.with(
        inputs,
        tensors -> {
          try (Prediction prediction = model.predict(tensors)) {
            Map<String, NpyArray> results = new LinkedHashMap<>();
            prediction
                .tensors()
                .forEach((name, tensor) -> results.put(name, Tensors.toArray(tensor)));
            return results;
          }
        });
  }

  /** The largest difference of an output, relative to its value where that is above 1. */
  private static double difference(Map<String, NpyArray> found, Map<String, NpyArray> expected) {
    assertEquals(expected.keySet(), found.keySet());
    double largest = 0;
    for (Map.Entry<String, NpyArray> output : expected.entrySet()) {
      double[] a = output.getValue().toDoubles();
      double[] b = found.get(output.getKey()).toDoubles();
      assertEquals(a.length, b.length);
      for (int i = 0; i < a.length; i++) {
        double difference = Math.abs(a[i] - b[i]) / Math.max(1, Math.abs(a[i]));
        // Not Math.max, so that NaN stays.
        largest = difference > largest || Double.isNaN(difference) ? difference : largest;
      }
    }
    return largest;
  }
}
