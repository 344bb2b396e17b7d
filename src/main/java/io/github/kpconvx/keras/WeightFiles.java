package io.github.kpconvx.keras;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/** Tells the kinds of files with weights apart. */
final class WeightFiles {
  private static final byte[] ZIP = {'P', 'K'};
  private static final byte[] HDF5 = {(byte) 0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
  private static final String KINDS =
      "a SavedModel directory (with saved_model.pb), a .keras archive or a .weights.h5";

  private WeightFiles() {}

  /**
   * Opens any of them.
   *
   * @param path a file or directory
   * @return its weights
   * @throws KerasException if it is none of the kinds, or a damaged one
   */
  static WeightStore open(Path path) {
    if (!Files.exists(path)) {
      throw new KerasException(path + " does not exist, expected " + KINDS);
    }
    if (Files.isDirectory(path)) {
      return SavedModelDirectory.open(path).weights();
    }
    byte[] start = start(path);
    String name = String.valueOf(path.getFileName());
    if (beginsWith(start, HDF5) || (name.endsWith(".h5") && !beginsWith(start, ZIP))) {
      return Hdf5WeightStore.ofFile(path);
    }
    if (beginsWith(start, ZIP) || name.endsWith(".keras")) {
      try (KerasArchive archive = KerasArchive.open(path)) {
        return archive.weights();
      }
    }
    throw new KerasException(
        "%s is none of the kinds that hold weights, expected %s; found a file of %s"
            .formatted(
                path,
                KINDS,
                start.length == 0
                    ? "0 bytes"
                    : "another kind, which begins with the bytes " + hex(start)));
  }

  private static byte[] start(Path path) {
    try (InputStream in = Files.newInputStream(path)) {
      return in.readNBytes(HDF5.length);
    } catch (IOException e) {
      throw new KerasException(path + " cannot be read: " + Failures.reason(e), e);
    }
  }

  private static boolean beginsWith(byte[] bytes, byte[] start) {
    return bytes.length >= start.length
        && Arrays.equals(bytes, 0, start.length, start, 0, start.length);
  }

  private static String hex(byte[] bytes) {
    return java.util.HexFormat.ofDelimiter(" ").formatHex(bytes);
  }
}
