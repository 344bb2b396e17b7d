package io.github.kpconvx;

import io.github.kpconvx.keras.savedmodel.SavedModelDirectory;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/** The models under {@code savedmodels}. */
public final class Fixtures {
  /**
   * The tag of tests that take long and have a quicker one of their kind: {@code mvn verify} leaves
   * them out, {@code mvn -Pfull verify} runs all.
   */
  public static final String FULL = "full";

  /** The trained model. */
  public static final Path AERIAL = Path.of("savedmodels/aerial");

  private static final Path PARITY = Path.of("savedmodels/parity");
  private static final Path KERAS_2 = Path.of("savedmodels/keras2");

  /** The files of a case that hold a model or its weights. */
  private static final List<String> MODELS =
      List.of("saved_model", "model.keras", "model.h5", "weights.h5", "model.weights.h5");

  /** One or two of each version, which have a bit of everything between them. */
  private static final Set<String> REPRESENTATIVES =
      Set.of(
          "keras-3.15.1/deformable",
          "keras-3.15.1/network_two_outputs",
          "keras-3.6.0/nested",
          "keras-2.15.0/batch_norms",
          "tf_keras-2.21.0/original");

  private Fixtures() {}

  /** Every parity case of every version of Keras 3 and Keras 2. */
  public static List<Path> cases() {
    return Stream.of(PARITY, KERAS_2)
        .flatMap(Fixtures::directories)
        .flatMap(Fixtures::directories)
        .toList();
  }

  /** The parity cases that every run of the tests takes. */
  public static Stream<Path> representatives() {
    return cases().stream().filter(Fixtures::isRepresentative);
  }

  /** The parity cases that tests with the tag {@link #FULL} take. */
  public static Stream<Path> others() {
    return cases().stream().filter(path -> !isRepresentative(path));
  }

  private static boolean isRepresentative(Path directory) {
    int names = directory.getNameCount();
    return REPRESENTATIVES.contains(directory.subpath(names - 2, names).toString());
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
