package io.github.kpconvx.keras;

import io.github.kpconvx.KpconvxException;

/**
 * Says what is wrong with a model: its configuration, its weights, its file, or what is asked of a
 * layer.
 */
public class KerasException extends KpconvxException {
  private static final long serialVersionUID = 1L;

  /**
   * An error with a message.
   *
   * @param message what was found, what was expected and what the choices are
   */
  public KerasException(String message) {
    super(message);
  }

  /**
   * An error with a message and what led to it.
   *
   * @param message what was found, what was expected and what the choices are
   * @param cause what led to it
   */
  public KerasException(String message, Throwable cause) {
    super(message, cause);
  }
}
