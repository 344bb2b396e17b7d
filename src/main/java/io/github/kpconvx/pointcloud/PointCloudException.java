package io.github.kpconvx.pointcloud;

import io.github.kpconvx.KpconvxException;

/** Says in one line what was found in a file or an argument and what was expected. */
public class PointCloudException extends KpconvxException {
  private static final long serialVersionUID = 1L;

  /**
   * An error with a message.
   *
   * @param message what was found and what was expected
   */
  public PointCloudException(String message) {
    super(message);
  }

  /**
   * An error with a message and what led to it.
   *
   * @param message what was found and what was expected
   * @param cause what led to it
   */
  public PointCloudException(String message, Throwable cause) {
    super(message, cause);
  }
}
