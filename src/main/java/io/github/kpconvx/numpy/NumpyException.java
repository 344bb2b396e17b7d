package io.github.kpconvx.numpy;

import io.github.kpconvx.KpconvxException;

/** Says what is wrong with a NumPy file. */
public final class NumpyException extends KpconvxException {
  private static final long serialVersionUID = 1L;

  /**
   * An error with a message.
   *
   * @param message what was found and what was expected
   */
  public NumpyException(String message) {
    super(message);
  }

  /**
   * An error with a message and what led to it.
   *
   * @param message what was found and what was expected
   * @param cause what led to it
   */
  public NumpyException(String message, Throwable cause) {
    super(message, cause);
  }
}
