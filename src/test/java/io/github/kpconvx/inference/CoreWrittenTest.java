package io.github.kpconvx.inference;

import static org.junit.jupiter.api.Assertions.assertFalse;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.github.kpconvx.Fixtures;
import io.github.kpconvx.PythonEnvironment;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
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

  @ParameterizedTest
  @CsvSource(".venv-latest, keras-3.15")
  void kerasOpensWhatIsWritten(String environment, String version) throws Exception {
    compare(environment, version);
  }

  @ParameterizedTest
  @CsvSource(".venv-keras2, keras-2.15")
  @Tag(Fixtures.FULL)
  void olderKerasToo(String environment, String version) throws Exception {
    compare(environment, version);
  }

  private void compare(String environment, String version) throws Exception {
    PythonEnvironment python = PythonEnvironment.find(environment);
    ArrayNode jobs = JsonNodeFactory.instance.arrayNode();
    List<Path> files =
        CoreModels.files()
            .filter(file -> file.endsWith(version + ".keras") && !CoreModels.isOfTraining(file))
            .toList();
    for (Path file : files) {
      write(file, jobs);
    }
    assertFalse(jobs.isEmpty());
    Path list = directory.resolve("jobs.json");
    Files.writeString(list, jobs.toString());
    python.run("-m", "kpconvx_compat.vl3d.check", list.toString());
  }

  private void write(Path file, ArrayNode jobs) throws IOException {
    Path folder =
        Files.createDirectories(directory.resolve(file.getParent().getFileName().toString()));
    for (String name : List.of("model.keras", "model.weights.h5", "saved_model")) {
      Path target = folder.resolve(name);
      KPConvX.loader(file).convert(target, writer -> writer.replacing(true));
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
