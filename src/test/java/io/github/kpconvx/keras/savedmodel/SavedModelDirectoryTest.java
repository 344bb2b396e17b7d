package io.github.kpconvx.keras.savedmodel;

import static io.github.kpconvx.keras.SmallModel.dense;
import static io.github.kpconvx.keras.SmallModel.file;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.WireFormat;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.SmallModel;
import io.github.kpconvx.keras.file.StoredModel;
import io.github.kpconvx.keras.weights.LayerSpec;
import io.github.kpconvx.keras.weights.StoredWeight;
import io.github.kpconvx.keras.weights.WeightSpec;
import io.github.kpconvx.keras.weights.WeightStore;
import io.github.kpconvx.keras.weights.WeightStoreTest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.SavedModel;
import org.tensorflow.proto.SavedObjectGraphOuterClass.SavedObjectGraph;

@Isolated("It counts the native memory of the JVM.")
class SavedModelDirectoryTest {
  private static final String BARE = "bare-3.6.0";

  @TempDir private Path directory;

  @Test
  void tellsVersionsAndSignatures() {
    List<String> tensorFlow = List.of("2.18.0", "2.21.0");
    for (int i = 0; i < 2; i++) {
      SavedModelDirectory model =
          SavedModelDirectory.open(file("bare-" + SmallModel.VERSIONS.get(i)));
      assertEquals(SavedModelDirectory.Writer.KERAS_3_EXPORT, model.writer());
      assertEquals(Optional.of(tensorFlow.get(i)), model.tensorFlowVersion());
      assertEquals(Optional.empty(), model.kerasVersion());
      assertEquals(Optional.empty(), model.config());
      assertEquals(
          List.of("serve", "serving_default"),
          model.signatures().stream().map(Signature::name).toList());
      assertEquals(
          new Signature(
                  "serving_default",
                  List.of(new Signature.Tensor("F", "float32", Shape.of(-1, 4))),
                  List.of(new Signature.Tensor("output_0", "float32", Shape.of(-1, 2))))
              .toString(),
          model.signatures().get(1).toString());
    }
  }

  @Test
  void givesTheConfigurationThatAnExportHelperAdded() throws IOException {
    copy(BARE);
    Path extra = Files.createDirectory(directory.resolve("assets.extra"));
    Files.writeString(
        extra.resolve("keras_config.json"),
        "{\"class_name\": \"Functional\", \"keras_version\": \"3.6.0\"}");
    SavedModelDirectory model = SavedModelDirectory.open(directory);
    assertEquals("Functional", model.config().orElseThrow().get("class_name").textValue());
    assertEquals(Optional.of("3.6.0"), model.kerasVersion());
    Files.writeString(extra.resolve("keras_config.json"), "{");
    assertTrue(
        assertThrows(KerasException.class, model::config).getMessage().contains("no valid JSON"));
  }

  @Test
  void aPlainSavedModelListsItsSignaturesButGivesNoWeights() throws IOException {
    copy("plain");
    SavedModelDirectory plain = SavedModelDirectory.open(directory);
    assertEquals(SavedModelDirectory.Writer.TENSORFLOW, plain.writer());
    assertEquals(
        List.of(new Signature.Tensor("x", "float32", Shape.of(-1, 2))).toString(),
        plain.signatures().get(0).inputs().toString());
    WeightStoreTest.refuses(
        directory, "'TensorFlow save'", "does not tell what its variables are", "model.export");
  }

  @Test
  void bareVariablesAreFoundByTheirLayersNameOrByExclusion() {
    List<LayerSpec> layers = new ArrayList<>(SmallModel.spec(false).sublayers().get("layers"));
    layers.set(2, SmallModel.kpconvx("renamed", false));
    try (StoredModel storeFile = StoredModel.open(file(BARE));
        WeightStore store = storeFile.weights()) {
      var found = store.match(LayerSpec.network("Functional", layers));
      assertEquals("kp/Q", found.get("renamed/Q").name());
      assertEquals("kp_conv_x_layer/Q", found.get("kp_conv_x_layer/Q").name());
    }
    layers.set(4, SmallModel.kpconvx("renamed_too", false));
    WeightStoreTest.refuses(
        file(BARE),
        LayerSpec.network("Functional", layers),
        "weight renamed/Q of shape [3, 3] could be any of",
        "'kp/Q' in _all_variables/",
        "expected one, or one named after its layer");
  }

  @Test
  void errorsNameWeightAndShapes() {
    replaced(2, wide(), "weight kp/W is stored with shape [2, 3, 4] ('kp/W' in variables/2)");
    replaced(
        6, dense("head", 4, 3), "weight head/kernel is stored with shape [4, 2] ('head/kernel'");
    replaced(
        6,
        new LayerSpec("head", "Dense", List.of(WeightSpec.of("kernel", true, 4, 2))),
        "holds a surplus weight 'head/bias' in variables/");
    replaced(
        6,
        new LayerSpec(
            "head",
            "Dense",
            List.of(
                WeightSpec.of("kernel", true, 4, 2),
                WeightSpec.of("bias", true, 2),
                WeightSpec.of("more", true, 2))),
        "weight head/more of shape [2] is missing");
    replaced(2, withoutQ(), "holds a surplus weight 'kp/Q' in _all_variables/");
    replaced(2, misshapenQ(), "weight kp/Q is stored with shape [3, 3]", "expected [4, 3]");
  }

  private static LayerSpec wide() {
    return new LayerSpec("kp", "KPConvXLayer", List.of(WeightSpec.of("W", true, 2, 3, 5)));
  }

  private static LayerSpec withoutQ() {
    LayerSpec layer = SmallModel.kpconvx("kp", false);
    return new LayerSpec("kp", "KPConvXLayer", layer.weights().subList(1, 3), layer.sublayers());
  }

  private static LayerSpec misshapenQ() {
    LayerSpec layer = SmallModel.kpconvx("kp", false);
    List<WeightSpec> weights = new ArrayList<>(layer.weights());
    weights.set(0, new WeightSpec("Q", Shape.of(4, 3), false, true));
    return new LayerSpec("kp", "KPConvXLayer", weights, layer.sublayers());
  }

  private static void replaced(int index, LayerSpec layer, String... parts) {
    List<LayerSpec> layers = new ArrayList<>(SmallModel.spec(false).sublayers().get("layers"));
    layers.set(index, layer);
    WeightStoreTest.refuses(file(BARE), LayerSpec.network("Functional", layers), parts);
  }

  /** What a store makes of two weights of one shape that are called so in the file. */
  private Map<String, StoredWeight> named(LayerSpec model, String... names) {
    List<SavedVariables.Variable> variables = new ArrayList<>();
    for (String name : names) {
      variables.add(
          new SavedVariables.Variable(
              "variables/" + variables.size(), name, Shape.of(2), "float32", true));
    }
    try (WeightStore store =
        new SavedModelWeightStore(directory, new SavedVariables(variables, List.of()))) {
      return store.match(model);
    }
  }

  private static LayerSpec pair(String layer, String first, String second) {
    return new LayerSpec(
        layer, "Any", List.of(WeightSpec.of(first, true, 2), WeightSpec.of(second, true, 2)));
  }

  @Test
  void namesCountOnlyWhereTheySpeakTheModelsLanguage() {
    LayerSpec dense = LayerSpec.network("Functional", List.of(pair("d", "kernel", "bias")));
    assertEquals(2, named(dense, "x/kernel", "x/bias").size());
    assertEquals(2, named(dense, "x/weight", "x/offset").size());
    misnamed(dense, "weight d/kernel is 'x/bias'", "x/bias", "x/kernel");
    LayerSpec beta = LayerSpec.network("Functional", List.of(pair("n", "beta", "moving_mean")));
    misnamed(beta, "weight n/beta is 'n/gamma'", "n/gamma", "n/moving_mean");
    // Another implementation's phi is the matrix, not the bias.
    LayerSpec phi = LayerSpec.network("Functional", List.of(pair("k", "Phi", "phi")));
    assertEquals("k/phi", named(phi, "k/phi", "k/phi_bias").get("k/Phi").name());
    assertEquals("k/kernel", named(phi, "k/kernel", "k/bias").get("k/Phi").name());
    misnamed(phi, "weight k/Phi is 'k/phi'", "k/phi", "k/Phi");
  }

  @Test
  void layersStoredInAnotherOrderAreRefused() {
    LayerSpec model =
        LayerSpec.network("Functional", List.of(pair("a", "u", "v"), pair("b", "u", "v")));
    assertEquals(4, named(model, "a/u", "a/v", "b/u", "b/v").size());
    assertEquals(4, named(model, "b/u", "b/v", "c/u", "c/v").size());
    misnamed(model, "a name that begins with a", "b/u", "b/v", "a/u", "a/v");
  }

  private void misnamed(LayerSpec model, String part, String... names) {
    KerasException e = assertThrows(KerasException.class, () -> named(model, names));
    assertTrue(e.getMessage().contains(part), e.getMessage());
    assertTrue(e.getMessage().contains("another order"), e.getMessage());
  }

  @ParameterizedTest
  @ValueSource(doubles = {0.0001, 0.01, 0.5, 0.9, 0.99999})
  void aCutGraphIsOneError(double part) throws IOException {
    copy(BARE);
    cut("saved_model.pb", part);
    WeightStoreTest.refuses(directory, "saved_model.pb is damaged or unreadable");
  }

  @Test
  void aGroupThatEndsBeforeItBeginsIsOneError() throws IOException {
    copy(BARE);
    Path file = directory.resolve("saved_model.pb");
    byte[] endOfGroup = {(2 << 3) | WireFormat.WIRETYPE_END_GROUP};
    Files.write(file, endOfGroup, StandardOpenOption.APPEND);
    WeightStoreTest.refuses(directory, "saved_model.pb is damaged or unreadable");
  }

  @Test
  void anEmptyGraphIsOneError() throws IOException {
    copy(BARE);
    cut("saved_model.pb", 0);
    WeightStoreTest.refuses(directory, "holds no graph with the tag 'serve'", "tags []");
  }

  @Test
  void aGraphThatContradictsItselfIsOneError() throws IOException {
    copy(BARE);
    Path file = directory.resolve("saved_model.pb");
    SavedModel.Builder model = SavedModel.parseFrom(Files.readAllBytes(file)).toBuilder();
    SavedObjectGraph.Builder graph = model.getMetaGraphsBuilder(0).getObjectGraphDefBuilder();
    graph.getNodesBuilder(0).getChildrenBuilder(0).setNodeId(99_999);
    Files.write(file, model.build().toByteArray());
    WeightStoreTest.refuses(directory, "object variables is number 99999, expected one of");
    graph.getNodesBuilder(0).getChildrenBuilder(0).setNodeId(0);
    Files.write(file, model.build().toByteArray());
    WeightStoreTest.refuses(directory, "variables is no list: it has the attribute '");
  }

  @Test
  void aMissingCheckpointIsOneError() throws IOException {
    copy(BARE);
    Files.delete(directory.resolve("variables/variables.index"));
    WeightStoreTest.refuses(
        directory, "has no variables.index, found variables.data-00000-of-00001");
  }

  @ParameterizedTest
  @CsvSource({
    "variables.index, 0",
    "variables.index, 0.5",
    "variables.index, 0.99",
    "variables.data-00000-of-00001, 0",
    "variables.data-00000-of-00001, 0.05"
  })
  void aCutCheckpointIsOneErrorOnReading(String name, double part) throws IOException {
    copy(BARE);
    cut("variables/" + name, part);
    try (StoredModel storeFile = StoredModel.open(directory);
        WeightStore store = storeFile.weights()) {
      var found = store.match(SmallModel.spec(false));
      KerasException e =
          assertThrows(KerasException.class, () -> found.values().forEach(SmallModel::values));
      assertTrue(e.getMessage().contains("the value of variables/"), e.getMessage());
      assertTrue(e.getMessage().contains(directory.toString()), e.getMessage());
      assertEquals(1, e.getMessage().lines().count(), e.getMessage());
    }
  }

  @Test
  void readingAndFailingToReadLeaveNoNativeMemory() throws IOException {
    copy(BARE);
    cut("variables/variables.data-00000-of-00001", 0.05);
    readAll();
    long before = Pointer.totalCount();
    readAll();
    // Not "equal": the garbage collector may free what other tests left.
    assertTrue(Pointer.totalCount() <= before, () -> Pointer.totalCount() + " > " + before);
  }

  private void readAll() {
    for (Path path : List.of(directory, file(BARE))) {
      try (StoredModel storeFile = StoredModel.open(path);
          WeightStore store = storeFile.weights()) {
        store.match(SmallModel.spec(false)).values().forEach(SmallModel::values);
      } catch (KerasException e) {
        assertEquals(directory, path);
      }
    }
  }

  @Test
  void aCheckpointThatDisagreesWithTheGraphIsOneError() throws IOException {
    copy(BARE);
    Path file = directory.resolve("saved_model.pb");
    SavedModel.Builder model = SavedModel.parseFrom(Files.readAllBytes(file)).toBuilder();
    SavedObjectGraph.Builder graph = model.getMetaGraphsBuilder(0).getObjectGraphDefBuilder();
    for (var node : graph.getNodesBuilderList()) {
      if (node.hasVariable() && node.getVariable().getName().equals("head/bias")) {
        node.getVariableBuilder().getShapeBuilder().getDimBuilder(0).setSize(5);
      }
    }
    Files.write(file, model.build().toByteArray());
    List<LayerSpec> layers = new ArrayList<>(SmallModel.spec(false).sublayers().get("layers"));
    layers.set(
        6,
        new LayerSpec(
            "head",
            "Dense",
            List.of(WeightSpec.of("kernel", true, 4, 2), WeightSpec.of("bias", true, 5))));
    try (StoredModel storeFile = StoredModel.open(directory);
        WeightStore store = storeFile.weights()) {
      StoredWeight bias = store.match(LayerSpec.network("Functional", layers)).get("head/bias");
      KerasException e = assertThrows(KerasException.class, bias::read);
      assertTrue(
          e.getMessage().contains("with shape [2], expected [5] as saved_model.pb declares"),
          e.getMessage());
    }
  }

  @Test
  void otherDataTypesAreRefusedByName() {
    SavedVariables.Variable half =
        new SavedVariables.Variable("variables/0", "d/kernel", Shape.of(2), "float16", true);
    try (WeightStore store =
        new SavedModelWeightStore(directory, new SavedVariables(List.of(half), List.of()))) {
      LayerSpec layer = new LayerSpec("d", "Dense", List.of(WeightSpec.of("kernel", true, 2)));
      KerasException e =
          assertThrows(
              KerasException.class,
              () -> store.match(LayerSpec.network("Functional", List.of(layer))));
      assertTrue(
          e.getMessage().contains("weight d/kernel of shape [2] is stored as float16"),
          e.getMessage());
      assertThrows(KerasException.class, () -> store.weights().get(0).read());
    }
  }

  private void cut(String name, double part) throws IOException {
    Path path = directory.resolve(name);
    byte[] whole = Files.readAllBytes(path);
    Files.write(path, Arrays.copyOf(whole, (int) (whole.length * part)));
  }

  private void copy(String name) throws IOException {
    Path source = file(name);
    try (Stream<Path> files = Files.walk(source)) {
      for (Path path : files.filter(path -> !path.equals(source)).toList()) {
        Files.copy(path, directory.resolve(source.relativize(path).toString()));
      }
    }
  }
}
