package io.github.kpconvx.keras.file;

import java.io.IOException;
import java.util.List;

/** The files that a {@code .keras} archive consists of, wherever they are. */
interface ArchiveEntries extends AutoCloseable {
  /** The names of all of them, one for each. */
  List<String> names();

  /**
   * Reads one of them.
   *
   * @param name its name, which is there once
   * @param limit how many bytes it may have at most
   * @return its content
   * @throws IOException if it is damaged
   */
  byte[] read(String name, long limit) throws IOException;

  @Override
  void close() throws IOException;
}
