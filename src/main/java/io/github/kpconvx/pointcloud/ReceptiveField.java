package io.github.kpconvx.pointcloud;

/**
 * What one call of a network is fed with: the points of a tile and of the margin around it, with
 * their features and neighbours. R points, κ neighbours, D features; the batch size is 1.
 *
 * <p>The arrays are not copied: they are the receptive field's own, made for it alone.
 */
public final class ReceptiveField {
  private final int row;
  private final int column;
  private final int[] points;
  private final int[] core;
  private final float[] x;
  private final float[] f;
  private final int[] n;

  ReceptiveField(int row, int column, int[] points, int[] core, float[] x, float[] f, int[] n) {
    this.row = row;
    this.column = column;
    this.points = points;
    this.core = core;
    this.x = x;
    this.f = f;
    this.n = n;
  }

  /**
   * The tile's row, counted from the file's lowest y.
   *
   * @return the row, 0 or more
   */
  public int row() {
    return row;
  }

  /**
   * The tile's column, counted from the file's lowest x.
   *
   * @return the column, 0 or more
   */
  public int column() {
    return column;
  }

  /**
   * The number R of points.
   *
   * @return R, at least 1
   */
  public int size() {
    return points.length;
  }

  /**
   * Which points of the file these are.
   *
   * @return R indices into the file, ascending
   */
  public int[] points() {
    return points;
  }

  /**
   * Which of the R points lie in the tile itself. Only their results are kept: the margin's points
   * are there to be their neighbours.
   *
   * @return indices from 0 to R − 1, ascending; at least one
   */
  public int[] core() {
    return core;
  }

  /**
   * X: coordinates around the tile's centre in x and y and over the file's lowest point in z, in
   * the preprocessing's unit.
   *
   * @return (1, R, 3) row by row
   */
  public float[] x() {
    return x;
  }

  /**
   * F: the preprocessing's features.
   *
   * @return (1, R, D) row by row
   */
  public float[] f() {
    return f;
  }

  /**
   * N: the neighbours of each point, nearest first.
   *
   * @return (1, R, κ) row by row, indices from 0 to R − 1
   */
  public int[] n() {
    return n;
  }

  /**
   * Copies the core points' rows of a result to their places in the file's.
   *
   * @param result what the network answered, (1, R, C) row by row
   * @param file the result for the whole file, (points, C) row by row
   * @throws PointCloudException if the result does not have the same number of values for each of
   *     the R points, or the file's is too short
   */
  public void scatterCore(float[] result, float[] file) {
    int channels = result.length / size();
    if (channels == 0 || channels * size() != result.length) {
      throw new PointCloudException(
          "a result has %d values, expected a multiple of the %d points"
              .formatted(result.length, size()));
    }
    if (file.length < (points[points.length - 1] + 1L) * channels) {
      throw new PointCloudException(
          "the file's result has room for %d values, expected %d for each of its points"
              .formatted(file.length, channels));
    }
    for (int i : core) {
      System.arraycopy(result, i * channels, file, points[i] * channels, channels);
    }
  }
}
