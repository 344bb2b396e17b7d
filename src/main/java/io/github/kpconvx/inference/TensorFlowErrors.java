package io.github.kpconvx.inference;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** TensorFlow's exceptions have no common ancestor but their package, and speak in many lines. */
final class TensorFlowErrors {
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
    if (!e.getClass().getPackageName().equals("org.tensorflow.exceptions")) {
      return e;
    }
    return new ModelException(what + ": " + reason(String.valueOf(e.getMessage()).strip()), e);
  }

  private static String reason(String message) {
    Matcher assertion = ASSERTION.matcher(message);
    return assertion.find()
        ? assertion.group(1).replace("] [", " ")
        : message.lines().findFirst().orElse(message);
  }
}
