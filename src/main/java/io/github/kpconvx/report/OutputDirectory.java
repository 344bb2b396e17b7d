package io.github.kpconvx.report;

import io.github.kpconvx.io.AtomicFile;
import io.github.kpconvx.io.Failures;
import io.github.kpconvx.keras.KerasException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** Writes text files that belong together. */
final class OutputDirectory {
  private OutputDirectory() {}

  /**
   * Writes all files under temporary names, then gives them their own.
   *
   * @param directory where to; made if it is not there
   * @param files contents by file name; files of the same name are replaced
   * @throws KerasException if a file cannot be written; none has been replaced then
   */
  static void write(Path directory, Map<String, String> files) {
    Map<Path, AtomicFile.Writer> writers = new LinkedHashMap<>();
    files.forEach(
        (name, content) ->
            writers.put(
                directory.resolve(name), temporary -> Files.writeString(temporary, content)));
    try {
      Files.createDirectories(directory);
      AtomicFile.writeAll(writers);
    } catch (IOException e) {
      String reason = Files.isRegularFile(directory) ? "it is a file" : Failures.reason(e);
      throw new KerasException("Cannot write to the directory " + directory + ": " + reason, e);
    }
  }
}
