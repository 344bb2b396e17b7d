package io.github.kpconvx.inference;

import io.github.kpconvx.keras.KerasException;

/** Says why a model could not answer: what was fed to it, and what it takes. */
public final class ModelException extends KerasException {
  private static final long serialVersionUID = 1L;

  /**
   * An error with a message.
   *
   * @param message what was found and what was expected
   */
  public ModelException(String message) {
    super(message);
  }

  /**
   * An error with a message and what led to it.
   *
   * @param message what was found and what was expected
   * @param cause what led to it
   */
  public ModelException(String message, Throwable cause) {
    super(message, cause);
  }
}
