package io.github.kpconvx.io;

import static java.nio.file.LinkOption.NOFOLLOW_LINKS;
import static java.nio.file.StandardCopyOption.ATOMIC_MOVE;
import static java.nio.file.StandardCopyOption.REPLACE_EXISTING;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Stream;

/**
 * Writes files and directories that are either complete or not there: under a temporary name beside
 * the target, brought to the disk, then moved into place. Whatever stops the writing, be it an
 * error, a full disk or the end of the process, leaves the target as it was. A link stays one: what
 * it leads to is replaced. What is no file, such as a device or a pipe, is written to and stays
 * what it is.
 */
public final class AtomicFile {

  /** Writes to the path it is given. */
  @FunctionalInterface
  public interface Writer {
    /**
     * Writes the content.
     *
     * @param temporary where to; nothing is there but, for a directory, an empty one
     * @throws IOException if that fails
     */
    void write(Path temporary) throws IOException;
  }

  /** As many as Linux follows. */
  private static final int MOST_LINKS = 40;

  private AtomicFile() {}

  /**
   * Writes a file.
   *
   * @param target the file to make or replace
   * @param writer writes the content; the name it is given ends as the target's
   * @throws IOException if that fails; the target is then as it was
   */
  public static void write(Path target, Writer writer) throws IOException {
    writeAll(Map.of(target, writer));
  }

  /**
   * Writes files that belong together: all are complete before the first is moved into place.
   *
   * @param files what writes each file, by the file to make or replace; the names that they are
   *     given end as the files'
   * @throws IOException if that fails; unless it was a move, all files are then as they were
   */
  public static void writeAll(Map<Path, Writer> files) throws IOException {
    Map<Path, Path> written = new LinkedHashMap<>();
    try {
      for (Map.Entry<Path, Writer> file : files.entrySet()) {
        Path target = file.getKey();
        boolean takesPlace = takesPlace(target);
        // Not Files.createTempFile: the file would keep its private permissions after the move.
        Path temporary =
            takesPlace ? sibling(linked(target)) : Files.createTempFile("", name(target));
        written.put(temporary, takesPlace ? linked(target) : target);
        file.getValue().write(temporary);
        if (takesPlace) {
          sync(temporary);
        }
      }
      for (Map.Entry<Path, Path> move : written.entrySet()) {
        Path target = move.getValue();
        if (takesPlace(target)) {
          Files.move(move.getKey(), target, ATOMIC_MOVE, REPLACE_EXISTING);
          syncFolderOf(target);
        } else {
          try (OutputStream out = Files.newOutputStream(target, StandardOpenOption.WRITE)) {
            Files.copy(move.getKey(), out);
          }
        }
      }
    } finally {
      for (Path temporary : written.keySet()) {
        Files.deleteIfExists(temporary);
      }
    }
  }

  /**
   * Writes a directory. One that is there already is moved aside for the moment in which the new
   * one takes its place, and removed after it.
   *
   * @param target the directory to make or replace
   * @param writer writes the content
   * @throws IOException if that fails; the target is then as it was
   */
  public static void writeDirectory(Path target, Writer writer) throws IOException {
    replaceDirectory(target, linked(target), writer);
  }

  private static void replaceDirectory(Path named, Path target, Writer writer) throws IOException {
    if (!takesPlace(named)) {
      throw new IOException("it is no directory, but a device or a pipe");
    }
    Path temporary = sibling(target);
    try {
      Files.createDirectory(temporary);
      writer.write(temporary);
      for (Path path : tree(temporary)) {
        sync(path);
      }
      replaceDirectory(temporary, target);
      syncFolderOf(target);
    } finally {
      delete(temporary);
    }
  }

  private static void replaceDirectory(Path temporary, Path target) throws IOException {
    if (!Files.exists(target, NOFOLLOW_LINKS)) {
      Files.move(temporary, target, ATOMIC_MOVE);
      return;
    }
    // No system call that Java knows exchanges two directories. Not a hidden name: whoever finds it
    // after a power cut is to see what it is.
    Path old = target.resolveSibling(target.getFileName() + ".old-" + UUID.randomUUID());
    Files.move(target, old, ATOMIC_MOVE);
    try {
      Files.move(temporary, target, ATOMIC_MOVE);
    } catch (IOException | RuntimeException e) {
      try {
        Files.move(old, target, ATOMIC_MOVE);
      } catch (IOException suppressed) {
        e.addSuppressed(suppressed);
      }
      throw e;
    }
    delete(old);
  }

  /** Whether a file takes the place of the target; no file is put in that of a device or pipe. */
  private static boolean takesPlace(Path target) throws IOException {
    return !Files.exists(target)
        || !Files.readAttributes(target, BasicFileAttributes.class).isOther();
  }

  /** Where a path leads if it is a link, be there something or nothing yet. */
  private static Path linked(Path path) throws IOException {
    Path place = path;
    for (int links = 0; Files.isSymbolicLink(place); links++) {
      if (links == MOST_LINKS) {
        throw new IOException("its links go in a circle");
      }
      place = place.resolveSibling(Files.readSymbolicLink(place));
    }
    return place;
  }

  private static Path sibling(Path target) throws IOException {
    return target.resolveSibling("." + UUID.randomUUID() + "." + name(target));
  }

  private static String name(Path target) throws IOException {
    Path name = target.getFileName();
    if (name == null || name.toString().isEmpty()) {
      throw new IOException("it is not the name of a file");
    }
    return name.toString();
  }

  /** A directory and all below it, the deepest first; nothing if it is not there. */
  private static List<Path> tree(Path path) throws IOException {
    if (!Files.exists(path, NOFOLLOW_LINKS)) {
      return List.of();
    }
    try (Stream<Path> paths = Files.walk(path)) {
      return paths.sorted(Comparator.reverseOrder()).toList();
    }
  }

  private static void delete(Path path) throws IOException {
    for (Path inner : tree(path)) {
      Files.deleteIfExists(inner);
    }
  }

  /** Brings a file's content, or a directory's entries, from the system's memory to the disk. */
  private static void sync(Path path) throws IOException {
    if (Files.isDirectory(path, NOFOLLOW_LINKS)) {
      syncFolder(path);
      return;
    }
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
      channel.force(true);
    }
  }

  private static void syncFolderOf(Path target) {
    syncFolder(target.toAbsolutePath().getParent());
  }

  private static void syncFolder(Path folder) {
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    } catch (IOException e) {
      // Not every system opens a directory; where it does not, it needs no such help.
    }
  }
}
