package io.github.kpconvx.inference;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.Fixtures;
import io.github.kpconvx.PythonEnvironment;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Live comparison with Python, in the environments that {@code python-compat/setup_environments.sh}
 * makes.
 */
@Tag(Fixtures.FULL)
@Order(1) // The longest: while it runs, others do.
class PythonTest {
  private static final int MODELS = 4;

  @TempDir private Path directory;

  @ParameterizedTest
  @ValueSource(strings = {".venv-tf218", ".venv-latest", ".venv-keras2", ".venv-tfkeras"})
  void modelsThatNobodyHasSeenAgreeStageByStage(String environment) throws Exception {
    PythonEnvironment python = PythonEnvironment.find(environment);
    int seed = ThreadLocalRandom.current().nextInt(1_000_000);
    System.out.println("Models drawn from seed " + seed + " with " + environment);
    python.run(
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
      assertTrue(Fixtures.models(model).size() >= 3);
      for (String file : Fixtures.models(model)) {
        parity.nativeEngineAgreesStageByStage(model, file);
      }
      if (Fixtures.hasSignature(model)) {
        parity.storedSignatureAgrees(model);
      }
      parity.oracleAgreesWithKeras(model);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {".venv-tf218", ".venv-latest", ".venv-keras2", ".venv-tfkeras"})
  void pythonsOwnTestsPass(String environment) throws Exception {
    PythonEnvironment.find(environment).run("-m", "pytest", "-q").stream()
        .filter(line -> line.matches("\\d+ passed.*"))
        .forEach(System.out::println);
  }
}
