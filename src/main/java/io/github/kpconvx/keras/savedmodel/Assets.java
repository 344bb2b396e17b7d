package io.github.kpconvx.keras.savedmodel;

import io.github.kpconvx.io.Failures;
import io.github.kpconvx.keras.KerasException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * What stands in a SavedModel beside graph and variables: the files under {@code assets} and {@code
 * assets.extra}, such as the preprocessing that a model expects. A model's own configuration, which
 * stands there too, is none of them.
 *
 * @param directory the SavedModel
 * @param files their paths in it, sorted
 */
public record Assets(Path directory, List<Path> files) {
  /** No files. */
  public static final Assets NONE = new Assets(Path.of(""), List.of());

  private static final List<String> FOLDERS = List.of("assets", "assets.extra");

  private static final Set<Path> OWN =
      Set.of(Path.of(SavedModelDirectory.CONFIG), Path.of(SavedModelDirectory.METADATA));

  public Assets {
    files = List.copyOf(files);
  }

  /**
   * Those of a model.
   *
   * @param model a SavedModel directory; any other file has none
   * @return the assets
   * @throws KerasException if the directory cannot be read
   */
  public static Assets of(Path model) {
    List<Path> files =
        FOLDERS.stream()
            .map(model::resolve)
            .filter(Files::isDirectory)
            .flatMap(folder -> files(folder).stream())
            .map(model::relativize)
            .filter(file -> !OWN.contains(file))
            .toList();
    return new Assets(model, files);
  }

  private static List<Path> files(Path folder) {
    try (Stream<Path> paths = Files.walk(folder)) {
      return paths.filter(Files::isRegularFile).sorted().toList();
    } catch (IOException e) {
      throw new KerasException(folder + " cannot be read: " + Failures.reason(e), e);
    }
  }

  /**
   * Copies them.
   *
   * @param target the SavedModel that is to have them too
   * @throws IOException if that fails
   */
  public void copyTo(Path target) throws IOException {
    for (Path file : files) {
      Path copy = target.resolve(file);
      Files.createDirectories(copy.getParent());
      Files.copy(directory.resolve(file), copy);
    }
  }
}
