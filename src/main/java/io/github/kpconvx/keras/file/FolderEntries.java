package io.github.kpconvx.keras.file;

import io.github.kpconvx.io.Failures;
import io.github.kpconvx.keras.KerasException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** The files of a folder in the place of an archive. */
record FolderEntries(Path folder) implements ArchiveEntries {
  @Override
  public List<String> names() {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).toList();
    } catch (IOException e) {
      throw new KerasException(folder + " cannot be read: " + Failures.reason(e), e);
    }
  }

  @Override
  public byte[] read(String name, long limit) throws IOException {
    try (InputStream in = Files.newInputStream(folder.resolve(name))) {
      byte[] bytes = in.readNBytes((int) Math.min(limit + 1, Integer.MAX_VALUE - 8));
      if (bytes.length > limit) {
        throw new KerasException(
            "%s: %s has more bytes than %d, expected at most that".formatted(folder, name, limit));
      }
      return bytes;
    }
  }

  /** Holds nothing open. */
  @Override
  public void close() {}
}
