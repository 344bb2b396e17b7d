package io.github.kpconvx.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.Fixtures;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AtomicFileTest {
  private static final AtomicFile.Writer FULL_DISK =
      temporary -> {
        Files.writeString(Files.isDirectory(temporary) ? temporary.resolve("a") : temporary, "ne");
        throw new IOException("No space left on device");
      };

  @TempDir private Path folder;

  /** All that is in the folder, by path, files with their content. */
  private Map<String, String> content() throws IOException {
    Map<String, String> content = new LinkedHashMap<>();
    try (var paths = Files.walk(folder)) {
      for (Path path : paths.sorted().skip(1).toList()) {
        String name = folder.relativize(path).toString();
        content.put(name, Files.isDirectory(path) ? "" : Fixtures.text(path));
      }
    }
    return content;
  }

  private void fails(String reason, org.junit.jupiter.api.function.Executable write)
      throws IOException {
    Map<String, String> before = content();
    IOException e = assertThrows(IOException.class, write);
    assertTrue(String.valueOf(e.getMessage()).contains(reason), e::toString);
    assertEquals(before, content());
  }

  @Test
  void aFileAppearsWholeOrNotAtAll() throws IOException {
    Path file = folder.resolve("file.txt");
    fails("No space", () -> AtomicFile.write(file, FULL_DISK));
    AtomicFile.write(
        file,
        temporary -> {
          assertTrue(temporary.getFileName().toString().endsWith(".file.txt"));
          assertEquals(folder, temporary.getParent());
          Files.writeString(temporary, "new");
          assertTrue(Files.notExists(file));
        });
    assertEquals(Map.of("file.txt", "new"), content());
    fails("No space", () -> AtomicFile.write(file, FULL_DISK));
    AtomicFile.write(file, temporary -> Files.writeString(temporary, "newer"));
    assertEquals(Map.of("file.txt", "newer"), content());
  }

  @Test
  void ofFilesThatBelongTogetherNoneIsReplacedBeforeAllAreComplete() throws IOException {
    Path a = Files.writeString(folder.resolve("a"), "old");
    Path b = folder.resolve("b");
    Map<Path, AtomicFile.Writer> files = new LinkedHashMap<>();
    files.put(a, temporary -> Files.writeString(temporary, "new"));
    files.put(b, FULL_DISK);
    fails("No space", () -> AtomicFile.writeAll(files));
    files.put(b, temporary -> Files.writeString(temporary, "also new"));
    AtomicFile.writeAll(files);
    assertEquals(Map.of("a", "new", "b", "also new"), content());
  }

  @Test
  void aDirectoryAppearsWholeOrNotAtAll() throws IOException {
    Path directory = folder.resolve("directory");
    fails("No space", () -> AtomicFile.writeDirectory(directory, FULL_DISK));
    AtomicFile.writeDirectory(
        directory,
        temporary -> {
          assertEquals(folder, temporary.getParent());
          Files.writeString(Files.createDirectory(temporary.resolve("inner")).resolve("a"), "new");
          assertTrue(Files.notExists(directory));
        });
    Map<String, String> written =
        Map.of("directory", "", "directory/inner", "", "directory/inner/a", "new");
    assertEquals(written, content());
    fails("No space", () -> AtomicFile.writeDirectory(directory, FULL_DISK));
    AtomicFile.writeDirectory(
        directory, temporary -> Files.writeString(temporary.resolve("b"), "newer"));
    assertEquals(Map.of("directory", "", "directory/b", "newer"), content());
  }

  @Test
  void theOldDirectoryComesBackWhereTheNewOneCannotTakeItsPlace() throws IOException {
    Path directory = Files.createDirectory(folder.resolve("directory"));
    Files.writeString(directory.resolve("a"), "old");
    fails("", () -> AtomicFile.writeDirectory(directory, Files::delete));
  }

  @Test
  void saysWhatIsWrong() throws IOException {
    Path lost = folder.resolve("no/such/file");
    IOException e =
        assertThrows(
            IOException.class,
            () -> AtomicFile.write(lost, temporary -> Files.writeString(temporary, "")));
    assertEquals("there is no folder " + lost.getParent(), Failures.reason(e));
    fails("not the name of a file", () -> AtomicFile.write(Path.of("/"), FULL_DISK));
    fails("not the name of a file", () -> AtomicFile.writeDirectory(Path.of(""), FULL_DISK));
    assertEquals(List.of(), Fixtures.files(folder));
  }

  @Test
  void aLinkStaysALink(@TempDir Path folder) throws IOException {
    Path file = Files.writeString(folder.resolve("real.txt"), "old");
    Path link = Files.createSymbolicLink(folder.resolve("link.txt"), Path.of("real.txt"));
    AtomicFile.write(link, temporary -> Files.writeString(temporary, "new"));
    assertTrue(Files.isSymbolicLink(link));
    assertEquals("new", Files.readString(file));
    Path dangling = Files.createSymbolicLink(folder.resolve("to-nothing"), Path.of("made.txt"));
    AtomicFile.write(dangling, temporary -> Files.writeString(temporary, "made"));
    assertTrue(Files.isSymbolicLink(dangling));
    assertEquals("made", Files.readString(folder.resolve("made.txt")));
    Path circle = Files.createSymbolicLink(folder.resolve("circle"), Path.of("circle"));
    assertThrows(
        IOException.class, () -> AtomicFile.write(circle, path -> Files.writeString(path, "x")));
  }

  @Test
  void aLinkedDirectoryStaysLinked(@TempDir Path folder) throws IOException {
    Path real = Files.createDirectory(folder.resolve("real"));
    Files.writeString(real.resolve("a"), "old");
    Path link = Files.createSymbolicLink(folder.resolve("link"), real);
    AtomicFile.writeDirectory(link, temporary -> Files.writeString(temporary.resolve("b"), "new"));
    assertTrue(Files.isSymbolicLink(link));
    assertEquals("new", Files.readString(real.resolve("b")));
    assertFalse(Files.exists(real.resolve("a")));
  }

  @Test
  void whatIsNoFileIsWrittenToAndStays(@TempDir Path folder) throws Exception {
    Path pipe = folder.resolve("pipe");
    assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor());
    CompletableFuture<String> read =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return Files.readString(pipe);
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            });
    AtomicFile.write(pipe, temporary -> Files.writeString(temporary, "through"));
    assertEquals("through", read.get(10, TimeUnit.SECONDS));
    assertTrue(Files.readAttributes(pipe, BasicFileAttributes.class).isOther());
    AtomicFile.write(Path.of("/dev/null"), temporary -> Files.writeString(temporary, "nowhere"));
    assertTrue(Files.readAttributes(Path.of("/dev/null"), BasicFileAttributes.class).isOther());
  }
}
