package io.github.kpconvx.tensor;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** TensorFlow's exceptions have no common ancestor but their package, and speak in many lines. */
public final class TensorFlowErrors {
  /** The values that a failed Assert shows, each in brackets: {@code [index =] [-1] [of] [24]}. */
  private static final Pattern ASSERTION = Pattern.compile("assertion failed: \\[(.*)\\]");

  private TensorFlowErrors() {}

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
