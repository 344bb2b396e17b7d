package io.github.kpconvx.inference;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** TensorFlow's exceptions have no common ancestor but their package, and speak in many lines. */
public final class TensorFlowErrors {
  /** The values that a failed Assert shows, each in brackets: {@code [index =] [-1] [of] [24]}. */
  private static final Pattern ASSERTION = Pattern.compile("assertion failed: \\[(.*)\\]");

  private TensorFlowErrors() {}

  /**
   * Turns an exception of TensorFlow's into one of this project's.
   *
   * @param what what failed
   * @param e any exception
   * @return an exception that names what failed and the reason in one line; the same one if it is
   *     not TensorFlow's
   */
  static RuntimeException translate(String what, RuntimeException e) {
    return reason(e)
        .<RuntimeException>map(reason -> new ModelException(what + ": " + reason, e))
        .orElse(e);
  }

  /**
   * Why TensorFlow failed.
   *
   * @param e any exception
   * @return the reason in one line; empty if the exception is not TensorFlow's
   */
  public static Optional<String> reason(RuntimeException e) {
    return e.getClass().getPackageName().equals("org.tensorflow.exceptions")
        ? Optional.of(reason(String.valueOf(e.getMessage()).strip()))
        : Optional.empty();
  }

  private static String reason(String message) {
    Matcher assertion = ASSERTION.matcher(message);
    return assertion.find()
        ? assertion.group(1).replace("] [", " ")
        : message.lines().findFirst().orElse(message);
  }
}
