package io.github.kpconvx.cli;

import io.github.kpconvx.KpconvxException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What a command checks of a path that it is to write to, before it begins its work. */
final class OutputPath {
  private OutputPath() {}

  /**
   * Sees to it that a result can be written, and that writing it destroys nothing that it is made
   * of.
   *
   * @param option the option that names the output, for messages
   * @param output the file or directory to write
   * @param sources what the command reads
   * @throws KpconvxException if the output is one of the sources by whatever name, a file of one,
   *     or a directory that holds one, or if its folder is missing or takes no files
   */
  static void require(String option, Path output, Path... sources) {
    Path folder = output.toAbsolutePath().normalize().getParent();
    if (folder == null || !Files.isDirectory(folder)) {
      throw new KpconvxException(
          option + " " + output + " cannot be written: there is no folder " + folder);
    }
    if (!Files.isWritable(folder) && !Files.isWritable(output)) {
      throw new KpconvxException(
          option + " " + output + " cannot be written: the folder " + folder + " takes no files");
    }
    for (Path source : sources) {
      boolean replaces = Files.exists(output) && isWithin(output, source);
      if (isSame(output, source) || replaces || isWithin(source, output)) {
        throw new KpconvxException(
            option
                + " "
                + output
                + " is or holds what is read from "
                + source
                + ", which would be lost; choose another name");
      }
    }
  }

  private static boolean isSame(Path a, Path b) {
    try {
      return Files.exists(a) && Files.exists(b) && Files.isSameFile(a, b);
    } catch (IOException e) {
      return false;
    }
  }

  private static boolean isWithin(Path inner, Path outer) {
    return Files.isDirectory(outer) && real(inner).startsWith(real(outer));
  }

  /** Without links, as far as the path is there. */
  private static Path real(Path path) {
    Path absolute = path.toAbsolutePath().normalize();
    try {
      if (Files.exists(absolute)) {
        return absolute.toRealPath();
      }
      Path folder = absolute.getParent();
      return folder == null ? absolute : real(folder).resolve(absolute.getFileName());
    } catch (IOException e) {
      return absolute;
    }
  }
}
