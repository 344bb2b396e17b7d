package io.github.kpconvx.keras.file;

import io.github.kpconvx.io.Failures;
import io.github.kpconvx.keras.KerasException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.CRC32;
import java.util.zip.CheckedInputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/** The entries of a zip file, each read only as far as it is plausible. */
final class ZipEntries implements ArchiveEntries {
  /** Keras stores weights uncompressed; a recompressed archive shrinks them by little. */
  private static final long MAX_EXPANSION = 100;

  private static final long FREE_EXPANSION = 16L << 20;

  private final Path path;
  private final ZipFile zip;

  private ZipEntries(Path path, ZipFile zip) {
    this.path = path;
    this.zip = zip;
  }

  static ZipEntries of(Path path) {
    try {
      return new ZipEntries(path, new ZipFile(path.toFile()));
    } catch (IOException | IllegalArgumentException e) {
      throw new KerasException(
          path + " is no readable .keras archive (a zip file): " + Failures.reason(e), e);
    }
  }

  /** The zip library reads from files alone. */
  static ZipEntries of(Path name, byte[] content) {
    Path file = null;
    try {
      file = Files.createTempFile("model", ".keras");
      Files.write(file, content);
      return new ZipEntries(
          name, new ZipFile(file.toFile(), ZipFile.OPEN_READ | ZipFile.OPEN_DELETE));
    } catch (IOException e) {
      KerasException failure =
          new KerasException(
              name + " is no readable .keras archive (a zip file): " + Failures.reason(e), e);
      delete(file, failure);
      throw failure;
    }
  }

  private static void delete(Path file, KerasException failure) {
    try {
      if (file != null) {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      failure.addSuppressed(e);
    }
  }

  @Override
  public List<String> names() {
    return zip.stream().map(ZipEntry::getName).toList();
  }

  @Override
  public byte[] read(String name, long limit) throws IOException {
    ZipEntry entry = zip.getEntry(name);
    long size = entry.getSize();
    long stored = entry.getCompressedSize();
    if (size > limit) {
      throw new KerasException(
          "%s: entry %s has %d bytes, expected at most %d".formatted(path, name, size, limit));
    }
    if (size > FREE_EXPANSION && size / MAX_EXPANSION > stored) {
      throw new KerasException(
          "%s: entry %s grows from %d to %d bytes, expected at most %d times its stored size"
              .formatted(path, name, stored, size, MAX_EXPANSION));
    }
    CRC32 checksum = new CRC32();
    try (InputStream in = new CheckedInputStream(zip.getInputStream(entry), checksum)) {
      byte[] bytes = in.readNBytes((int) size);
      if (bytes.length < size || in.read() != -1) {
        throw new KerasException(
            "%s: entry %s has %s bytes than the %d that it declares"
                .formatted(path, name, bytes.length < size ? "fewer" : "more", size));
      }
      if (checksum.getValue() != entry.getCrc()) {
        throw new KerasException(
            "%s: entry %s is damaged: its checksum is %08x, expected %08x"
                .formatted(path, name, checksum.getValue(), entry.getCrc()));
      }
      return bytes;
    }
  }

  @Override
  public void close() throws IOException {
    zip.close();
  }
}
