package io.github.kpconvx;

import io.github.kpconvx.keras.savedmodel.SavedModelDirectory;
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
  private static final Path KERAS_2 = Path.of("savedmodels/keras2");

  /** The files of a case that hold a model or its weights. */
  private static final List<String> MODELS =
      List.of("saved_model", "model.keras", "model.h5", "weights.h5", "model.weights.h5");

  private Fixtures() {}

  /** Every parity case of every version of Keras 3 and Keras 2. */
  public static List<Path> cases() {
    return Stream.of(PARITY, KERAS_2)
        .flatMap(Fixtures::directories)
        .flatMap(Fixtures::directories)
        .toList();
  }

  /** The files of a case that hold a model or its weights. */
  public static List<String> models(Path directory) {
    return MODELS.stream().filter(name -> Files.exists(directory.resolve(name))).toList();
  }

  /** Whether a case's SavedModel can be run: Keras 2 leaves signatures out where it is told to. */
  public static boolean hasSignature(Path directory) {
    return !SavedModelDirectory.open(directory.resolve("saved_model")).signatures().isEmpty();
  }

  /** Whether a model's file holds weights alone. */
  public static boolean holdsWeightsAlone(String file) {
    return file.endsWith("weights.h5");
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
