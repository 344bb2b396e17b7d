package io.github.kpconvx.keras.savedmodel;

import static io.github.kpconvx.keras.SmallModel.dense;
import static io.github.kpconvx.keras.SmallModel.file;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnknownFieldSet;
import com.google.protobuf.UnknownFieldSet.Field;
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
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.SavedModel;
import org.tensorflow.proto.SavedObjectGraphOuterClass.SavedObject;
import org.tensorflow.proto.SavedObjectGraphOuterClass.SavedObjectGraph;
import org.tensorflow.proto.TrackableObjectGraphOuterClass.TrackableObjectGraph.TrackableObject.ObjectReference;

/** SavedModels of Keras 2's {@code model.save}, sound and hostile. */
class Keras2WeightStoreTest {
  private static final Path SOUND = file("frozen-2.15.0");
  private static final String METADATA = "keras_metadata.pb";

  @TempDir private Path directory;

  @BeforeEach
  void copy() throws IOException {
    try (Stream<Path> files = Files.walk(SOUND)) {
      for (Path path : files.filter(path -> !path.equals(SOUND)).toList()) {
        Files.copy(path, directory.resolve(SOUND.relativize(path).toString()));
      }
    }
  }

  @Test
  void tellsWhatItIs() {
    StoredModel model = StoredModel.open(SOUND);
    assertEquals("SavedModel (Keras 2 save)", model.format());
    assertEquals(Optional.of("2.15.0"), model.kerasVersion());
    assertEquals(Optional.of("2.15.1"), model.tensorFlowVersion());
    assertEquals("Functional", model.config().orElseThrow().className());
    assertTrue(model.isOfKeras());
  }

  @Test
  void errorsNameWeightsLayersAndShapes() {
    refuses(
        0,
        dense("trunk", 4, 4),
        "there is no layer 'trunk', found F, stem, kp, dropout, kp_conv_x_layer, neck, head");
    refuses(
        6, dense("head", 4, 3), "weight head/kernel is stored with shape [4, 2] ('head/kernel' in");
    refuses(
        6,
        new LayerSpec("head", "Dense", List.of(WeightSpec.of("kernel", true, 4, 2))),
        "holds a surplus weight 'head/bias'");
    refuses(
        6,
        new LayerSpec("head", "Dense", List.of(WeightSpec.of("matrix", true, 4, 2))),
        "head/matrix is missing: layer-6 has the attributes kernel, bias");
    LayerSpec kpconvx = SmallModel.kpconvx("kp", false);
    refuses(
        2,
        new LayerSpec(
            "kp",
            "KPConvXLayer",
            kpconvx.weights(),
            Map.of("bn_psi", kpconvx.sublayers().get("bn_phi"))),
        "layer-2/bn_psi/0 is missing: layer-2 has the attributes");
    List<LayerSpec> three = new ArrayList<>(kpconvx.sublayers().get("bn_phi"));
    three.add(three.get(0));
    refuses(
        2,
        new LayerSpec("kp", "KPConvXLayer", kpconvx.weights(), Map.of("bn_phi", three)),
        "layer-2/bn_phi/2 is missing: layer-2 has the attributes 0, 1");
    List<WeightSpec> misshapen = new ArrayList<>(kpconvx.weights());
    misshapen.set(0, new WeightSpec("Q", Shape.of(4, 3), false, true));
    refuses(
        2,
        new LayerSpec("kp", "KPConvXLayer", misshapen, kpconvx.sublayers()),
        "weight kp/Q is stored with shape [3, 3]",
        "expected [4, 3]");
  }

  private static void refuses(int index, LayerSpec layer, String... parts) {
    List<LayerSpec> layers = new ArrayList<>(SmallModel.spec(false).sublayers().get("layers"));
    layers.set(index, layer);
    WeightStoreTest.refuses(SOUND, LayerSpec.network("Functional", layers), parts);
  }

  @Test
  void objectsThatContradictThemselvesAreOneError() throws IOException {
    alter(graph -> child(graph.getNodesBuilder(0), "layer-2").setNodeId(99_999));
    WeightStoreTest.refuses(
        directory, "object layer-2 is number 99999, expected one of the file's");
  }

  @Test
  void aModelWithoutObjectsIsOneError() throws IOException {
    alter(SavedObjectGraph.Builder::clear);
    WeightStoreTest.refuses(directory, "remembers no objects, expected a model and its layers");
  }

  @Test
  void anAttributeThatIsNoVariableIsOneError() throws IOException {
    alter(
        graph -> {
          int head = child(graph.getNodesBuilder(0), "layer-6").getNodeId();
          child(graph.getNodesBuilder(head), "kernel").setNodeId(0);
        });
    refuses("object layer-6/kernel is of the kind USER_OBJECT, expected a variable");
  }

  private void alter(Consumer<SavedObjectGraph.Builder> change) throws IOException {
    Path file = directory.resolve("saved_model.pb");
    SavedModel.Builder model =
        SavedModel.parseFrom(Files.readAllBytes(SOUND.resolve("saved_model.pb"))).toBuilder();
    change.accept(model.getMetaGraphsBuilder(0).getObjectGraphDefBuilder());
    Files.write(file, model.build().toByteArray());
  }

  private static ObjectReference.Builder child(SavedObject.Builder object, String name) {
    return object.getChildrenBuilderList().stream()
        .filter(child -> child.getLocalName().equals(name))
        .findFirst()
        .orElseThrow();
  }

  private void refuses(String... parts) {
    WeightStoreTest.refuses(directory, SmallModel.spec(false), parts);
  }

  @Test
  void metadataThatIsMissingIsOneError() throws IOException {
    Files.delete(directory.resolve(METADATA));
    WeightStoreTest.refuses(
        directory, "of the kind 'Keras 2 save' but has no keras_metadata.pb, found");
  }

  /** Wherever it is cut, there is an error, or a layer is missing. */
  @ParameterizedTest
  @ValueSource(doubles = {0, 0.0001, 0.01, 0.3, 0.5, 0.9, 0.9999})
  void metadataThatIsCutIsOneError(double part) throws IOException {
    byte[] whole = Files.readAllBytes(SOUND.resolve(METADATA));
    Files.write(directory.resolve(METADATA), Arrays.copyOf(whole, (int) (whole.length * part)));
    WeightStoreTest.refuses(directory, METADATA + " is damaged");
    assertThrows(KerasException.class, () -> StoredModel.open(directory).config());
  }

  @Test
  void metadataThatHoldsNoTextsIsOneError() throws IOException {
    write(METADATA, metadata(0, "{\"name\": "));
    WeightStoreTest.refuses(directory, METADATA + ", object 0 is no valid JSON");
    write(METADATA, metadata(0, "[1]"));
    WeightStoreTest.refuses(directory, METADATA + ", object 0 holds a JSON value of type ARRAY");
    write(METADATA, metadata(0, "[".repeat(100_000)));
    WeightStoreTest.refuses(directory, METADATA + ", object 0 is no valid JSON");
    write(METADATA, metadata(7, "{}"));
    WeightStoreTest.refuses(directory, "tells of 1 objects, expected the model among them");
    write(METADATA, new byte[] {1, 2, 3});
    WeightStoreTest.refuses(directory, METADATA + " is damaged");
  }

  @Test
  void aModelWithoutConfigurationHasNone() throws IOException {
    write(METADATA, metadata(0, "{\"class_name\": \"Mine\", \"keras_version\": \"2.15.0\"}"));
    assertEquals(Optional.empty(), StoredModel.open(directory).config());
    refuses("there is no layer 'stem', found nothing");
  }

  private void write(String name, byte[] bytes) throws IOException {
    Files.write(directory.resolve(name), bytes);
  }

  private static byte[] metadata(long node, String json) {
    UnknownFieldSet object =
        UnknownFieldSet.newBuilder()
            .addField(2, Field.newBuilder().addVarint(node).build())
            .addField(
                5, Field.newBuilder().addLengthDelimited(ByteString.copyFromUtf8(json)).build())
            .build();
    return UnknownFieldSet.newBuilder()
        .addField(1, Field.newBuilder().addLengthDelimited(object.toByteString()).build())
        .build()
        .toByteArray();
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, 0.05, 0.5, 0.99})
  void aCutCheckpointIsOneErrorOnReading(double part) throws IOException {
    for (String name : List.of("variables.index", "variables.data-00000-of-00001")) {
      Path path = directory.resolve("variables").resolve(name);
      byte[] whole = Files.readAllBytes(path);
      Files.write(path, Arrays.copyOf(whole, (int) (whole.length * part)));
      try (StoredModel storeFile = StoredModel.open(directory);
          WeightStore store = storeFile.weights()) {
        var found = store.match(SmallModel.spec(false));
        KerasException e =
            assertThrows(KerasException.class, () -> found.values().forEach(SmallModel::values));
        assertTrue(e.getMessage().contains("the value of "), e.getMessage());
        assertTrue(e.getMessage().contains(directory.toString()), e.getMessage());
        assertEquals(1, e.getMessage().lines().count(), e.getMessage());
      }
      Files.write(path, whole);
    }
  }

  @Test
  void aCheckpointThatLacksAVariableIsOneError() throws IOException {
    // The graph gives the kernel another name than the checkpoint's own objects do.
    alter(
        graph -> {
          int head = child(graph.getNodesBuilder(0), "layer-6").getNodeId();
          child(graph.getNodesBuilder(head), "kernel").setLocalName("matrix");
        });
    List<LayerSpec> layers = new ArrayList<>(SmallModel.spec(false).sublayers().get("layers"));
    layers.set(
        6,
        new LayerSpec(
            "head",
            "Dense",
            List.of(WeightSpec.of("matrix", true, 4, 2), WeightSpec.of("bias", true, 2))));
    try (StoredModel storeFile = StoredModel.open(directory);
        WeightStore store = storeFile.weights()) {
      StoredWeight matrix = store.match(LayerSpec.network("Functional", layers)).get("head/matrix");
      KerasException e = assertThrows(KerasException.class, matrix::read);
      assertTrue(
          e.getMessage().contains("/matrix cannot be read: the checkpoint has no such"),
          e.getMessage());
    }
  }
}
