package io.github.kpconvx;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** The models under {@code savedmodels}. */
public final class Fixtures {
  /** The trained model. */
  public static final Path AERIAL = Path.of("savedmodels/aerial");

  private static final Path PARITY = Path.of("savedmodels/parity");

  private Fixtures() {}

  /** Every parity case of every Keras version. */
  public static List<Path> cases() {
    return directories(PARITY).flatMap(Fixtures::directories).toList();
  }

  /** One case of the older Keras version. */
  public static Path of(String name) {
    return PARITY.resolve("keras-3.6.0").resolve(name);
  }

  public static String text(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public static Stream<Path> directories(Path path) {
    return files(path).stream().filter(Files::isDirectory);
  }

  public static List<Path> files(Path path) {
    try (Stream<Path> entries = Files.list(path)) {
      return entries.sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
