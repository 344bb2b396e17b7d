package io.github.kpconvx.pointcloud.receptive;

/** A part of a cloud. Its arrays are not copied: they are its own, made for it alone. */
public final class Part {
  private final String name;
  private final int[] points;
  private final int[] core;
  private final double centerX;
  private final double centerY;
  private final double centerZ;

  /**
   * A part.
   *
   * @param name what it is called in messages
   * @param points its points, as ascending indices into the cloud
   * @param core which of these an answer is kept for, as ascending indices into {@code points}; the
   *     others are there to be their neighbours
   * @param centerX x that the part's coordinates count from, in the cloud's units
   * @param centerY y of it
   * @param centerZ z of it
   */
  public Part(
      String name, int[] points, int[] core, double centerX, double centerY, double centerZ) {
    this.name = name;
    this.points = points;
    this.core = core;
    this.centerX = centerX;
    this.centerY = centerY;
    this.centerZ = centerZ;
  }

  /**
   * What it is called in messages.
   *
   * @return such as "the whole cloud"
   */
  public String name() {
    return name;
  }

  /**
   * Which points of the cloud these are.
   *
   * @return m indices into the cloud, ascending
   */
  public int[] points() {
    return points;
  }

  /**
   * Which of the m points an answer is kept for.
   *
   * @return indices from 0 to m − 1, ascending; at least one
   */
  public int[] core() {
    return core;
  }

  /**
   * x that the part's coordinates count from.
   *
   * @return x, in the cloud's units
   */
  public double centerX() {
    return centerX;
  }

  /**
   * y that the part's coordinates count from.
   *
   * @return y, in the cloud's units
   */
  public double centerY() {
    return centerY;
  }

  /**
   * z that the part's coordinates count from.
   *
   * @return z, in the cloud's units
   */
  public double centerZ() {
    return centerZ;
  }
}
