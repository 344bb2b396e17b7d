package io.github.kpconvx;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The resident memory of this JVM, on Linux. Tells of native memory alone where the heap never
 * grows, as surefire is told for the tests that use this.
 */
public final class ResidentMemory {
  private static final double ALLOWED = 1.02;

  private ResidentMemory() {}

  /**
   * By how many bytes resident memory rose at the highest while something ran once, by the kernel's
   * own account. TensorFlow keeps what it frees for later: only what is first in a process tells.
   */
  public static long peakOf(Runnable once) {
    long before = kib();
    try {
      // 5 resets the peak, as proc(5) tells.
      Files.writeString(Path.of("/proc/self/clear_refs"), "5");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    once.run();
    return peak() - (before << 10);
  }

  /** The most memory that was ever resident, in bytes. */
  public static long peak() {
    return status("VmHWM:") << 10;
  }

  /**
   * What a program says in numbers on the first line of its output, in a process of its own with a
   * small heap.
   *
   * @param main the class of the program, which is ended as soon as it said so
   */
  public static long[] ofProcess(Class<?> main, String... arguments) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx768m",
                // JavaCPP would refuse what a small heap's process takes besides.
                "-Dorg.bytedeco.javacpp.maxPhysicalBytes=0",
                "-cp",
                System.getProperty("java.class.path"),
                main.getName()));
    command.addAll(List.of(arguments));
    Path log = Files.createTempFile("process", ".log");
    Process process = new ProcessBuilder(command).redirectError(log.toFile()).start();
    try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
      String line = out.readLine();
      if (line == null) {
        throw new IOException(Files.readString(log));
      }
      return Arrays.stream(line.split(" ")).mapToLong(Long::parseLong).toArray();
    } finally {
      process.destroyForcibly();
      Files.delete(log);
    }
  }

  /** VmRSS in KiB after garbage collection, so that unreachable buffers do not count. */
  public static long kib() {
    try {
      for (int i = 0; i < 3; i++) {
        System.gc();
        Thread.sleep(100);
      }
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
    return status("VmRSS:");
  }

  private static long status(String key) {
    try {
      return Files.readAllLines(Path.of("/proc/self/status")).stream()
          .filter(line -> line.startsWith(key))
          .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
          .findFirst()
          .orElseThrow();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Fails if memory grew by more than 2 % while something was done again and again. */
  public static void assertFlat(long before, long after, int times) {
    System.out.printf(
        "Resident memory: %d MiB after the warm-up, %d MiB after %,d rounds%n",
        before >> 10, after >> 10, times);
    assertTrue(
        after <= before * ALLOWED,
        "resident memory grew from " + (before >> 10) + " to " + (after >> 10) + " MiB");
  }
}
