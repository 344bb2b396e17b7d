package io.github.kpconvx.pointcloud.receptive;

import java.util.Arrays;

/** x, y and z of some points. */
record Columns(double[] x, double[] y, double[] z) {

  static double[] rows(double[] column, int... points) {
    return Arrays.stream(points).mapToDouble(i -> column[i]).toArray();
  }

  Columns rows(int... points) {
    return new Columns(rows(x, points), rows(y, points), rows(z, points));
  }

  int size() {
    return x.length;
  }
}
