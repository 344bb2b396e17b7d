package io.github.kpconvx.io;

import java.io.EOFException;
import java.io.FileNotFoundException;
import java.nio.BufferUnderflowException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Words for what Java and other libraries throw: no names of Java's classes, one line. */
public final class Failures {
  /** What an exception is called in full, as exceptions repeat it of their cause. */
  private static final Pattern CLASS = Pattern.compile("\\b(?:[a-z][\\w]*\\.)+[A-Z][\\w$]*(?:: )?");

  /** How Java's older classes for files put it: the path, and the system's reason in brackets. */
  private static final Pattern PATH_AND_REASON = Pattern.compile(".* \\((?<reason>[^()]+)\\)");

  /** In words, by class; the first that fits holds. */
  private record Word(Class<? extends Throwable> of, String text) {}

  private static final List<Word> WORDS =
      List.of(
          new Word(NoSuchFileException.class, "there is no such file"),
          new Word(AccessDeniedException.class, "permission denied"),
          new Word(FileAlreadyExistsException.class, "it exists already"),
          new Word(DirectoryNotEmptyException.class, "it is a folder that is not empty"),
          new Word(NotDirectoryException.class, "it is no folder"),
          new Word(FileSystemLoopException.class, "its links go in a circle"),
          new Word(CharacterCodingException.class, "it holds bytes that are no text"),
          new Word(ClosedByInterruptException.class, "it was interrupted"),
          new Word(ClosedChannelException.class, "it was closed"),
          new Word(EOFException.class, "it ends too early"),
          new Word(BufferUnderflowException.class, "it ends too early"),
          new Word(IndexOutOfBoundsException.class, "it points beyond its end"),
          new Word(NegativeArraySizeException.class, "it has a length below zero"),
          new Word(ArithmeticException.class, "it has a number that is too large"),
          new Word(ClassCastException.class, "it has something else than expected"),
          new Word(NullPointerException.class, "something is missing in it"),
          new Word(StackOverflowError.class, "it is nested too deeply"),
          new Word(OutOfMemoryError.class, "out of memory"));

  private Failures() {}

  /**
   * The innermost reason in one line.
   *
   * @param thrown what was thrown
   * @return its reason, such as {@code there is no such file}; names the folder that a file should
   *     be in, if that is what is missing, but not the file
   */
  public static String reason(Throwable thrown) {
    Throwable inner = thrown;
    while (inner.getCause() != null && inner.getCause() != inner) {
      inner = inner.getCause();
    }
    if (inner instanceof NoSuchFileException missing && missing.getFile() != null) {
      Path folder = Path.of(missing.getFile()).toAbsolutePath().getParent();
      if (folder != null && !Files.isDirectory(folder)) {
        return "there is no folder " + folder;
      }
    }
    for (Word word : WORDS) {
      if (word.of().isInstance(inner)) {
        return word.text();
      }
    }
    return words(inner);
  }

  private static String words(Throwable thrown) {
    String message =
        thrown instanceof FileSystemException failure ? failure.getReason() : thrown.getMessage();
    String line = message == null ? "" : message.strip().lines().findFirst().orElse("");
    Matcher path = PATH_AND_REASON.matcher(line);
    if (thrown instanceof FileNotFoundException && path.matches()) {
      line = path.group("reason");
    }
    line = CLASS.matcher(line).replaceAll(name -> name.group().endsWith(": ") ? "" : "…").strip();
    return line.isEmpty() ? "for a reason that is not told" : line;
  }
}
