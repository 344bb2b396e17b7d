package io.github.kpconvx.inference;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.tensor.TensorFlowErrors;

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

  /**
   * Turns an exception of TensorFlow's into one of this project's.
   *
   * @param what what failed
   * @param e any exception
   * @return an exception that names what failed and the reason in one line; the same one if it is
   *     not TensorFlow's
   */
  static RuntimeException translate(String what, RuntimeException e) {
    return TensorFlowErrors.reason(e)
        .<RuntimeException>map(reason -> new ModelException(what + ": " + reason, e))
        .orElse(e);
  }
}
