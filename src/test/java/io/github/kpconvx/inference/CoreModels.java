package io.github.kpconvx.inference;

import io.github.kpconvx.Fixtures;
import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.numpy.NpzFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The models of {@code src/test/resources/core}, of Keras's own layers and operations, one file for
 * each version of Keras; {@code python-compat/kpconvx_compat/core} makes them.
 */
final class CoreModels {
  static final Path CASES = Path.of("src/test/resources/core");

  /**
   * Which cases are tried: all, or those whose names the system property {@code core.cases} fits.
   */
  private static final Pattern WANTED = Pattern.compile(System.getProperty("core.cases", ".*"));

  private CoreModels() {}

  /** Every {@code .keras}. */
  static Stream<Path> files() {
    return Fixtures.directories(CASES)
        .filter(directory -> WANTED.matcher(directory.getFileName().toString()).matches())
        .flatMap(directory -> Fixtures.files(directory).stream())
        .filter(file -> file.toString().endsWith(".keras"));
  }

  /** Of each case that of the newest Keras that has it. */
  static Stream<Path> newest() {
    return files().filter(CoreModels::isNewest);
  }

  /** The others. */
  static Stream<Path> older() {
    return files().filter(file -> !isNewest(file));
  }

  private static boolean isNewest(Path file) {
    return file.endsWith("keras-3.15.keras")
        || !Files.exists(file.resolveSibling("keras-3.15.keras"));
  }

  static Map<String, NpyArray> inputs(Path file) {
    return NpzFile.read(file.resolveSibling("in.npz"));
  }

  static Path goldenFile(Path file) {
    return file.resolveSibling(file.getFileName().toString().replace(".keras", ".npz"));
  }

  /** What that Keras computes: see {@code golden} in {@code kpconvx_compat/core/case.py}. */
  static Map<String, NpyArray> golden(Path file) {
    return NpzFile.read(goldenFile(file));
  }

  /** The entries of a name that begins so, by what follows. */
  static Map<String, NpyArray> under(String prefix, Map<String, NpyArray> golden) {
    Map<String, NpyArray> found = new LinkedHashMap<>();
    golden.forEach(
        (name, array) -> {
          if (name.startsWith(prefix)) {
            found.put(name.substring(prefix.length()), array);
          }
        });
    return found;
  }

  /** The outputs in inference; of a case that is of training there are none. */
  static Map<String, NpyArray> outputs(Map<String, NpyArray> golden) {
    Map<String, NpyArray> found = new LinkedHashMap<>();
    golden.forEach(
        (name, array) -> {
          if (name.startsWith("output_")) {
            found.put(name, array);
          }
        });
    return found;
  }

  /** Whether the numbers are those of a step of training. */
  static boolean isOfTraining(Path file) {
    return file.getParent().getFileName().toString().endsWith("_training");
  }
}
