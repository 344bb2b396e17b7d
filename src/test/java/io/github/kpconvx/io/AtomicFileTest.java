package io.github.kpconvx.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.Fixtures;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
    assertEquals("there is no folder " + lost.getParent(), AtomicFile.reason(e, lost));
    fails("not the name of a file", () -> AtomicFile.write(Path.of("/"), FULL_DISK));
    fails("not the name of a file", () -> AtomicFile.writeDirectory(Path.of(""), FULL_DISK));
    assertEquals(List.of(), Fixtures.files(folder));
  }
}
