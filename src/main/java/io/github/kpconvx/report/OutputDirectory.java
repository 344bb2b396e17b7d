package io.github.kpconvx.report;

import static java.nio.file.StandardCopyOption.ATOMIC_MOVE;
import static java.nio.file.StandardCopyOption.REPLACE_EXISTING;

import io.github.kpconvx.keras.KerasException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;

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
    Map<Path, Path> written = new LinkedHashMap<>();
    try {
      try {
        Files.createDirectories(directory);
        for (Map.Entry<String, String> file : files.entrySet()) {
          // Not Files.createTempFile: the file would keep its private permissions after the move.
          Path temporary = directory.resolve("." + UUID.randomUUID() + "." + file.getKey());
          written.put(temporary, directory.resolve(file.getKey()));
          Files.writeString(temporary, file.getValue());
        }
        for (Map.Entry<Path, Path> move : written.entrySet()) {
          Files.move(move.getKey(), move.getValue(), ATOMIC_MOVE, REPLACE_EXISTING);
        }
      } finally {
        for (Path temporary : written.keySet()) {
          Files.deleteIfExists(temporary);
        }
      }
    } catch (IOException e) {
      throw new KerasException(
          "Cannot write to the directory " + directory + ": " + reason(directory, e), e);
    }
  }

  private static String reason(Path directory, IOException e) {
    if (Files.exists(directory) && !Files.isDirectory(directory)) {
      return "it is a file";
    }
    return e instanceof AccessDeniedException ? "permission denied" : e.toString();
  }
}
