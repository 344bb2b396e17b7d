package io.github.kpconvx.pointcloud.receptive;

import io.github.kpconvx.pointcloud.PointCloudException;

/** The features of a cloud's points, a row for each. Immutable. */
public interface FeatureTable {
  /**
   * How many features a point has.
   *
   * @return the number of columns, at least 1
   */
  int columns();

  /**
   * A feature of a point.
   *
   * @param point which point
   * @param column which of its features
   * @return its value
   */
  double get(int point, int column);

  /**
   * Features from elsewhere.
   *
   * @param columns how many each point has, at least 1
   * @param values the features, (points, columns) row by row; copied
   * @return the table
   * @throws PointCloudException if there is no multiple of so many values, or one is no finite
   *     number
   */
  static FeatureTable of(int columns, double... values) {
    if (columns < 1 || values.length % columns != 0) {
      throw new PointCloudException(
          "features are %d numbers in %d columns, expected at least one column and as many values in each"
              .formatted(values.length, columns));
    }
    for (int i = 0; i < values.length; i++) {
      if (!Double.isFinite(values[i])) {
        throw new PointCloudException(
            "feature %d of point %d is %s, expected a finite number"
                .formatted(i % columns, i / columns, values[i]));
      }
    }
    double[] copy = values.clone();
    return new FeatureTable() {
      @Override
      public int columns() {
        return columns;
      }

      @Override
      public double get(int point, int column) {
        return copy[point * columns + column];
      }
    };
  }
}
