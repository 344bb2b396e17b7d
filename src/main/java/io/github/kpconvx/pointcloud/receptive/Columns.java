package io.github.kpconvx.pointcloud.receptive;

import java.util.Arrays;

/** x, y and z of some points; the arrays are not copied. */
final class Columns {
  private final double[] x;
  private final double[] y;
  private final double[] z;

  Columns(double[] x, double[] y, double[] z) {
    this.x = x;
    this.y = y;
    this.z = z;
  }

  double[] x() {
    return x;
  }

  double[] y() {
    return y;
  }

  double[] z() {
    return z;
  }

  int size() {
    return x.length;
  }

  /** Some of the points. */
  Columns rows(int... points) {
    return new Columns(rows(x, points), rows(y, points), rows(z, points));
  }

  private static double[] rows(double[] column, int... points) {
    return Arrays.stream(points).mapToDouble(i -> column[i]).toArray();
  }
}
