package io.github.kpconvx.pointcloud;

import static java.nio.file.StandardCopyOption.ATOMIC_MOVE;
import static java.nio.file.StandardCopyOption.REPLACE_EXISTING;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;

/** Writes files that are either complete or not there. */
final class AtomicFile {

  /** Writes to the path it is given. */
  @FunctionalInterface
  interface Writer {
    void write(Path temporary) throws IOException;
  }

  private AtomicFile() {}

  /**
   * Lets {@code writer} write a temporary file in the target's folder and moves it into place.
   *
   * @param target the file to make or replace
   * @param writer writes the content; the name it is given ends as the target's
   * @throws PointCloudException if that fails; the target is then as it was
   */
  static void write(Path target, Writer writer) {
    Path name = target.getFileName();
    if (name == null) {
      throw new PointCloudException(target + ": is not the name of a file");
    }
    // Not Files.createTempFile: the file would keep its private permissions after the move.
    Path temporary = target.resolveSibling("." + UUID.randomUUID() + "." + name);
    try {
      try {
        writer.write(temporary);
        Files.move(temporary, target, ATOMIC_MOVE, REPLACE_EXISTING);
      } finally {
        Files.deleteIfExists(temporary);
      }
    } catch (IOException e) {
      throw new PointCloudException(target + ": cannot be written: " + reason(e, target), e);
    }
  }

  /**
   * What went wrong, in words.
   *
   * @param e a failure of the file system
   * @param path the file it is about
   * @return the reason
   */
  static String reason(IOException e, Path path) {
    Path folder = path.toAbsolutePath().getParent();
    if (folder != null && !Files.isDirectory(folder)) {
      return "there is no folder " + folder;
    }
    if (e instanceof java.nio.file.NoSuchFileException) {
      return "there is no such file";
    }
    if (e instanceof java.nio.file.AccessDeniedException) {
      return "permission denied";
    }
    return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
  }
}
