package io.github.kpconvx.inference;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.kpconvx.Fixtures;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Live comparison with Python, in the environments that {@code python-compat/setup_environments.sh}
 * makes.
 */
class PythonTest {
  private static final int MODELS = 4;

  @TempDir private Path directory;

  @ParameterizedTest
  @ValueSource(strings = {".venv-tf218", ".venv-latest"})
  void modelsThatNobodyHasSeenAgreeStageByStage(String environment) throws Exception {
    Path python = python(environment);
    int seed = ThreadLocalRandom.current().nextInt(1_000_000);
    System.out.println("Models drawn from seed " + seed + " with " + environment);
    run(
        python,
        "-m",
        "kpconvx_compat.unseen",
        directory.toString(),
        "--seed",
        "" + seed,
        "--count",
        "" + MODELS);
    ParityTest parity = new ParityTest();
    List<Path> cases = Fixtures.directories(directory).flatMap(Fixtures::directories).toList();
    assertEquals(MODELS, cases.size());
    for (Path model : cases) {
      for (String file : List.of("saved_model", "model.keras", "model.weights.h5")) {
        parity.nativeEngineAgreesStageByStage(model, file);
      }
      parity.storedSignatureAgrees(model);
      parity.oracleAgreesWithKeras(model);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {".venv-tf218", ".venv-latest"})
  void pythonsOwnTestsPass(String environment) throws Exception {
    run(python(environment), "-m", "pytest", "-q");
  }

  private static Path python(String environment) {
    Path python = Path.of("python-compat", environment, "bin", "python").toAbsolutePath();
    boolean found = Files.isExecutable(python);
    if (!found) {
      System.out.println(
          "No Python environment "
              + environment
              + ": python-compat/setup_environments.sh makes it; not compared live");
    }
    assumeTrue(found);
    return python;
  }

  private void run(Path python, String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(python.toString()));
    command.addAll(List.of(arguments));
    Path log = directory.resolve("log.txt");
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(Path.of("python-compat").toFile())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile());
    int status = builder.start().waitFor();
    List<String> lines = Files.readAllLines(log);
    List<String> last = lines.subList(Math.max(0, lines.size() - 30), lines.size());
    assertTrue(status == 0, () -> String.join("\n", last));
    last.stream().filter(line -> line.matches("\\d+ passed.*")).forEach(System.out::println);
    Files.delete(log);
  }
}
