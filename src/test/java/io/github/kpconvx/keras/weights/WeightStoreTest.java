package io.github.kpconvx.keras.weights;

import static io.github.kpconvx.keras.SmallModel.assertGolden;
import static io.github.kpconvx.keras.SmallModel.file;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.inference.KPConvX;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.SmallModel;
import io.github.kpconvx.keras.file.KerasArchive;
import io.github.kpconvx.keras.file.StoredModel;
import io.github.kpconvx.keras.hdf5.Hdf5File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every kind of file, from both versions of Keras, gives the weights that Python assigned. */
public class WeightStoreTest {
  private static final String KERAS_2 = "2.15.0";

  static Stream<String> files() {
    List<String> versions = new ArrayList<>(SmallModel.VERSIONS);
    versions.add(KERAS_2);
    return versions.stream()
        .flatMap(
            version ->
                Stream.of("bare", "frozen", "deformable")
                    .flatMap(
                        q ->
                            Stream.of(".keras", ".h5", ".weights.h5", "")
                                .map(kind -> q + "-" + version + kind)))
        .filter(name -> !name.matches("deformable-3[.\\d]+"));
  }

  /** Keras 3 leaves a bare variable out of all files but a SavedModel. */
  private static boolean holdsQ(String name) {
    return !name.startsWith("bare") || name.contains(KERAS_2) || Files.isDirectory(file(name));
  }

  @ParameterizedTest
  @MethodSource("files")
  void givesEachWeightByItsQualifiedName(String name) {
    String q = name.substring(0, name.indexOf('-'));
    boolean savedModel = Files.isDirectory(file(name));
    try (StoredModel storeFile = StoredModel.open(file(name));
        WeightStore store = storeFile.weights()) {
      assertEquals(file(name), store.source());
      var found = store.match(SmallModel.spec(q.equals("deformable")));
      assertGolden(q + ".json", holdsQ(name), found);
      assertEquals(found.size(), store.weights().size());
      assertEquals(savedModel, found.get("kp/W").trainable().isPresent());
    }
  }

  @ParameterizedTest
  @MethodSource("files")
  void aFloatingWeightMayStandAnywhere(String name) {
    String q = name.substring(0, name.indexOf('-'));
    try (StoredModel storeFile = StoredModel.open(file(name));
        WeightStore store = storeFile.weights()) {
      // The other way round than the file has it.
      assertGolden(
          q + ".json", holdsQ(name), reordered(store.match(SmallModel.spec(!isFirst(q))), q));
    }
  }

  private static boolean isFirst(String q) {
    return q.equals("deformable");
  }

  /** Back to the order of the golden file. */
  private static Map<String, StoredWeight> reordered(Map<String, StoredWeight> found, String q) {
    var ordered = new LinkedHashMap<String, StoredWeight>();
    SmallModel.json(q + ".json")
        .forEach(
            weight ->
                found.computeIfPresent(
                    weight.get("name").textValue(),
                    (name, stored) -> {
                      ordered.put(name, stored);
                      return stored;
                    }));
    assertEquals(found.size(), ordered.size());
    return ordered;
  }

  @Test
  void saysWhichWeightIsNoNumber() throws Exception {
    Path file = Path.of(WeightStoreTest.class.getResource("/hostile/weights_nan.keras").toURI());
    KerasException error = assertThrows(KerasException.class, () -> KPConvX.load(file).close());
    assertEquals(
        "Dense \"dense\": weight layers/dense/vars/0 holds NaN at place 0 of 48, expected finite"
            + " numbers; its training failed or the file is damaged",
        error.getMessage());
  }

  @Test
  void weightsOutliveTheArchiveTheyCameFrom() {
    WeightStore store;
    try (KerasArchive archive = KerasArchive.open(file("frozen-3.6.0.keras"))) {
      store = archive.weights();
    }
    try (store) {
      assertGolden("frozen.json", true, store.match(SmallModel.spec(false)));
    }
  }

  @ParameterizedTest
  @MethodSource("files")
  void aClosedStoreReadsNoMore(String name) {
    StoredModel storeFile = StoredModel.open(file(name));
    WeightStore store = storeFile.weights();
    StoredWeight weight = store.weights().get(0);
    SmallModel.values(weight);
    store.close();
    store.close();
    assertThrows(IllegalStateException.class, weight::read);
  }

  @Test
  void tellsTheKindByContentNotByName(@TempDir Path directory) throws IOException {
    Path h5 = Files.copy(file("frozen-3.6.0.weights.h5"), directory.resolve("weights"));
    Path keras = Files.copy(file("frozen-3.6.0.keras"), directory.resolve("model.h5"));
    for (Path path : List.of(h5, keras)) {
      try (StoredModel storeFile = StoredModel.open(path);
          WeightStore store = storeFile.weights()) {
        assertEquals(29, store.weights().size());
      }
    }
  }

  @Test
  void refusesWhatHoldsNoWeights(@TempDir Path directory) throws IOException {
    refuses(
        directory.resolve("none.keras"),
        "No such file or directory",
        ".keras",
        "an HDF5 file (.h5, .weights.h5)");
    refuses(directory, "is no SavedModel: has no saved_model.pb", "found nothing");
    Path text = Files.writeString(directory.resolve("a.txt"), "not a model");
    refuses(
        text,
        "none of the kinds",
        "SavedModel",
        ".keras",
        "an HDF5 file (.h5, .weights.h5)",
        "6e 6f 74");
    Path empty = Files.createFile(directory.resolve("empty"));
    refuses(empty, "none of the kinds", "0 bytes");
    Path notZip = Files.writeString(directory.resolve("a.keras"), "not a zip");
    refuses(notZip, "is no readable .keras archive (a zip file)");
    Path notHdf = Files.writeString(directory.resolve("a.weights.h5"), "not HDF5");
    refuses(notHdf, "is no readable HDF5 file");
    refuses(directory, "found a.keras, a.txt, a.weights.h5, empty");
  }

  private static void openWeights(Path path) {
    try (StoredModel model = StoredModel.open(path)) {
      model.weights();
    }
  }

  public static void refuses(Path path, String... parts) {
    KerasException e = assertThrows(KerasException.class, () -> openWeights(path));
    for (String part : parts) {
      assertTrue(e.getMessage().contains(part), () -> part + " in: " + e.getMessage());
    }
    assertTrue(e.getMessage().contains(path.toString()), e.getMessage());
    assertEquals(1, e.getMessage().lines().count(), e.getMessage());
  }

  public static void refuses(Path path, LayerSpec model, String... parts) {
    try (StoredModel storeFile = StoredModel.open(path);
        WeightStore store = storeFile.weights()) {
      KerasException e = assertThrows(KerasException.class, () -> store.match(model));
      for (String part : parts) {
        assertTrue(e.getMessage().contains(part), () -> part + " in: " + e.getMessage());
      }
      assertTrue(e.getMessage().contains(path.toString()), e.getMessage());
      assertEquals(1, e.getMessage().lines().count(), e.getMessage());
    }
  }

  /**
   * Reads a file that was cut 50 times, and altered in one to three bytes 250 times: each time that
   * gives an error or, where the change is in no structure, other values.
   *
   * @param file a sound HDF5 file
   * @param model what it holds
   * @param open opens its kind of store
   */
  public static void damageIsAnErrorAndNeverHangs(
      Path file, LayerSpec model, Function<Hdf5File, WeightStore> open) throws IOException {
    byte[] sound = Files.readAllBytes(file);
    Random random = new Random(5);
    AtomicInteger errors = new AtomicInteger();
    assertTimeoutPreemptively(
        Duration.ofMinutes(1),
        () -> {
          for (int i = 0; i < 300; i++) {
            byte[] bytes = sound.clone();
            if (i < 50) {
              bytes = Arrays.copyOf(bytes, random.nextInt(bytes.length));
            } else {
              for (int change = 0; change <= i % 3; change++) {
                bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
              }
            }
            try (WeightStore store =
                open.apply(Hdf5File.of(Path.of("damaged"), "damaged", bytes))) {
              store.match(model).values().forEach(SmallModel::values);
            } catch (KerasException e) {
              errors.incrementAndGet();
            }
          }
        });
    assertTrue(errors.get() >= 40, errors + " errors");
  }
}
