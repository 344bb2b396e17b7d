package io.github.kpconvx.keras.file;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.kpconvx.io.Failures;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.Json;
import io.github.kpconvx.keras.hdf5.Hdf5File;
import io.github.kpconvx.keras.hdf5.Hdf5WeightStore;
import io.github.kpconvx.keras.weights.ClassNames;
import io.github.kpconvx.keras.weights.WeightStore;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.zip.CRC32;
import java.util.zip.CheckedInputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/**
 * A {@code .keras} archive as {@code model.save} of Keras 3, and of Keras 2.12 and later, writes
 * it: a zip of {@code metadata.json}, {@code config.json} and {@code model.weights.h5}.
 *
 * <p>Only these three entries are read, and each only as far as it is plausible: an entry that is
 * damaged, larger than it says or inflated beyond reason is an error.
 *
 * <p>Safe for use by one thread at a time.
 */
public final class KerasArchive implements AutoCloseable {
  static final String METADATA = "metadata.json";
  static final String CONFIG = "config.json";
  static final String WEIGHTS = "model.weights.h5";

  /** Configurations are text; the largest networks' have a few MB. */
  private static final long MAX_JSON = 64L << 20;

  /** The longest array that every JVM can make. */
  static final long MAX_WEIGHTS = Integer.MAX_VALUE - 8L;

  /** Keras stores weights uncompressed; a recompressed archive shrinks them by little. */
  private static final long MAX_EXPANSION = 100;

  private static final long FREE_EXPANSION = 16L << 20;

  private final Path path;
  private final ZipFile zip;
  private final JsonNode metadata;
  private final JsonNode config;

  private KerasArchive(Path path, ZipFile zip) throws IOException {
    this.path = path;
    this.zip = zip;
    metadata = Json.object(read(METADATA, MAX_JSON), path + " (" + METADATA + ")");
    config = Json.object(read(CONFIG, MAX_JSON), path + " (" + CONFIG + ")");
    if (!metadata.path("keras_version").isTextual()) {
      throw new KerasException(
          path + " (" + METADATA + ") has no text under keras_version, found " + metadata);
    }
  }

  /**
   * Opens an archive and reads its metadata and configuration.
   *
   * @param path a {@code .keras} file
   * @return the archive, the caller's to close
   * @throws KerasException if the file is no readable {@code .keras} archive
   */
  public static KerasArchive open(Path path) {
    ZipFile zip;
    try {
      zip = new ZipFile(path.toFile());
    } catch (IOException | IllegalArgumentException e) {
      throw new KerasException(
          path + " is no readable .keras archive (a zip file): " + Failures.reason(e), e);
    }
    try {
      return new KerasArchive(path, zip);
    } catch (IOException | RuntimeException e) {
      try {
        zip.close();
      } catch (IOException suppressed) {
        e.addSuppressed(suppressed);
      }
      throw e instanceof KerasException clear ? clear : damaged(path, e);
    }
  }

  /**
   * The file.
   *
   * @return its path
   */
  public Path path() {
    return path;
  }

  /**
   * The version of Keras that wrote the archive, such as {@code 3.6.0}.
   *
   * @return the version
   */
  public String kerasVersion() {
    return metadata.get("keras_version").textValue();
  }

  /**
   * When the archive was written, as Keras puts it: {@code 2025-01-31@13:05:00}, local time.
   *
   * @return the date, if the archive tells
   */
  public Optional<String> dateSaved() {
    return Optional.ofNullable(metadata.path("date_saved").textValue());
  }

  /**
   * The model as a serialized Keras object: {@code class_name}, {@code config} and so on.
   *
   * @return the content of {@code config.json}
   */
  public JsonNode config() {
    return config.deepCopy();
  }

  /**
   * Reads the weights into memory; what they are stays readable after the archive is closed.
   *
   * @return the weights, the caller's to close
   * @throws KerasException if they are missing or damaged
   */
  public WeightStore weights() {
    try {
      return new Hdf5WeightStore(
          Hdf5File.of(path, path + " (" + WEIGHTS + ")", read(WEIGHTS, MAX_WEIGHTS)));
    } catch (IOException e) {
      throw damaged(path, e);
    }
  }

  private byte[] read(String name, long limit) throws IOException {
    List<? extends ZipEntry> entries =
        zip.stream().filter(entry -> entry.getName().equals(name)).toList();
    if (entries.size() != 1) {
      throw new KerasException(
          "%s holds %d entries named %s, expected one; found %s"
              .formatted(
                  path,
                  entries.size(),
                  name,
                  ClassNames.list(zip.stream().map(ZipEntry::getName).sorted().toList())));
    }
    ZipEntry entry = entries.get(0);
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

  private static KerasException damaged(Path path, Exception cause) {
    return new KerasException(path + " is a damaged archive: " + Failures.reason(cause), cause);
  }

  @Override
  public void close() {
    try {
      zip.close();
    } catch (IOException e) {
      throw new KerasException(path + " cannot be closed: " + Failures.reason(e), e);
    }
  }
}
