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
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * A {@code .keras} archive as {@code model.save} of Keras 3, and of Keras 2.12 and later, writes
 * it: a zip of {@code metadata.json}, {@code config.json} and {@code model.weights.h5}, or a folder
 * of the same files.
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

  private final Path path;
  private final ArchiveEntries entries;
  private final JsonNode metadata;
  private final JsonNode config;

  private KerasArchive(Path path, ArchiveEntries entries) throws IOException {
    this.path = path;
    this.entries = entries;
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
   * @param path a {@code .keras} file, or the same as a folder
   * @return the archive, the caller's to close
   * @throws KerasException if the file is no readable {@code .keras} archive
   */
  public static KerasArchive open(Path path) {
    return of(path, Files.isDirectory(path) ? new FolderEntries(path) : ZipEntries.of(path));
  }

  /**
   * Opens an archive that is in memory, through a temporary file that is deleted with it.
   *
   * @param name names it in errors
   * @param content its bytes
   * @return the archive, the caller's to close
   * @throws KerasException if it is no readable {@code .keras} archive
   */
  static KerasArchive of(Path name, byte[] content) {
    return of(name, ZipEntries.of(name, content));
  }

  /** Takes care of the entries. */
  private static KerasArchive of(Path path, ArchiveEntries entries) {
    try {
      return new KerasArchive(path, entries);
    } catch (IOException | RuntimeException e) {
      try {
        entries.close();
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
    List<String> names = entries.names();
    long count = names.stream().filter(name::equals).count();
    if (count != 1) {
      throw new KerasException(
          "%s holds %d entries named %s, expected one; found %s"
              .formatted(path, count, name, ClassNames.list(names.stream().sorted().toList())));
    }
    return entries.read(name, limit);
  }

  private static KerasException damaged(Path path, Exception cause) {
    return new KerasException(path + " is a damaged archive: " + Failures.reason(cause), cause);
  }

  @Override
  public void close() {
    try {
      entries.close();
    } catch (IOException e) {
      throw new KerasException(path + " cannot be closed: " + Failures.reason(e), e);
    }
  }
}
