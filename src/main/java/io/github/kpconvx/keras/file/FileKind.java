package io.github.kpconvx.keras.file;

import io.github.kpconvx.io.Failures;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.TextFile;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;

/** The kinds of files that hold a Keras model, told apart by their content. */
public enum FileKind {
  /** A directory with a {@code saved_model.pb}. */
  SAVED_MODEL,
  /** A {@code .keras} archive. */
  ARCHIVE,
  /** An HDF5 file, be it a whole model or weights alone. */
  HDF5;

  private static final byte[] ZIP_START = {'P', 'K'};
  private static final byte[] HDF5_START = {(byte) 0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
  private static final String KINDS =
      "a SavedModel directory (with saved_model.pb), a .keras archive or an HDF5 file (.h5, .weights.h5)";

  /**
   * The kind of a file or directory.
   *
   * @param path a file or directory
   * @return its kind
   * @throws KerasException if there is nothing, or nothing of these kinds
   */
  public static FileKind of(Path path) {
    if (!Files.exists(path)) {
      throw new KerasException(path + " does not exist, expected " + KINDS);
    }
    if (Files.isDirectory(path)) {
      return SAVED_MODEL;
    }
    TextFile.refusePointer(path);
    byte[] start = start(path);
    String name = String.valueOf(path.getFileName());
    if (beginsWith(start, HDF5_START) || (name.endsWith(".h5") && !beginsWith(start, ZIP_START))) {
      return HDF5;
    }
    if (beginsWith(start, ZIP_START) || name.endsWith(".keras")) {
      return ARCHIVE;
    }
    throw new KerasException(
        "%s is none of the kinds that hold weights, expected %s; found a file of %s"
            .formatted(
                path,
                KINDS,
                start.length == 0
                    ? "0 bytes"
                    : "another kind, which begins with the bytes "
                        + HexFormat.ofDelimiter(" ").formatHex(start)));
  }

  private static byte[] start(Path path) {
    try (InputStream in = Files.newInputStream(path)) {
      return in.readNBytes(HDF5_START.length);
    } catch (IOException e) {
      throw new KerasException(path + " cannot be read: " + Failures.reason(e), e);
    }
  }

  private static boolean beginsWith(byte[] bytes, byte[] start) {
    return bytes.length >= start.length
        && Arrays.equals(bytes, 0, start.length, start, 0, start.length);
  }
}
