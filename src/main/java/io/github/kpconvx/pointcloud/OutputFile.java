package io.github.kpconvx.pointcloud;

import io.github.kpconvx.io.AtomicFile;
import java.io.IOException;
import java.nio.file.Path;

/** Writes files of this package, with its errors. */
public final class OutputFile {
  private OutputFile() {}

  /**
   * Writes a file that is either complete or not there.
   *
   * @param target the file to make or replace
   * @param writer writes the content
   * @throws PointCloudException if that fails; the target is then as it was
   */
  public static void write(Path target, AtomicFile.Writer writer) {
    try {
      AtomicFile.write(target, writer);
    } catch (IOException e) {
      throw new PointCloudException(
          target + ": cannot be written: " + AtomicFile.reason(e, target), e);
    }
  }
}
