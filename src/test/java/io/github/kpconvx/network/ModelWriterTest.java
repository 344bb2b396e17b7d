package io.github.kpconvx.network;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.Fixtures;
import io.github.kpconvx.inference.StandardLayers;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.file.KerasArchive;
import io.github.kpconvx.keras.file.StoredModel;
import io.github.kpconvx.keras.savedmodel.SavedModelDirectory;
import io.github.kpconvx.keras.weights.StoredWeight;
import io.github.kpconvx.keras.weights.WeightStore;
import io.github.kpconvx.layer.KernelPoints;
import io.github.kpconvx.layer.KernelPointsTarget;
import io.github.kpconvx.layer.vl3d.KPConvXLayer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.Graph;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

class ModelWriterTest {
  private static final WriteOptions REPLACING = WriteOptions.DEFAULT.withReplacing(true);

  private static final String CONFIG =
      """
      {"module": "keras", "class_name": "Functional", "registered_name": "Functional",
       "config": {"name": "tiny", "trainable": true, "layers": [
         {"module": "keras.layers", "class_name": "InputLayer", "registered_name": null, "name": "x y",
          "config": {"batch_shape": [null, 2], "dtype": "float32", "name": "x y"}, "inbound_nodes": []},
         {"module": "keras.layers", "class_name": "Dense", "registered_name": null, "name": "größe",
          "config": {"name": "größe", "trainable": true, "units": 1, "use_bias": false},
          "inbound_nodes": [{"args": [{"class_name": "__keras_tensor__",
            "config": {"shape": [null, 2], "dtype": "float32", "keras_history": ["x y", 0, 0]}}],
            "kwargs": {}}]}],
       "input_layers": [["x y", 0, 0]], "output_layers": [["größe", 0, 0]]},
       "note": [NaN, Infinity, 1.0, 1, 1e-07, "ß"]}
      """;

  private static final String WEIGHT = "größe/kernel";

  @TempDir private Path folder;
  private final List<TFloat32> tensors = new ArrayList<>();

  @AfterEach
  void close() {
    tensors.forEach(TFloat32::close);
  }

  private TFloat32 tensor(Shape shape, float... values) {
    TFloat32 tensor = TFloat32.tensorOf(shape, DataBuffers.of(values));
    tensors.add(tensor);
    return tensor;
  }

  /** A signalling NaN, a denormal, a negative zero: bits that arithmetic does not keep. */
  private Map<String, TFloat32> weights() {
    return Map.of(WEIGHT, tensor(Shape.of(2, 1), Float.intBitsToFloat(0x7f800001), -0f));
  }

  private static ModelWriter writer() {
    return ModelWriter.of(KerasObject.parse(CONFIG), StandardLayers.registry());
  }

  private static void refused(String reason, Runnable write) {
    KerasException e = assertThrows(KerasException.class, write::run);
    assertTrue(e.getMessage().contains(reason), e.getMessage());
    assertEquals(1, e.getMessage().lines().count(), e.getMessage());
  }

  private static int[] bits(StoredWeight weight) {
    try (TFloat32 value = (TFloat32) weight.read()) {
      int[] bits = new int[(int) value.size()];
      value.asRawTensor().data().asInts().read(bits);
      return bits;
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"model.keras", "model.weights.h5", "model"})
  void everyBitIsKept(String name) {
    Path target = folder.resolve(name);
    writer().withKerasVersion("3.9.9").write(target, weights());
    try (StoredModel storeFile = StoredModel.open(target);
        WeightStore store = storeFile.weights()) {
      assertEquals(1, store.weights().size());
      assertArrayEquals(new int[] {0x7f800001, 0x80000000}, bits(store.weights().get(0)));
    }
    assertEquals(List.of(target), Fixtures.files(folder));
  }

  @Test
  void theConfigurationIsKept() {
    writer().withKerasVersion("3.9.9").write(folder.resolve("model.keras"), weights());
    writer().withKerasVersion("3.9.9").write(folder.resolve("model"), weights());
    KerasObject expected = KerasObject.parse(CONFIG);
    try (KerasArchive archive = KerasArchive.open(folder.resolve("model.keras"))) {
      assertEquals(expected.json(), archive.config());
      assertEquals("3.9.9", archive.kerasVersion());
      assertTrue(archive.dateSaved().orElseThrow().matches("\\d{4}-\\d\\d-\\d\\d@[\\d:]{8}"));
    }
    SavedModelDirectory savedModel = SavedModelDirectory.open(folder.resolve("model"));
    assertEquals(expected.json(), savedModel.config().orElseThrow());
    assertEquals("3.9.9", savedModel.kerasVersion().orElseThrow());
    assertEquals(SavedModelDirectory.Writer.KPCONVX_TENSORFLOW, savedModel.writer());
    assertEquals("2.18.0", savedModel.tensorFlowVersion().orElseThrow());
    assertEquals(
        List.of("serve", "serving_default"),
        savedModel.signatures().stream().map(signature -> signature.name()).toList());
    savedModel
        .signatures()
        .forEach(
            signature -> {
              assertEquals("x y", signature.inputs().get(0).name());
              assertArrayEquals(new long[] {-1, 2}, signature.inputs().get(0).shape().asArray());
              assertEquals("output_0", signature.outputs().get(0).name());
              assertArrayEquals(new long[] {-1, 1}, signature.outputs().get(0).shape().asArray());
            });
  }

  @ParameterizedTest
  @ValueSource(strings = {"model.keras", "model.weights.h5", "model"})
  void whatIsThereIsReplacedOnlyWhereThatIsAskedFor(String name) {
    Path target = folder.resolve(name);
    writer().write(target, weights());
    Map<String, TFloat32> others = Map.of(WEIGHT, tensor(Shape.of(2, 1), 1, 2));
    refused("exists; it is left as it is", () -> writer().write(target, others));
    refused(
        "exists; it is left as it is",
        () -> writer().write(target, others, REPLACING.withReplacing(false)));
    writer().write(target, others, REPLACING);
    try (StoredModel storeFile = StoredModel.open(target);
        WeightStore store = storeFile.weights()) {
      assertArrayEquals(
          new int[] {Float.floatToIntBits(1), Float.floatToIntBits(2)},
          bits(store.weights().get(0)));
    }
    assertEquals(List.of(target), Fixtures.files(folder));
  }

  @Test
  void nothingOfAnotherKindIsReplaced() throws IOException {
    Path directory = Files.createDirectory(folder.resolve("model.keras"));
    refused(
        "is a directory, which a file does not replace",
        () -> writer().write(directory, weights(), REPLACING));
    Path file = Files.writeString(folder.resolve("model"), "text");
    refused(
        "is a file, which a SavedModel directory does not replace",
        () -> writer().write(file, weights(), REPLACING));
    Path documents = Files.createDirectory(folder.resolve("documents"));
    writer().write(documents, weights(), REPLACING);
    Files.writeString(documents.resolve("letter.txt"), "text");
    refused(
        "holds more than a SavedModel, which would be lost: letter.txt",
        () -> writer().write(documents, weights(), REPLACING));
    assertEquals("text", Fixtures.text(documents.resolve("letter.txt")));
  }

  @Test
  void saysWhereItCannotWrite() {
    refused(
        "there is no folder " + folder.resolve("no"),
        () -> writer().write(folder.resolve("no/model.keras"), weights()));
    for (String name : List.of("model.h5", "model.hdf5")) {
      refused(
          "expected a name that ends in .weights.h5 or .keras",
          () -> writer().write(folder.resolve(name), weights()));
    }
    assertEquals(List.of(), Fixtures.files(folder));
  }

  @ParameterizedTest
  @EnabledOnOs(OS.LINUX)
  @ValueSource(strings = {"model.keras", "model.weights.h5", "model"})
  void aFolderThatTakesNoFilesIsAnError(String name) throws IOException {
    // Not even its owner may write to this one.
    refused("cannot be written", () -> writer().write(Path.of("/proc", name), weights()));
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("r-xr-xr-x"));
    assumeTrue(!Files.isWritable(folder), "run by somebody who may write everywhere");
    refused(
        "cannot be written: permission denied",
        () -> writer().write(folder.resolve(name), weights()));
  }

  @Test
  void theWeightsHaveToBeTheModels() {
    Path target = folder.resolve("model.keras");
    refused("missing are [größe/kernel], surplus are []", () -> writer().write(target, Map.of()));
    Map<String, TFloat32> more = new LinkedHashMap<>(weights());
    more.put("dense/bias", tensor(Shape.of(1), 1));
    refused("missing are [], surplus are [dense/bias]", () -> writer().write(target, more));
    Map<String, TFloat32> misshapen = Map.of(WEIGHT, tensor(Shape.of(1, 2), 1, 2));
    refused(
        "Weight größe/kernel to write has shape [1, 2], expected [2, 1]",
        () -> writer().write(target, misshapen));
    assertEquals(List.of(), Fixtures.files(folder));
  }

  @ParameterizedTest
  @ValueSource(strings = {"model.keras", "model.weights.h5", "model"})
  void aModelWithoutWeights(String name) {
    Path target = folder.resolve(name);
    String config =
        CONFIG
            .replace("\"class_name\": \"Dense\"", "\"class_name\": \"LeakyReLU\"")
            .replace("\"units\": 1, \"use_bias\": false", "\"negative_slope\": 0.5");
    ModelWriter.of(KerasObject.parse(config), StandardLayers.registry()).write(target, Map.of());
    try (StoredModel storeFile = StoredModel.open(target);
        WeightStore store = storeFile.weights()) {
      assertEquals(List.of(), store.weights());
    }
  }

  /** The layer of a model, its weights and, for the original's class, its bare kernel points. */
  private record Single(KerasObject layer, Map<String, TFloat32> weights) {}

  private Single single(String fixture) {
    Path model = Fixtures.of(fixture);
    KerasObject config = KerasObject.parse(Fixtures.text(model.resolve("config.json")));
    KerasObject layer =
        config.config().elements("layers").stream()
            .filter(json -> json.path("class_name").asText().equals("KPConvXLayer"))
            .map(KerasObject::of)
            .findFirst()
            .orElseThrow();
    ObjectNode alone = layer.json();
    alone.remove(List.of("name", "inbound_nodes", "build_config"));
    Map<String, TFloat32> weights = new LinkedHashMap<>();
    try (StoredModel storeFile = StoredModel.open(model.resolve("saved_model"));
        WeightStore store = storeFile.weights()) {
      // Named conv/W, conv/batch_normalization/gamma: told apart by their order.
      try (Graph graph = new Graph()) {
        Network network = Network.of(config, StandardLayers.registry());
        network.build(Ops.create(graph), io.github.kpconvx.layer.Mode.INFERENCE);
        network.match(store).forEach((name, stored) -> weights.put(name, (TFloat32) stored.read()));
      }
    }
    tensors.addAll(weights.values());
    return new Single(KerasObject.of(alone), weights);
  }

  @Test
  void aLayerAloneIsWrittenAsKerasSavesALayer() {
    Single single = single("deformable");
    Path target = folder.resolve("layer.keras");
    ModelWriter.of(single.layer(), StandardLayers.registry()).write(target, single.weights());
    try (KerasArchive archive = KerasArchive.open(target);
        WeightStore store = archive.weights()) {
      ObjectNode found = (ObjectNode) archive.config();
      assertEquals(
          "{\"input_shape\":[[null,null,3],[null,null,16],[null,null,null]]}",
          found.remove("build_config").toString());
      assertEquals(single.layer().json(), found);
      Set<String> places = new LinkedHashSet<>();
      store.weights().forEach(weight -> places.add(weight.path().replaceAll("\\d+$", "#")));
      assertEquals(
          Set.of(
              "vars/#",
              "bn_phi/batch_normalization/vars/#",
              "bn_phi/batch_normalization_1/vars/#",
              "bn_htilde/batch_normalization/vars/#",
              "bn_htilde/batch_normalization_1/vars/#",
              "bn_hhat/batch_normalization/vars/#",
              "bn_hhat/batch_normalization_1/vars/#"),
          places);
    }
    Map<String, TFloat32> incomplete = new LinkedHashMap<>(single.weights());
    incomplete.remove("conv/W");
    refused(
        "\"conv\": there is no weight W of shape (2, 21, D)",
        () ->
            ModelWriter.of(single.layer(), StandardLayers.registry())
                .write(folder.resolve("b.keras"), incomplete));
  }

  @Test
  void bareKernelPointsAreNeverLost() throws IOException {
    Single single = single("original");
    ModelWriter writer = ModelWriter.of(single.layer(), StandardLayers.registry());
    Path archive = folder.resolve("layer.keras");
    Path csv = folder.resolve("Q.csv");
    refused(
        "its kernel points Q stand outside of Keras's weights",
        () -> writer.write(archive, single.weights()));
    refused(
        "leave them out by the name FibonacciShellInitializer",
        () -> writer.write(folder.resolve("layer.weights.h5"), single.weights()));
    writer.write(folder.resolve("layer"), single.weights());
    try (StoredModel storeFile = StoredModel.open(folder.resolve("layer"));
        WeightStore store = storeFile.weights()) {
      StoredWeight last = store.weights().get(store.weights().size() - 1);
      assertEquals("conv/Q", last.name());
      assertTrue(last.isUntracked());
    }
    WriteOptions recomputed =
        WriteOptions.DEFAULT.withKernelPoints(KernelPointsTarget.recomputed());
    writer.write(folder.resolve("recomputable.keras"), single.weights(), recomputed);

    TFloat32 trained = single.weights().get("conv/Q");
    trained.setFloat(0.1f, 2, 1);
    refused("differ by up to", () -> writer.write(archive, single.weights(), recomputed));
    KerasException e =
        assertThrows(KerasException.class, () -> writer.write(archive, single.weights()));
    assertTrue(!e.getMessage().contains("FibonacciShellInitializer"), e.getMessage());
    WriteOptions toCsv = WriteOptions.DEFAULT.withKernelPoints(KernelPointsTarget.toCsv(csv));
    writer.write(archive, single.weights(), toCsv);
    KPConvXLayer layer = new KPConvXLayer(single.layer());
    try (Graph graph = new Graph()) {
      long d = single.weights().get(layer.name() + "/W").shape().get(2);
      layer.build(Ops.create(graph), (int) d);
    }
    try (TFloat32 read = KernelPoints.fromCsv(csv).of(layer, layer.ownVariables().get("Q"))) {
      assertEquals(trained, read);
    }
    refused(
        "Q.csv exists", () -> writer.write(folder.resolve("other.keras"), single.weights(), toCsv));
    // Where the class in Python holds Q as a weight, the file holds it too.
    writer.withUntrackedWeights(Set.of()).write(folder.resolve("weight.keras"), single.weights());
    try (StoredModel storeFile = StoredModel.open(folder.resolve("weight.keras"));
        WeightStore store = storeFile.weights()) {
      assertEquals(single.weights().size(), store.weights().size());
    }
  }
}
