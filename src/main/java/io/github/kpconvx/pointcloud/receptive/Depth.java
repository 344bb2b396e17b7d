package io.github.kpconvx.pointcloud.receptive;

import io.github.kpconvx.pointcloud.PointCloudException;

/**
 * How a depth of a hierarchy follows from the one above, and its neighbourhoods. Above the first
 * depth are the points of the field.
 *
 * @param selection which points of the depth above are kept
 * @param neighbours columns of N: neighbours of each point in its own depth, itself included, &ge;
 *     1
 * @param dilation every so many-th of them is taken, &ge; 1
 * @param down columns of ND: points of the depth above that are nearest to each of this one, &ge;
 *     1; 0 where the depth is the field itself
 * @param up columns of NU: points of this depth that are nearest to each of the one above, &ge; 1;
 *     0 where the depth is the field itself
 */
public record Depth(Selection selection, int neighbours, int dilation, int down, int up) {

  /**
   * Checks the numbers.
   *
   * @throws PointCloudException if one is out of range
   */
  public Depth {
    Preprocessing.checkCount("neighbours", neighbours);
    Preprocessing.checkCount("dilation", dilation);
    if (down < 0 || up < 0) {
      throw new PointCloudException(
          "down and up are %d and %d, expected at least 0".formatted(down, up));
    }
  }

  /**
   * A depth whose nearest neighbours are taken.
   *
   * @param selection which points of the depth above are kept
   * @param neighbours columns of N, &ge; 1
   * @param down columns of ND, &ge; 1
   * @param up columns of NU, &ge; 1
   * @throws PointCloudException if a number is out of range
   */
  public Depth(Selection selection, int neighbours, int down, int up) {
    this(selection, neighbours, 1, down, up);
  }

  /**
   * A first depth that is the field itself, all its points.
   *
   * @param neighbours columns of N, &ge; 1
   * @param dilation every so many-th of them is taken, &ge; 1
   * @return the depth
   * @throws PointCloudException if a number is out of range
   */
  public static Depth field(int neighbours, int dilation) {
    return new Depth(Selection.all(), neighbours, dilation, 0, 0);
  }

  /** Whether this is the field itself. */
  boolean isField() {
    return down == 0 && up == 0;
  }
}
