package io.github.kpconvx;

/**
 * Root of the project's errors: whatever is wrong with what a caller or a file supplies, or with
 * the place where a result is to go, is thrown as one of its subclasses. Its message is one that
 * can be shown as it is: what was found and where, what was expected, and the way out.
 *
 * <p>What is not of this class is a fault of this library, or of the JVM's: an {@link
 * IllegalStateException} or {@link NullPointerException}, an {@link OutOfMemoryError}.
 */
public class KpconvxException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * An error with a message.
   *
   * @param message what was found, what was expected and what the choices are
   */
  public KpconvxException(String message) {
    super(message);
  }

  /**
   * An error with a message and what led to it.
   *
   * @param message what was found, what was expected and what the choices are
   * @param cause what led to it
   */
  public KpconvxException(String message, Throwable cause) {
    super(message, cause);
  }
}
