package io.github.kpconvx.keras.hdf5;

import static io.github.kpconvx.keras.SmallModel.dense;
import static io.github.kpconvx.keras.SmallModel.file;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.inference.KPConvX;
import io.github.kpconvx.inference.Model;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.SmallModel;
import io.github.kpconvx.keras.file.StoredModel;
import io.github.kpconvx.keras.weights.LayerSpec;
import io.github.kpconvx.keras.weights.StoredWeight;
import io.github.kpconvx.keras.weights.WeightSpec;
import io.github.kpconvx.keras.weights.WeightStore;
import io.github.kpconvx.keras.weights.WeightStoreTest;
import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.numpy.NpzFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class LegacyHdf5WeightStoreTest {
  private static final LayerSpec HEAD =
      LayerSpec.network("Sequential", List.of(dense("head", 4, 2)));

  @ParameterizedTest
  @ValueSource(strings = {"sound", "whole", "pieces", "other-name", "other-language"})
  void readsWhatIsThere(String name) {
    try (StoredModel storeFile = StoredModel.open(file("legacy-" + name + ".h5"));
        WeightStore store = storeFile.weights()) {
      var found = store.match(HEAD);
      assertEquals(2, found.size());
      assertArrayEquals(
          new float[] {0, 1, 2, 3, 4, 5, 6, 7}, SmallModel.values(found.get("head/kernel")));
      assertArrayEquals(new float[] {0, 1}, SmallModel.values(found.get("head/bias")));
    }
  }

  /** Python names them in UTF-8, which h5py puts down as ASCII. */
  @Test
  void opensAModelWhoseNamesAreNotAscii() throws Exception {
    Path unicode = Path.of(getClass().getResource("/unicode/uni.h5").toURI());
    try (StoredModel storeFile = StoredModel.open(unicode);
        WeightStore store = storeFile.weights()) {
      assertEquals(
          List.of("größe Ω 点/kernel", "größe Ω 点/bias"),
          store.weights().stream().map(StoredWeight::name).toList());
    }
    NpyArray golden = NpzFile.read(unicode.resolveSibling("uni.gold.npz")).get("output_0");
    try (Model model = KPConvX.load(unicode)) {
      NpyArray output =
          model
              .predictArrays(
                  NpzFile.read(unicode.resolveSibling("uni.in.npz")), List.of("output_0"))
              .get("output_0");
      assertArrayEquals(golden.toFloats(), output.toFloats(), 1e-6f);
    }
  }

  @Test
  void tellsNameAndPlaceOfAWeight() {
    try (StoredModel storeFile = StoredModel.open(file("legacy-whole.h5"));
        WeightStore store = storeFile.weights()) {
      StoredWeight kernel = store.weights().get(0);
      assertEquals("head/kernel:0", kernel.name());
      assertEquals("model_weights/head/head/kernel:0", kernel.path());
      assertEquals(2, store.weights().size());
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          unlisted       | head/more is in no list of weight_names of its group
          unlisted-layer | tail/tail/bias:0 is in no list
          no-names       | group head has no attribute weight_names
          numbers        | attribute weight_names of head holds 16 bytes of double, expected a list
          no-group       | there is no group tail, which layer_names lists
          no-dataset     | weight_names of head lists 'head/more:0', which is not there or listed \
          before; found nothing
          layer-twice    | weight_names of head lists 'head/kernel:0', which is not there or listed
          weight-twice   | weight_names of head lists 'head/bias:0', which is not there or listed
          link           | head/head/kernel:1 is an external link
          huge           | head/head/kernel:0 declares shape [1099511627776, 2], 8796093022208 bytes
          """)
  void refusesToOpen(String name, String message) {
    WeightStoreTest.refuses(file("legacy-" + name + ".h5"), message);
  }

  @Test
  void aFileWithoutListsOfWeightsIsRefused() {
    WeightStoreTest.refuses(
        file("legacy.weights.h5"),
        "group dense has no attribute weight_names, expected it to list");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          order         | weight head/kernel is stored with shape [2] ('head/bias:0' in \
          head/head/bias:0), expected [4, 2]
          misnamed      | in the place of weight head/kernel is 'head/bias:0' in head/head/bias:0, \
          expected a name that ends in kernel
          missing       | weight head/bias of shape [2] is missing
          surplus       | holds a surplus weight 'head/more:0'
          surplus-layer | holds weights of the layers head, tail, expected those of head, in this
          top-level     | holds weights of the layers head, top_level_model_weights, expected those
          wrong-shape   | weight head/kernel is stored with shape [2, 4]
          float16       | weight head/kernel of shape [4, 2] is stored as float16
          """)
  void refusesToMatch(String name, String message) {
    WeightStoreTest.refuses(file("legacy-" + name + ".h5"), HEAD, message);
  }

  @Test
  void layersInAnotherOrderAreRefused() {
    LayerSpec stem = dense("stem", 4, 2);
    LayerSpec head = dense("head", 4, 2);
    Path file = file("legacy-layers.h5");
    try (StoredModel storeFile = StoredModel.open(file);
        WeightStore store = storeFile.weights()) {
      assertEquals(4, store.match(LayerSpec.network("Functional", List.of(head, stem))).size());
    }
    WeightStoreTest.refuses(
        file,
        LayerSpec.network("Functional", List.of(stem, head)),
        "holds weights of the layers head, stem, expected those of stem, head, in this order");
  }

  @Test
  void aConfigurationThatIsNoJsonIsRefusedByThoseWhoWantIt() {
    Path file = file("legacy-whole.h5");
    try (StoredModel model = StoredModel.open(file)) {
      KerasException e = assertThrows(KerasException.class, model::config);
      assertTrue(
          e.getMessage().contains(file + " (model_config) is no valid JSON"), e.getMessage());
    }
    try (StoredModel model = StoredModel.open(file("legacy-sound.h5"))) {
      assertEquals("HDF5 weights in the layout of Keras 2 (.h5)", model.format());
    }
  }

  /** What is trained comes first, but not of a layer that is not trained. */
  @Test
  void theOrderFollowsFromWhatIsTrained() {
    LayerSpec norm = norm("norm", true);
    LayerSpec frozen = norm("frozen", false);
    WeightSpec own = WeightSpec.of("own", true, 3);
    WeightSpec state = WeightSpec.of("state", false, 5);
    var below = new LinkedHashMap<String, List<LayerSpec>>();
    below.put("first", List.of(frozen));
    below.put("second", List.of(norm));
    assertEquals(
        List.of(
            "own",
            "second/0/gamma",
            "state",
            "first/0/gamma",
            "first/0/moving_mean",
            "second/0/moving_mean"),
        names(new LayerSpec("outer", "Any", true, List.of(state, own), below)));
    assertEquals(
        List.of(
            "own",
            "state",
            "first/0/gamma",
            "first/0/moving_mean",
            "second/0/gamma",
            "second/0/moving_mean"),
        names(new LayerSpec("outer", "Any", false, List.of(state, own), below)));
  }

  private static List<String> names(LayerSpec layer) {
    return LegacyHdf5WeightStore.inOrder(layer).stream().map(WeightSpec::name).toList();
  }

  private static LayerSpec norm(String name, boolean trainable) {
    return new LayerSpec(
        name,
        "BatchNormalization",
        trainable,
        List.of(WeightSpec.of("gamma", true, 2), WeightSpec.of("moving_mean", false, 2)),
        Map.of());
  }

  /** A cut or altered file gives an error or, where the change is in no structure, other values. */
  @ParameterizedTest
  @ValueSource(strings = {"legacy-sound.h5", "legacy-pieces.h5", "frozen-2.15.0.h5"})
  void damageIsAnErrorAndNeverHangs(String name) throws IOException {
    WeightStoreTest.damageIsAnErrorAndNeverHangs(
        file(name),
        name.startsWith("frozen") ? SmallModel.spec(false) : HEAD,
        LegacyHdf5WeightStore::new);
  }
}
