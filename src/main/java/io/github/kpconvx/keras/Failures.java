package io.github.kpconvx.keras;

import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;

/** Words for what other libraries throw. */
public final class Failures {
  private Failures() {}

  /**
   * The innermost reason in one line.
   *
   * @param thrown what a library threw
   * @return its reason
   */
  public static String reason(Throwable thrown) {
    Throwable inner = thrown;
    while (inner.getCause() != null && inner.getCause() != inner) {
      inner = inner.getCause();
    }
    String kind = inner.getClass().getSimpleName();
    if (inner instanceof NoSuchFileException) {
      return "no such file " + inner.getMessage();
    }
    if (inner instanceof AccessDeniedException) {
      return "access denied to " + inner.getMessage();
    }
    String message = inner.getMessage();
    return message == null || message.isBlank()
        ? kind
        : message.lines().findFirst().orElse(kind).strip() + " (" + kind + ")";
  }
}
