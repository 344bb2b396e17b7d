package io.github.kpconvx.inference;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.Fixtures;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.file.StoredModel;
import io.github.kpconvx.layer.KernelPoints;
import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.numpy.NpzFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every form in which Keras stores a model opens in every place that opens a model. */
class StoredFormsTest {
  private static final Path KERAS_2 = Path.of("savedmodels/keras2/keras-2.15.0/batch_norms");

  /** What python-compat/test_files/keras_212.py writes. */
  private static final Path KERAS_212 =
      Path.of("src/test/resources/io/github/kpconvx/keras/keras-2.12.0");

  /** What python-compat/test_files/keras_forms.py writes. */
  private static final Path FORMS = KERAS_212.resolveSibling("forms");

  @TempDir private Path directory;

  /** Keras 2.12's {@code model.save(x, save_format="keras")} writes HDF5 under any name. */
  @ParameterizedTest
  @CsvSource({
    "model.h5, model.keras",
    "model.h5, model",
    "model.h5, model.hdf5",
    "model.keras, model.h5",
    "model.keras, model.zip"
  })
  void theContentTellsTheKindNotTheName(String original, String name) throws IOException {
    Path file = directory.resolve(name);
    Files.copy(KERAS_2.resolve(original), file);
    assertPredicts(KERAS_2, KPConvX.loader(file));
    assertSameDescription(KERAS_2.resolve(original), file);
    assertSameWeights(file, Optional.empty(), KERAS_2.resolve("model.h5"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"model.keras", "model.h5", "weights.h5", "model.weights.h5"})
  void opensFromMemory(String file) throws IOException {
    byte[] content = Files.readAllBytes(KERAS_2.resolve(file));
    KPConvX.Loader loader = KPConvX.loader("from memory", content);
    if (Fixtures.holdsWeightsAlone(file)) {
      loader = loader.withConfig(KerasObject.parse(Fixtures.text(KERAS_2.resolve("config.json"))));
    }
    assertPredicts(KERAS_2, loader);
    Path converted = directory.resolve("converted.weights.h5");
    loader.convert(converted);
    assertTrue(Files.exists(converted));
  }

  @Test
  void whatIsInMemoryAndNoModelIsNamed() {
    for (byte[] content : List.of(new byte[0], new byte[] {1, 2, 3}, new byte[] {'P', 'K', 3, 4})) {
      KPConvX.Loader loader = KPConvX.loader("from memory", content);
      KerasException e = assertThrows(KerasException.class, loader::load);
      assertTrue(e.getMessage().startsWith("from memory is no"), e.getMessage());
    }
  }

  @Test
  void theStoredGraphIsThatOfASavedModelAlone() {
    for (Path file : List.of(FORMS.resolve("unzipped"), FORMS.resolve("model.h5"))) {
      KPConvX.Loader loader = KPConvX.loader(file).withEngine(Engine.SAVEDMODEL);
      KerasException e = assertThrows(KerasException.class, loader::load);
      assertTrue(e.getMessage().contains("runs a SavedModel directory"), e.getMessage());
    }
    KPConvX.Loader nowhere =
        KPConvX.loader(directory.resolve("nowhere")).withEngine(Engine.SAVEDMODEL);
    KerasException e = assertThrows(KerasException.class, nowhere::load);
    assertTrue(e.getMessage().contains("No such file or directory"), e.getMessage());
  }

  /** Weights under a name of whole models. */
  @Test
  void weightsAloneOpenUnderTheNameOfAModel() throws IOException {
    Path file = directory.resolve("weights.keras");
    Files.copy(KERAS_2.resolve("weights.h5"), file);
    KerasObject config = KerasObject.parse(Fixtures.text(KERAS_2.resolve("config.json")));
    assertPredicts(KERAS_2, KPConvX.loader(file).withConfig(config));
    assertSameWeights(file, Optional.of(config), KERAS_2.resolve("model.h5"));
  }

  /** Its zip lists layers that have weights twice. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "hdf5.keras",
        "zip.keras",
        "model.weights.h5",
        "legacy.h5",
        "checkpoint.model.index",
        "checkpoint.model",
        ""
      })
  void everyFormOfKeras212Opens(String name) {
    Path file = KERAS_212.resolve(name);
    Optional<KerasObject> config =
        name.endsWith(".keras")
            ? Optional.empty()
            : Optional.of(KerasObject.parse(Fixtures.text(KERAS_212.resolve("config.json"))));
    KPConvX.Loader loader = loader(file, config);
    assertPredicts(KERAS_212, loader);
    assertSameWeights(file, config, KERAS_212.resolve("hdf5.keras"));
    ModelDescription description =
        config
            .map(own -> ModelDescription.of(file, own))
            .orElseGet(() -> ModelDescription.of(file));
    assertEquals(13, description.layers().size());
    assertEquals(192, description.parameters());
  }

  /** Bare variables, strides and more, in a checkpoint that VL3D's own training left. */
  @Test
  void theCheckpointOfARunOfVl3dHoldsTheWeightsOfItsModel() {
    Path run = Path.of("src/test/resources/vl3d/original/a3_trained");
    Path model = run.resolve("keras-2.12.keras");
    KerasObject config = KPConvX.loader(model).config().orElseThrow();
    KernelPoints none = KernelPoints.fromFileOnly();
    Map<String, float[]> last = ConvertTest.weights(model, Optional.empty(), none);
    Map<String, float[]> found =
        ConvertTest.weights(run.resolve("checkpoint"), Optional.of(config), none);
    assertEquals(last.keySet(), found.keySet());
    last.forEach((name, values) -> assertEquals(values.length, found.get(name).length, name));
    // It is of an earlier epoch; kernel points were not trained.
    List<String> points = last.keySet().stream().filter(name -> name.endsWith("/Q")).toList();
    assertEquals(5, points.size());
    points.forEach(name -> assertArrayEquals(last.get(name), found.get(name), name));
    assertEquals(-0.14377436f, found.get("PreWrap_d1_1/kernel")[0]);
  }

  @Test
  void aCheckpointThatIsCutIsOneError() throws IOException {
    byte[] whole = Files.readAllBytes(KERAS_212.resolve("checkpoint.model.index"));
    Path index = directory.resolve("a.index");
    for (int length = 0; length < whole.length; length += 37) {
      Files.write(index, Arrays.copyOf(whole, length));
      assertRefused(index, index + " is no");
      Files.write(index, Arrays.copyOfRange(whole, whole.length - length, whole.length));
      assertRefused(index, directory.toString());
    }
    Files.write(index, whole);
    assertRefused(index, directory.resolve("a") + ": its objects cannot be read");
  }

  /** A folder in an archive's place, weights in several files, HDF5 whose words name no modules. */
  @ParameterizedTest
  @ValueSource(strings = {"unzipped", "sharded.weights.json", "model.h5"})
  void everyFormOfKeras3Opens(String name) {
    Path file = FORMS.resolve(name);
    Optional<KerasObject> config =
        name.endsWith(".json")
            ? Optional.of(KerasObject.parse(Fixtures.text(FORMS.resolve("config.json"))))
            : Optional.empty();
    assertPredicts(FORMS, loader(file, config));
    assertSameWeights(file, config, FORMS.resolve("model.h5"));
    ModelDescription description =
        config
            .map(own -> ModelDescription.of(file, own))
            .orElseGet(() -> ModelDescription.of(file));
    assertEquals(6, description.layers().size());
    assertEquals(Optional.empty(), description.problem());
    if (config.isEmpty()) {
      assertEquals(Optional.of("3.15.1"), description.kerasVersion());
    }
  }

  /** As it is Keras 3's, it may become an archive. */
  @ParameterizedTest
  @ValueSource(strings = {"unzipped", "model.h5"})
  void whatKeras3WroteBecomesAnArchive(String name) {
    Path archive = directory.resolve("model.keras");
    KPConvX.loader(FORMS.resolve(name)).convert(archive);
    assertPredicts(FORMS, KPConvX.loader(archive));
    assertEquals(Optional.of("3.15.1"), ModelDescription.of(archive).kerasVersion());
    // Without modules Keras finds no class.
    KerasObject config = KPConvX.loader(archive).config().orElseThrow();
    assertEquals(Optional.of("keras.src.models.functional"), config.module());
    for (JsonNode layer : config.configJson().get("layers")) {
      assertTrue(layer.path("module").asText().startsWith("keras"), layer.toString());
    }
  }

  @Test
  void shardsThatAreMissingOrElsewhereAreNamed() throws IOException {
    Path index = directory.resolve("sharded.weights.json");
    Files.copy(FORMS.resolve("sharded.weights.json"), index);
    assertRefused(index, directory.resolve("sharded_00000.weights.h5") + " cannot be read");
    Files.writeString(index, "{\"weight_map\": {\"/vars\": \"../other.weights.h5\"}}");
    assertRefused(index, "\"../other.weights.h5\", expected the name of an .h5 file beside it");
    Files.copy(FORMS.resolve("config.json"), index, StandardCopyOption.REPLACE_EXISTING);
    assertRefused(index, "is JSON without weight_map");
    for (String copy : List.of("a.weights.h5", "b.weights.h5")) {
      Files.copy(FORMS.resolve("unzipped/model.weights.h5"), directory.resolve(copy));
    }
    Files.writeString(index, "{\"weight_map\": {\"/vars\": [\"a.weights.h5\", \"b.weights.h5\"]}}");
    assertRefused(index, "two of its files hold layers/");
  }

  private static void assertRefused(Path file, String reason) {
    KerasException e =
        assertThrows(
            KerasException.class,
            () -> {
              try (StoredModel model = StoredModel.open(file)) {
                model.weights();
              }
            });
    assertTrue(e.getMessage().contains(reason), e.getMessage());
  }

  private static KPConvX.Loader loader(Path file, Optional<KerasObject> config) {
    KPConvX.Loader loader = KPConvX.loader(file);
    return config.map(loader::withConfig).orElse(loader);
  }

  /** Predicts what Python computed. */
  private static void assertPredicts(Path original, KPConvX.Loader loader) {
    Map<String, NpyArray> golden = NpzFile.read(original.resolve("golden.npz"));
    try (Model model = loader.load()) {
      Map<String, NpyArray> found =
          model.predictArrays(
              NpzFile.read(original.resolve("inputs.npz")), model.outputs().keySet());
      found.forEach(
          (name, output) ->
              assertArrayEquals(golden.get(name).toDoubles(), output.toDoubles(), 1e-5, name));
    }
  }

  private static void assertSameDescription(Path original, Path copy) {
    ObjectNode expected = ModelDescription.of(original).toJson();
    ObjectNode found = ModelDescription.of(copy).toJson();
    assertEquals(expected.put("path", copy.toString()), found);
  }

  /** Both when read and when converted to weights alone. */
  private void assertSameWeights(Path file, Optional<KerasObject> config, Path original) {
    KernelPoints none = KernelPoints.fromFileOnly();
    Map<String, float[]> expected = ConvertTest.weights(original, Optional.empty(), none);
    assertEqual(expected, ConvertTest.weights(file, config, none));
    Path converted = directory.resolve("converted.weights.h5");
    KPConvX.Loader loader = loader(file, config);
    loader.convert(converted);
    KerasObject written = loader.config().orElseThrow();
    assertEqual(expected, ConvertTest.weights(converted, Optional.of(written), none));
  }

  private static void assertEqual(Map<String, float[]> expected, Map<String, float[]> found) {
    assertEquals(expected.keySet(), found.keySet());
    expected.forEach((name, values) -> assertArrayEquals(values, found.get(name), name));
  }
}
