package io.github.kpconvx.inference;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.github.kpconvx.Fixtures;
import io.github.kpconvx.PythonEnvironment;
import io.github.kpconvx.network.WriteOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Keras's own layers and operations, written in Java: the same Keras opens all kinds of files and
 * answers the same.
 */
class CoreWrittenTest {
  @TempDir private Path directory;

  /** With sublayers, with weights that are not trained, with none, with several inputs. */
  private static final Pattern REPRESENTATIVES =
      Pattern.compile("dense|batch_normalization|flatten|concatenate|multi_head_attention");

  /** Keras does not read what it writes of this itself. */
  private static final Path UNREADABLE = Path.of("rescaling_array", "keras-2.15.keras");

  @ParameterizedTest
  @CsvSource(".venv-latest, keras-3.15")
  void kerasOpensWhatIsWritten(String environment, String version) throws Exception {
    compare(environment, version, REPRESENTATIVES);
  }

  @ParameterizedTest
  @CsvSource({".venv-latest, keras-3.15", ".venv-keras2, keras-2.15", ".venv-tf218, keras-3.6"})
  @Tag(Fixtures.FULL)
  void everyCaseToo(String environment, String version) throws Exception {
    compare(environment, version, Pattern.compile(".*"));
  }

  private void compare(String environment, String version, Pattern wanted) throws Exception {
    PythonEnvironment python = PythonEnvironment.find(environment);
    ArrayNode jobs = JsonNodeFactory.instance.arrayNode();
    List<Path> files =
        CoreModels.files()
            .filter(file -> file.endsWith(version + ".keras") && !CoreModels.isOfTraining(file))
            .filter(file -> wanted.matcher(file.getParent().getFileName().toString()).matches())
            .filter(file -> !file.endsWith(UNREADABLE))
            .toList();
    for (Path file : files) {
      write(file, jobs);
    }
    Path list = directory.resolve("jobs.json");
    Files.writeString(list, jobs.toString());
    python.run("-m", "kpconvx_compat.vl3d.check", list.toString());
  }

  private void write(Path file, ArrayNode jobs) throws IOException {
    Path folder =
        Files.createDirectories(directory.resolve(file.getParent().getFileName().toString()));
    // A SavedModel holds nothing of a version of Keras.
    for (String name :
        file.endsWith("keras-3.15.keras")
            ? List.of("model.keras", "model.weights.h5", "saved_model")
            : List.of("model.keras", "model.weights.h5")) {
      Path target = folder.resolve(name);
      KPConvX.loader(file).convert(target, WriteOptions.DEFAULT.withReplacing(true));
      var job =
          jobs.addObject()
              .put("inputs", file.resolveSibling("in.npz").toAbsolutePath().toString())
              .put("golden", CoreModels.goldenFile(file).toAbsolutePath().toString());
      if (name.endsWith(".h5")) {
        job.put("model", file.toAbsolutePath().toString()).put("weights", target.toString());
      } else {
        job.put("model", target.toString());
      }
    }
  }
}
