package io.github.kpconvx.keras;

/**
 * Says in one message what was found, what was expected and what the choices are.
 *
 * <p>Root of the project's errors: everything that is wrong with what a caller or a file supplies
 * is thrown as this class or one of its subclasses.
 */
public class KerasException extends RuntimeException {
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
