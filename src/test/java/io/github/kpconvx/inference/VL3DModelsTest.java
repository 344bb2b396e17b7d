package io.github.kpconvx.inference;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.KernelPoints;
import io.github.kpconvx.layer.vl3d.GaussianFilter;
import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.numpy.NpzFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Models that VL3D's own layers made, of four versions of Keras, against the answers that VL3D's
 * own code gave.
 */
class VL3DModelsTest {
  private static final Path ALL = Path.of("src/test/resources/vl3d");

  /** What VL3D's own code made; its README tells of the cases. */
  static final Path ORIGINAL = ALL.resolve("original");

  /** The same, of fewer cases and versions. */
  static final Path RECORDED = ALL.resolve("recorded");

  private static final List<Path> FOLDERS = List.of(ORIGINAL, RECORDED, ALL.resolve("made"));

  /** Every file of every case that holds a model or its weights. */
  static List<Path> files() {
    return FOLDERS.stream()
        .flatMap(folder -> list(folder).stream())
        .flatMap(directory -> list(directory).stream())
        .filter(file -> file.toString().matches(".*(\\.keras|\\.h5|saved_model-[\\d.]+)"))
        .toList();
  }

  /** What the filter "gaussian" means in a case. */
  static GaussianFilter gaussian(Path directory) {
    String name = directory.getFileName().toString();
    boolean falls =
        directory.getParent().endsWith("made") ? !name.contains("grows") : name.endsWith("_2025");
    return falls ? GaussianFilter.FALLING : GaussianFilter.GROWING;
  }

  private static List<Path> list(Path directory) {
    try (Stream<Path> children = Files.list(directory)) {
      return children.sorted(Comparator.naturalOrder()).toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A loader that knows what the file does not hold. */
  static KPConvX.Loader loader(Path file) {
    Path directory = file.getParent();
    KPConvX.Loader loader =
        KPConvX.loader(file).withLayers(StandardLayers.registry(gaussian(directory)));
    Path bare = directory.resolve("bare");
    if (Files.isDirectory(bare)) {
      loader = loader.withKernelPoints(KernelPoints.fromFolder(bare));
    }
    return config(file).map(loader::withConfig).orElse(loader);
  }

  /** The configuration of a file without one, as Keras 3's SavedModels are too. */
  private static Optional<KerasObject> config(Path file) {
    String name = file.getFileName().toString();
    String model =
        name.endsWith(".weights.h5")
            ? name.replace(".weights.h5", ".keras")
            : name.replaceFirst("saved_model-(3.*)", "keras-$1.keras");
    return model.equals(name)
        ? Optional.empty()
        : KPConvX.loader(file.resolveSibling(model)).config();
  }

  @ParameterizedTest
  @MethodSource("files")
  void answersAsVL3D(Path file) {
    Map<String, NpyArray> golden = NpzFile.read(file.resolveSibling("golden.npz"));
    try (Model model = loader(file).load()) {
      assertEquals(Engine.FOLDED, model.engine());
      float[] expected = golden.get("output_0").toFloats();
      float[] found = predict(model, NpzFile.read(file.resolveSibling("in.npz")));
      assertEquals(expected.length, found.length);
      double worst = 0;
      for (int i = 0; i < expected.length; i++) {
        assertEquals(Float.isNaN(expected[i]), Float.isNaN(found[i]), "place " + i);
        double error =
            Math.abs((double) expected[i] - found[i]) / Math.max(1, Math.abs(expected[i]));
        worst = Math.max(worst, Float.isNaN(expected[i]) ? 0 : error);
      }
      assertTrue(worst <= 1e-5, "differs by " + worst);
    }
  }

  /** A SavedModel's graph tells what the filter "gaussian" means; no other file does. */
  @Test
  void theStoredGraphTellsWhatTheFilterGaussianMeans() {
    for (String name : List.of("up_gaussian_grows", "down_gaussian_upper_case")) {
      Path directory = ALL.resolve("made").resolve(name);
      float[] expected = NpzFile.read(directory.resolve("golden.npz")).get("output_0").toFloats();
      Path graph = directory.resolve("saved_model-3.6");
      try (Model model = KPConvX.loader(graph).withConfig(config(graph).orElseThrow()).load()) {
        assertArrayEquals(
            expected, predict(model, NpzFile.read(directory.resolve("in.npz"))), 1e-5f);
      }
      for (String version : List.of("2.15", "3.6")) {
        Path archive = directory.resolve("keras-" + version + ".keras");
        KerasException error =
            assertThrows(KerasException.class, () -> KPConvX.load(archive).close());
        assertTrue(error.getMessage().contains("--gaussian-filter"), error.getMessage());
        GaussianFilter other =
            gaussian(directory) == GaussianFilter.GROWING
                ? GaussianFilter.FALLING
                : GaussianFilter.GROWING;
        try (Model model = KPConvX.loader(archive).withGaussianFilter(other).load()) {
          float[] found = predict(model, NpzFile.read(directory.resolve("in.npz")));
          assertFalse(Arrays.equals(expected, found));
        }
      }
    }
  }

  static float[] predict(Model model, Map<String, NpyArray> arrays) {
    return model.predictArrays(arrays, List.of("output_0")).get("output_0").toFloats();
  }
}
