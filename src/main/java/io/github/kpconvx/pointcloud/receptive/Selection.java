package io.github.kpconvx.pointcloud.receptive;

import io.github.kpconvx.pointcloud.FurthestPoints;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/** Which of some points are kept: all, or as many as are wanted, by furthest point sampling. */
public sealed interface Selection {
  /**
   * Keeps all points.
   *
   * @return the selection
   */
  static Selection all() {
    return share(1);
  }

  /**
   * Keeps one of so many points, at least one.
   *
   * @param share of how many points one is kept, at least 1
   * @return the selection
   * @throws io.github.kpconvx.pointcloud.PointCloudException if the share is less than 1
   */
  static Selection share(int share) {
    return new Share(share);
  }

  /**
   * Keeps so many points.
   *
   * @param count how many, at least 1
   * @return the selection
   * @throws io.github.kpconvx.pointcloud.PointCloudException if the number is less than 1
   */
  static Selection count(int count) {
    return new Count(count, false);
  }

  /**
   * Keeps so many points of every ⌊n / count⌋-th, which are less evenly spread, but soon found.
   *
   * @param count how many, at least 1
   * @return the selection
   * @throws io.github.kpconvx.pointcloud.PointCloudException if the number is less than 1
   */
  static Selection fast(int count) {
    return new Count(count, true);
  }

  /**
   * Whether all points are kept.
   *
   * @return whether the points that are kept are the points themselves
   */
  boolean keepsAll();

  /**
   * How many points are kept.
   *
   * @return their number; empty if that depends on how many there are
   */
  OptionalInt number();

  /**
   * Chooses.
   *
   * @param x x of each point
   * @param y y of each point
   * @param z z of each point
   * @return which points are kept, ascending
   * @throws io.github.kpconvx.pointcloud.PointCloudException if there are fewer points than wanted,
   *     or fewer that differ
   */
  int[] of(double[] x, double[] y, double[] z);

  /**
   * One of so many.
   *
   * @param share of how many points one is kept, at least 1
   */
  record Share(int share) implements Selection {
    /**
     * Checks the share.
     *
     * @throws io.github.kpconvx.pointcloud.PointCloudException if it is less than 1
     */
    public Share {
      Preprocessing.checkCount("share", share);
    }

    @Override
    public boolean keepsAll() {
      return share == 1;
    }

    @Override
    public OptionalInt number() {
      return OptionalInt.empty();
    }

    @Override
    public int[] of(double[] x, double[] y, double[] z) {
      return keepsAll()
          ? IntStream.range(0, x.length).toArray()
          : FurthestPoints.choose(x, y, z, (x.length - 1) / share + 1);
    }
  }

  /**
   * So many.
   *
   * @param count how many, at least 1
   * @param fast whether of every ⌊n / count⌋-th point alone
   */
  record Count(int count, boolean fast) implements Selection {
    /**
     * Checks the number.
     *
     * @throws io.github.kpconvx.pointcloud.PointCloudException if it is less than 1
     */
    public Count {
      Preprocessing.checkCount("number of points", count);
    }

    @Override
    public boolean keepsAll() {
      return false;
    }

    @Override
    public OptionalInt number() {
      return OptionalInt.of(count);
    }

    @Override
    public int[] of(double[] x, double[] y, double[] z) {
      int step = fast ? Math.max(1, x.length / count) : 1;
      if (step == 1) {
        return FurthestPoints.choose(x, y, z, count);
      }
      int[] some = IntStream.iterate(0, i -> i < x.length, i -> i + step).toArray();
      Columns columns = new Columns(x, y, z).rows(some);
      int[] chosen = FurthestPoints.choose(columns.x(), columns.y(), columns.z(), count);
      return IntStream.of(chosen).map(i -> some[i]).toArray();
    }
  }
}
