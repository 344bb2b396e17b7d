package io.github.kpconvx.inference;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.Fixtures;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.KernelPoints;
import io.github.kpconvx.network.WriteOptions;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Whatever stops the writing, the file that was there before is whole. */
@EnabledOnOs(OS.LINUX)
class InterruptedWriteTest {
  private static final Path SOURCE = Fixtures.of("wide").resolve("saved_model");
  private static final List<String> TARGETS = List.of("model.keras", "model.weights.h5", "model");
  private static final int KILLS = 3;

  /** Less than any of the models' files takes, in KiB. */
  private static final int LARGEST_FILE = 48;

  @TempDir private Path folder;

  /** Runs in a process of its own, which is stopped or may not write much. */
  static final class Child {
    private Child() {}

    /** Writes all targets, as often as it is told, and says how that went. */
    public static void main(String[] arguments) {
      for (int round = 0; round < Integer.parseInt(arguments[1]); round++) {
        for (String target : TARGETS) {
          try {
            KPConvX.loader(SOURCE)
                .convert(Path.of(arguments[0], target), WriteOptions.DEFAULT.withReplacing(true));
            System.out.println("written " + target);
          } catch (KerasException e) {
            System.out.println("failed " + e.getMessage());
          }
        }
      }
    }
  }

  private Process start(String shell, int rounds) throws IOException {
    String java =
        "exec '%s' -XX:-UsePerfData -cp '%s' '%s' '%s' %d"
            .formatted(
                Path.of(System.getProperty("java.home"), "bin", "java"),
                System.getProperty("java.class.path"),
                Child.class.getName(),
                folder,
                rounds);
    return new ProcessBuilder("bash", "-c", shell + java)
        .redirectError(ProcessBuilder.Redirect.DISCARD)
        .start();
  }

  private static Map<String, float[]> weights(Path file) {
    return ConvertTest.weights(
        file,
        file.toString().endsWith(".h5")
            ? Optional.of(
                KerasObject.parse(Fixtures.text(SOURCE.resolve("assets.extra/keras_config.json"))))
            : Optional.empty(),
        KernelPoints.fromFileOnly());
  }

  private void assertWhole(Map<String, float[]> expected, Path target) {
    Path there = target;
    if (!Files.exists(target)) {
      // Killed in the moment between two moves of directories: the old one stands aside.
      there =
          Fixtures.files(folder).stream()
              .filter(path -> path.getFileName().toString().startsWith("model.old-"))
              .findFirst()
              .orElseThrow();
    }
    Map<String, float[]> found = weights(there);
    assertEquals(expected.keySet(), found.keySet());
    expected.forEach((name, values) -> assertArrayEquals(values, found.get(name), name));
  }

  @Test
  void aKilledProcessLeavesWholeFiles() throws Exception {
    Map<String, float[]> expected = weights(SOURCE);
    for (int kill = 0; kill < KILLS; kill++) {
      Process process = start("", Integer.MAX_VALUE);
      try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
        // Every target was written once: from here on each write replaces a whole one.
        for (String target : TARGETS) {
          assertEquals("written " + target, out.readLine());
        }
        Thread.sleep(ThreadLocalRandom.current().nextInt(1000));
      } finally {
        process.destroyForcibly();
      }
      assertTrue(process.waitFor(1, TimeUnit.MINUTES));
      TARGETS.forEach(target -> assertWhole(expected, folder.resolve(target)));
    }
  }

  @Test
  void aFullDiskLeavesTheOldFiles() throws Exception {
    for (String target : TARGETS) {
      KPConvX.loader(SOURCE).convert(folder.resolve(target));
    }
    Map<String, float[]> expected = weights(SOURCE);
    List<Path> before = Fixtures.files(folder);
    Process process = start("ulimit -f " + LARGEST_FILE + "; ", 1);
    List<String> lines = new ArrayList<>();
    try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
      out.lines().forEach(lines::add);
    }
    assertEquals(0, process.waitFor());
    assertEquals(TARGETS.size(), lines.size(), lines::toString);
    for (int i = 0; i < TARGETS.size(); i++) {
      String line = lines.get(i);
      assertNotNull(line);
      assertTrue(
          line.startsWith("failed " + folder.resolve(TARGETS.get(i)) + ": cannot be written: "),
          line);
      assertTrue(line.contains("File too large"), line);
      assertWhole(expected, folder.resolve(TARGETS.get(i)));
    }
    assertEquals(before, Fixtures.files(folder));
  }
}
