package io.github.kpconvx.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.bytedeco.javacpp.Loader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What JavaCPP is told, each time in a JVM of its own. */
class NativeLibrariesTest {
  @TempDir Path folder;

  @Test
  void javaCppIsToldWhatItNeedNotDo() throws Exception {
    assertEquals("0 -none", told(List.of(), classPath()));
  }

  @Test
  void whatTheJvmWasStartedWithComesFirst() throws Exception {
    List<String> options =
        List.of(
            "-Dorg.bytedeco.javacpp.maxPhysicalBytes=2g",
            "-Dorg.bytedeco.javacpp.platform.extension=-other");
    assertEquals("2g -other", told(options, classPath()));
  }

  @Test
  void aLibraryForGpusIsLookedForWhereThereIsOne() throws Exception {
    Path library =
        folder
            .resolve("org/tensorflow/internal/c_api")
            .resolve(Loader.getPlatform() + "-gpu")
            .resolve(System.mapLibraryName("jnitensorflow"));
    Files.createDirectories(library.getParent());
    Files.createFile(library);
    assertEquals("0 null", told(List.of(), classPath() + File.pathSeparator + folder));
  }

  /** Without TensorFlow's library for GPUs, if the build took it. */
  private static String classPath() {
    return Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
        .filter(entry -> !entry.endsWith("-gpu.jar"))
        .collect(Collectors.joining(File.pathSeparator));
  }

  private static String told(List<String> options, String classPath)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(options);
    command.addAll(List.of("-cp", classPath, Child.class.getName()));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), out);
    return out.strip();
  }

  static final class Child {
    public static void main(String[] arguments) {
      NativeLibraries.setUp();
      System.out.println(
          System.getProperty("org.bytedeco.javacpp.maxPhysicalBytes")
              + " "
              + System.getProperty("org.bytedeco.javacpp.platform.extension"));
    }
  }
}
