package io.github.kpconvx.inference;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.kpconvx.Fixtures;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.file.KerasArchive;
import io.github.kpconvx.keras.file.StoredModel;
import io.github.kpconvx.keras.savedmodel.SavedModelDirectory;
import io.github.kpconvx.keras.weights.WeightStore;
import io.github.kpconvx.layer.KernelPoints;
import io.github.kpconvx.layer.KernelPointsTarget;
import io.github.kpconvx.layer.Mode;
import io.github.kpconvx.layer.WeightLoader;
import io.github.kpconvx.network.Network;
import io.github.kpconvx.network.WriteOptions;
import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.numpy.NpzFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.Graph;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/** Models of every kind of file, written as every kind of file. */
class ConvertTest {
  @TempDir private Path directory;

  static Stream<Path> cases() {
    return Fixtures.representatives().filter(path -> !isOfKeras2(path));
  }

  static Stream<Path> otherCases() {
    return Fixtures.others().filter(path -> !isOfKeras2(path));
  }

  static Stream<Path> casesOfKeras2() {
    return Fixtures.representatives().filter(ConvertTest::isOfKeras2);
  }

  static Stream<Path> otherCasesOfKeras2() {
    return Fixtures.others().filter(ConvertTest::isOfKeras2);
  }

  private static boolean isOfKeras2(Path original) {
    return original.startsWith("savedmodels/keras2");
  }

  /**
   * Writes a case of {@code savedmodels/parity} anew, from its SavedModel to a {@code .keras}, from
   * that to a {@code .weights.h5}, and from that to a SavedModel.
   */
  static void rewrite(Path original, Path copy) throws IOException {
    Files.createDirectories(copy);
    for (String file : List.of("config.json", "inputs.npz", "golden.npz")) {
      Files.copy(original.resolve(file), copy.resolve(file));
    }
    KerasObject config = KerasObject.parse(Fixtures.text(original.resolve("config.json")));
    KernelPointsTarget tables =
        (layer, weight, points) ->
            Optional.of(copy.resolve("kernel_points_" + layer.name() + ".csv"));
    Path archive = copy.resolve("model.keras");
    Path weights = copy.resolve("model.weights.h5");
    KPConvX.loader(original.resolve("saved_model"))
        .convert(archive, new WriteOptions(false, tables));
    KernelPoints points = ParityTest.kernelPoints(copy);
    KPConvX.loader(archive)
        .withKernelPoints(points)
        .convert(weights, new WriteOptions(true, tables));
    KPConvX.loader(weights)
        .withKernelPoints(points)
        .withConfig(config)
        .convert(copy.resolve("saved_model"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void thereAndBackEveryBitIsTheSame(Path original) throws IOException {
    rewrite(original, directory);
    Map<String, float[]> expected =
        weights(original.resolve("saved_model"), Optional.empty(), KernelPoints.fromFileOnly());
    JsonNode config = json(original.resolve("config.json"));
    KerasObject object = KerasObject.of(config);
    KernelPoints points = ParityTest.kernelPoints(directory);
    for (String file : List.of("saved_model", "model.keras", "model.weights.h5")) {
      Map<String, float[]> found =
          weights(
              directory.resolve(file),
              file.endsWith(".h5") ? Optional.of(object) : Optional.empty(),
              points);
      assertEquals(expected.keySet(), found.keySet(), file);
      expected.forEach((name, values) -> assertArrayEquals(values, found.get(name), file + name));
    }
    assertEquals(config, savedConfig(directory.resolve("saved_model")));
    try (KerasArchive archive = KerasArchive.open(directory.resolve("model.keras"))) {
      assertEquals(config, archive.config());
    }
    ParityTest parity = new ParityTest();
    parity.storedSignatureAgrees(directory);
    parity.nativeEngineAgreesStageByStage(directory, "saved_model");
  }

  /** What goes into an archive too, which Keras 2 reads. */
  @ParameterizedTest(name = "{0}")
  @MethodSource("casesOfKeras2")
  void whatKeras2WroteBecomesEachKindOfFile(Path original) throws IOException {
    for (String file : List.of("inputs.npz", "golden.npz")) {
      Files.copy(original.resolve(file), directory.resolve(file));
    }
    Path source = original.resolve("saved_model");
    Path archive = directory.resolve("model.keras");
    Path weights = directory.resolve("model.weights.h5");
    Path savedModel = directory.resolve("saved_model");
    KernelPointsTarget tables =
        (layer, weight, points) ->
            Optional.of(directory.resolve("kernel_points_" + layer.name() + ".csv"));
    KPConvX.loader(source).convert(archive);
    KerasObject config = KPConvX.loader(source).config().orElseThrow();
    KPConvX.loader(source).convert(weights, new WriteOptions(false, tables));
    KernelPoints points = ParityTest.kernelPoints(directory);
    KPConvX.loader(weights).withKernelPoints(points).withConfig(config).convert(savedModel);

    Map<String, float[]> expected = weights(source, Optional.empty(), KernelPoints.fromFileOnly());
    assertEqualWeights(expected, weights(archive, Optional.empty(), KernelPoints.fromFileOnly()));
    assertEqualWeights(expected, weights(weights, Optional.of(config), points));
    assertEqualWeights(
        expected, weights(savedModel, Optional.empty(), KernelPoints.fromFileOnly()));
    assertEquals(config, KPConvX.loader(savedModel).config().orElseThrow());
    ParityTest parity = new ParityTest();
    parity.storedSignatureAgrees(directory);
    Map<String, NpyArray> golden = NpzFile.read(directory.resolve("golden.npz"));
    try (Model model = KPConvX.load(savedModel)) {
      Map<String, NpyArray> found =
          model.predictArrays(
              NpzFile.read(directory.resolve("inputs.npz")), model.outputs().keySet());
      found.forEach(
          (name, output) ->
              assertArrayEquals(golden.get(name).toDoubles(), output.toDoubles(), 1e-5, name));
    }
  }

  @Tag(Fixtures.FULL)
  @ParameterizedTest(name = "{0}")
  @MethodSource("otherCases")
  void thereAndBackEveryBitOfTheOthersIsTheSame(Path original) throws IOException {
    thereAndBackEveryBitIsTheSame(original);
  }

  @Tag(Fixtures.FULL)
  @ParameterizedTest(name = "{0}")
  @MethodSource("otherCasesOfKeras2")
  void theOthersThatKeras2WroteBecomeEachKindOfFile(Path original) throws IOException {
    whatKeras2WroteBecomesEachKindOfFile(original);
  }

  private static void assertEqualWeights(
      Map<String, float[]> expected, Map<String, float[]> found) {
    assertEquals(expected.keySet(), found.keySet());
    expected.forEach((name, values) -> assertArrayEquals(values, found.get(name), name));
  }

  private static JsonNode json(Path file) {
    return KerasObject.parseJson(Fixtures.text(file));
  }

  private static JsonNode savedConfig(Path savedModel) {
    return SavedModelDirectory.open(savedModel).config().orElseThrow();
  }

  /** Every weight of a file by its qualified name. */
  static Map<String, float[]> weights(
      Path file, Optional<KerasObject> config, KernelPoints kernelPoints) {
    KPConvX.Loader loader =
        config.map(KPConvX.loader(file)::withConfig).orElseGet(() -> KPConvX.loader(file));
    try (StoredModel storeFile = StoredModel.open(file);
        WeightStore store = storeFile.weights();
        Graph graph = new Graph()) {
      Network network = loader.network(storeFile);
      network.build(Ops.create(graph), Mode.INFERENCE);
      Map<String, float[]> values = new LinkedHashMap<>();
      WeightLoader.read(network.layers(), network.match(store), kernelPoints)
          .forEach(
              (name, tensor) -> {
                try (tensor) {
                  float[] copy = new float[(int) tensor.size()];
                  ((TFloat32) tensor).copyTo(DataBuffers.of(copy));
                  values.put(name, copy);
                }
              });
      return values;
    }
  }
}
