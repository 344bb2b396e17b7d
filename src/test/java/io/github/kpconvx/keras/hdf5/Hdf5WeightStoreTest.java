package io.github.kpconvx.keras.hdf5;

import static io.github.kpconvx.keras.SmallModel.dense;
import static io.github.kpconvx.keras.SmallModel.file;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.kpconvx.keras.SmallModel;
import io.github.kpconvx.keras.file.StoredModel;
import io.github.kpconvx.keras.weights.LayerSpec;
import io.github.kpconvx.keras.weights.WeightStore;
import io.github.kpconvx.keras.weights.WeightStoreTest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class Hdf5WeightStoreTest {
  private static final LayerSpec HEAD =
      LayerSpec.network("Sequential", List.of(dense("head", 4, 2)));

  @ParameterizedTest
  @ValueSource(strings = {"sound", "sound-v3", "sound-gzip", "sound-bigendian"})
  void readsWhateverWayTheValuesAreStored(String name) {
    try (StoredModel storeFile = StoredModel.open(file(name + ".weights.h5"));
        WeightStore store = storeFile.weights()) {
      assertSound(store, HEAD, "head/");
      assertEquals("layers/dense/vars/0", store.weights().get(0).path());
      assertEquals("head/0", store.weights().get(0).name());
      assertEquals("float32", store.weights().get(0).dtype());
    }
  }

  @Test
  void aLayerSavedAloneHasItsWeightsAtTheTop() {
    try (StoredModel storeFile = StoredModel.open(file("top.weights.h5"));
        WeightStore store = storeFile.weights()) {
      assertSound(store, dense("head", 4, 2), "head/");
      assertEquals("vars/0", store.weights().get(0).name());
    }
  }

  private static void assertSound(WeightStore store, LayerSpec model, String prefix) {
    var found = store.match(model);
    assertArrayEquals(
        new float[] {0, 1, 2, 3, 4, 5, 6, 7}, SmallModel.values(found.get(prefix + "kernel")));
    assertArrayEquals(new float[] {0, 1}, SmallModel.values(found.get(prefix + "bias")));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          external-link    | layers/dense/vars/0 is an external link
          soft-link        | layers/dense/vars/0 is a soft link
          hard-link        | layers/dense/vars/1 is a second link
          loop             | layers/dense/vars/again is a second link
          virtual          | layers/dense/vars cannot be read: Virtual storage is not supported
          virtual-v3       | layers/dense/vars cannot be read: Virtual storage is not supported
          external-storage | layers/dense/vars cannot be read: Encountered External Data Files
          huge-contiguous  | layers/dense/vars/0 declares shape [1099511627776, 2], 8796093022208 \
          bytes of float32, but stores 0 bytes; expected all
          huge-chunked     | but stores 0 bytes; expected all
          huge-gzip        | 8589934592 bytes of float32, but stores 0 bytes; expected at least
          huge-chunk       | layers/dense/vars/0 of shape [4, 2], 32 bytes, is cut into chunks of \
          shape [16777216, 2]
          unwritten        | layers/dense/vars/0 declares shape [4, 2], 32 bytes of float32, but \
          stores 0 bytes
          null             | layers/dense/vars/0 declares shape [], 4 bytes of float32, but stores 0
          """)
  void refusesToOpen(String name, String message) {
    WeightStoreTest.refuses(file(name + ".weights.h5"), message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          wrong-shape   | weight head/kernel is stored with shape [2, 4] ('head/0' in \
          layers/dense/vars/0), expected [4, 2]
          wrong-rank    | weight head/kernel is stored with shape [8]
          scalar        | weight head/kernel is stored with shape []
          float16       | weight head/kernel of shape [4, 2] is stored as float16
          float64       | weight head/kernel of shape [4, 2] is stored as float64
          int32         | weight head/kernel of shape [4, 2] is stored as int32
          text          | weight head/kernel of shape [4, 2] is stored as StringData
          group         | weight head/kernel of shape [4, 2] is missing
          missing       | weight head/bias of shape [2] is missing
          gap           | weight head/bias of shape [2] is missing
          surplus       | holds a surplus weight 'head/2' in layers/dense/vars/2 of shape [2]
          surplus-layer | holds a surplus weight layers/dense_1/vars/0 of shape [2]
          named         | weight head/kernel of shape [4, 2] is missing
          top           | holds a surplus weight vars/0 of shape [4, 2]
          """)
  void refusesToMatch(String name, String message) {
    WeightStoreTest.refuses(file(name + ".weights.h5"), HEAD, message);
  }

  @Test
  void namesTheFirstWeightThatTheModelHasAndTheFileHasNot() {
    LayerSpec two =
        LayerSpec.network("Sequential", List.of(dense("stem", 4, 2), dense("head", 4, 2)));
    WeightStoreTest.refuses(
        file("sound.weights.h5"),
        two,
        "weight head/kernel of shape [4, 2] is missing",
        "layers/dense_1/vars");
  }

  /** A cut or altered file gives an error or, where the change is in no structure, other values. */
  @ParameterizedTest
  @ValueSource(strings = {"sound", "sound-v3", "sound-gzip", "frozen-3.6.0"})
  void damageIsAnErrorAndNeverHangs(String name) throws IOException {
    WeightStoreTest.damageIsAnErrorAndNeverHangs(
        file(name + ".weights.h5"),
        name.startsWith("frozen") ? SmallModel.spec(false) : HEAD,
        Hdf5WeightStore::new);
  }

  @Test
  void refusedFilesAreClosed(@TempDir Path directory) throws IOException {
    Path descriptors = Path.of("/proc/self/fd");
    Assumptions.assumeTrue(Files.isDirectory(descriptors));
    Path text = Files.writeString(directory.resolve("text.weights.h5"), "no HDF5");
    for (Path path : List.of(text, file("soft-link.weights.h5"), file("virtual.weights.h5"))) {
      WeightStoreTest.refuses(path, path.getFileName().toString());
      try (Stream<Path> open = Files.list(descriptors)) {
        assertEquals(0, open.filter(descriptor -> leadsTo(descriptor, path)).count());
      }
    }
  }

  private static boolean leadsTo(Path descriptor, Path path) {
    try {
      return Files.readSymbolicLink(descriptor).equals(path.toRealPath());
    } catch (IOException e) {
      return false;
    }
  }
}
