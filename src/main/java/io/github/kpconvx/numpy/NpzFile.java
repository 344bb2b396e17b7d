package io.github.kpconvx.numpy;

import io.github.kpconvx.io.AtomicFile;
import io.github.kpconvx.io.Failures;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Enumeration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/**
 * Reads and writes {@code .npz}, NumPy's zip archive of named arrays ({@code numpy.savez}, {@code
 * numpy.savez_compressed}).
 *
 * @see <a href="https://numpy.org/doc/stable/reference/generated/numpy.savez.html">numpy.savez</a>
 */
public final class NpzFile {
  private static final String SUFFIX = ".npy";

  private NpzFile() {}

  /**
   * Reads all arrays of a file.
   *
   * @param file the file
   * @return arrays by name, in the file's order
   * @throws NumpyException if the file is missing, no {@code .npz}, cut short, or holds an
   *     unsupported array
   */
  public static Map<String, NpyArray> read(Path file) {
    Map<String, NpyArray> arrays = new LinkedHashMap<>();
    try (ZipFile zip = new ZipFile(file.toFile())) {
      for (Enumeration<? extends ZipEntry> entries = zip.entries(); entries.hasMoreElements(); ) {
        ZipEntry entry = entries.nextElement();
        String name = entry.getName();
        if (!name.endsWith(SUFFIX)) {
          throw new NumpyException(file + " holds " + name + ", which is no NumPy array");
        }
        NpyArray array = NpyArray.parse(name + " of " + file, bytes(zip, entry, file));
        if (arrays.put(name.substring(0, name.length() - SUFFIX.length()), array) != null) {
          throw new NumpyException(file + " holds " + name + " twice, expected each array once");
        }
      }
    } catch (ZipException e) {
      throw new NumpyException(
          file + " is no .npz file, or is cut short or damaged: " + Failures.reason(e), e);
    } catch (IOException e) {
      throw new NumpyException("Cannot read " + file + ": " + Failures.reason(e), e);
    }
    return Collections.unmodifiableMap(arrays);
  }

  private static byte[] bytes(ZipFile zip, ZipEntry entry, Path file) throws IOException {
    long declared = entry.getSize();
    if (declared < 0 || declared > Integer.MAX_VALUE - 64) {
      throw new NumpyException(
          entry.getName()
              + " of "
              + file
              + " declares "
              + declared
              + " bytes; at most 2 GiB are read");
    }
    try (InputStream in = zip.getInputStream(entry)) {
      // Grows with what is really there, whatever the entry declares.
      byte[] bytes = in.readNBytes((int) declared + 1);
      if (bytes.length != declared) {
        throw new NumpyException(
            entry.getName()
                + " of "
                + file
                + " declares "
                + declared
                + " bytes, holds "
                + bytes.length);
      }
      // Java's reader does not look whether they are those that were written.
      CRC32 crc = new CRC32();
      crc.update(bytes);
      if (crc.getValue() != entry.getCrc()) {
        throw new NumpyException(
            "%s of %s is damaged: its checksum is %08x, expected %08x"
                .formatted(entry.getName(), file, crc.getValue(), entry.getCrc()));
      }
      return bytes;
    }
  }

  /**
   * Writes arrays, uncompressed, to a temporary file that is moved into place when it is complete.
   *
   * @param file the file; replaced if it exists
   * @param arrays arrays by name
   * @throws NumpyException if it cannot be written; an older file is untouched then
   */
  public static void write(Path file, Map<String, NpyArray> arrays) {
    try {
      AtomicFile.write(file, temporary -> writeTo(temporary, arrays));
    } catch (IOException e) {
      throw new NumpyException("Cannot write " + file + ": " + Failures.reason(e), e);
    }
  }

  private static void writeTo(Path path, Map<String, NpyArray> arrays) throws IOException {
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(path))) {
      for (Map.Entry<String, NpyArray> array : arrays.entrySet()) {
        byte[] bytes = array.getValue().toBytes();
        ZipEntry entry = new ZipEntry(array.getKey() + SUFFIX);
        CRC32 crc = new CRC32();
        crc.update(bytes);
        entry.setMethod(ZipEntry.STORED);
        entry.setSize(bytes.length);
        entry.setCrc(crc.getValue());
        zip.putNextEntry(entry);
        zip.write(bytes);
      }
    }
  }
}
