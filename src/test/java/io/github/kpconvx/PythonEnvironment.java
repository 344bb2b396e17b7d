package io.github.kpconvx;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A Python environment that {@code python-compat/setup_environments.sh} makes. */
public final class PythonEnvironment {
  private static final Path HOME = Path.of("python-compat");

  private final Path python;

  private PythonEnvironment(Path python) {
    this.python = python;
  }

  /** The environment; the test is skipped, and says so, where there is none. */
  public static PythonEnvironment find(String name) {
    Path python = HOME.resolve(name).resolve("bin/python").toAbsolutePath();
    boolean found = Files.isExecutable(python);
    if (!found) {
      System.out.println(
          "No Python environment "
              + name
              + ": python-compat/setup_environments.sh makes it; not compared live");
    }
    assumeTrue(found);
    return new PythonEnvironment(python);
  }

  /**
   * Runs Python in {@code python-compat}.
   *
   * @param arguments after {@code python}
   * @return what it printed
   */
  public List<String> run(String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(python.toString()));
    command.addAll(List.of(arguments));
    Path log = Files.createTempFile("python", ".log");
    try {
      ProcessBuilder builder =
          new ProcessBuilder(command)
              .directory(HOME.toFile())
              .redirectErrorStream(true)
              .redirectOutput(log.toFile());
      // This checkout's package, wherever the environment was made.
      builder.environment().put("PYTHONPATH", HOME.toAbsolutePath().toString());
      int status = builder.start().waitFor();
      List<String> lines = Files.readAllLines(log);
      assertTrue(
          status == 0,
          () -> String.join("\n", lines.subList(Math.max(0, lines.size() - 30), lines.size())));
      return lines;
    } finally {
      Files.delete(log);
    }
  }
}
