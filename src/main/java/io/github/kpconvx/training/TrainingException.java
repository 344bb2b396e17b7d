package io.github.kpconvx.training;

import io.github.kpconvx.KpconvxException;

/** Training cannot start or go on. The message says what was found and what was expected. */
public final class TrainingException extends KpconvxException {
  private static final long serialVersionUID = 1L;

  /**
   * An error of its own.
   *
   * @param message what was found and what was expected
   */
  public TrainingException(String message) {
    super(message);
  }

  /**
   * An error that follows from another.
   *
   * @param message what was found and what was expected
   * @param cause the other
   */
  public TrainingException(String message, Throwable cause) {
    super(message, cause);
  }
}
