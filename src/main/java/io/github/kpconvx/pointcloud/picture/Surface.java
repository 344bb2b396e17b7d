package io.github.kpconvx.pointcloud.picture;

import io.github.kpconvx.pointcloud.NearestNeighbours;
import io.github.kpconvx.pointcloud.PointCloud;
import io.github.kpconvx.pointcloud.Quantization;
import java.util.Arrays;
import java.util.DoubleSummaryStatistics;
import java.util.stream.IntStream;

/**
 * What a point cloud's points look like from nearby: where they are, how far apart, and whether
 * they lie on a surface, along a line or in a volume.
 *
 * <p>The shape follows from the principal axes of the nearest neighbours. Lengths are in metres,
 * places relative to the middle of the cloud.
 */
final class Surface {
  /** How a point is drawn. */
  enum Shape {
    /** Along a line such as a wire. */
    LINE,
    /** On a surface such as a roof. */
    PLANE,
    /** In a volume such as a crown. */
    VOLUME
  }

  private static final int NEAR = 48;

  /** Rank of the neighbour whose distance is the spacing. */
  private static final int SPACING = 5;

  /** How many neighbours are fitted to a surface. */
  private static final int SURFACE = 12;

  /** How many neighbours may make up a line: one wire or a bundle of them. */
  private static final int[] SCALES = {48, 24, 12, 5};

  /** How many neighbours decide together whether they are on a line. */
  private static final int VOTES = 24;

  final int size;
  final double[] x;
  final double[] y;
  final double[] z;

  /** Distance to a near neighbour, bounded so that lonely points do not become large. */
  final double[] spacing;

  final Shape[] shapes;

  /** Of a line its direction, of a plane its normal, of a volume the direction out of it. */
  final float[] axes;

  private Surface(int size) {
    this.size = size;
    x = new double[size];
    y = new double[size];
    z = new double[size];
    spacing = new double[size];
    shapes = new Shape[size];
    axes = new float[3 * size];
  }

  static Surface of(PointCloud cloud) {
    int n = cloud.size();
    Surface surface = new Surface(n);
    Quantization quantization = cloud.quantization();
    Arrays.setAll(surface.x, i -> quantization.x(cloud.x(i)));
    Arrays.setAll(surface.y, i -> quantization.y(cloud.y(i)));
    Arrays.setAll(surface.z, i -> quantization.z(cloud.z(i)));
    for (double[] axis : new double[][] {surface.x, surface.y, surface.z}) {
      DoubleSummaryStatistics range = Arrays.stream(axis).summaryStatistics();
      double center = (range.getMin() + range.getMax()) / 2;
      Arrays.setAll(axis, i -> axis[i] - center);
    }
    int[] near = NearestNeighbours.of(cloud).search(NEAR, 1);
    IntStream.range(0, n).parallel().forEach(i -> surface.measureSpacing(i, near));
    double typical = median(surface.spacing);
    boolean[] lines = new boolean[n];
    IntStream.range(0, n).parallel().forEach(i -> lines[i] = surface.isLine(i, near, typical));
    IntStream.range(0, n).parallel().forEach(i -> surface.fit(i, near, lines));
    Arrays.setAll(surface.spacing, i -> Math.min(surface.spacing[i], 2 * typical));
    return surface;
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.parallelSort(sorted);
    return sorted[sorted.length / 2];
  }

  private void measureSpacing(int i, int[] near) {
    int far = near[i * NEAR + SPACING];
    spacing[i] = Math.sqrt(square(x[far] - x[i]) + square(y[far] - y[i]) + square(z[far] - z[i]));
  }

  /**
   * Whether a point's neighbours are in line. Wires run side by side: seen near by each is a line,
   * from farther away their bundle is, and in between they may look like a sparse surface.
   */
  private boolean isLine(int i, int[] near, double typical) {
    double limit = spacing[i] > 1.5 * typical ? 0.68 : 0.42;
    return slenderness(i, near, 5) < 0.15
        || slenderness(i, near, 8) < limit
        || slenderness(i, near, 12) < limit
        || slenderness(i, near, 24) < limit;
  }

  /** The second largest extent of the nearest points over the largest, 0 for a line. */
  private double slenderness(int i, int[] near, int count) {
    double[] deviations = new double[3];
    principalAxes(i, near, count, deviations, new double[3], new double[3]);
    return deviations[0] == 0 ? 1 : deviations[1] / deviations[0];
  }

  private void fit(int i, int[] near, boolean[] lines) {
    int inLine = 0;
    for (int k = 0; k < VOTES; k++) {
      inLine += lines[near[i * NEAR + k]] ? 1 : 0;
    }
    double[] deviations = new double[3];
    double[] axis = new double[3];
    double[] normal = new double[3];
    if (5 * inLine > 2 * VOTES) {
      int best = SCALES[0];
      for (int count : SCALES) {
        best = slenderness(i, near, count) < slenderness(i, near, best) ? count : best;
      }
      principalAxes(i, near, best, deviations, axis, normal);
      if (deviations[1] < 0.5 * deviations[0]) {
        shapes[i] = Shape.LINE;
      } else {
        // Sparse without a direction, as a wall seen from the air: strokes would run anyhow.
        shapes[i] = Shape.VOLUME;
        axis = outwards(i, near);
        spacing[i] *= 0.7;
      }
    } else {
      principalAxes(i, near, SURFACE, deviations, axis, normal);
      if (deviations[2] < 0.35 * deviations[1]) {
        shapes[i] = Shape.PLANE;
        axis = normal;
      } else {
        shapes[i] = Shape.VOLUME;
        axis = outwards(i, near);
      }
    }
    for (int k = 0; k < 3; k++) {
      axes[3 * i + k] = (float) axis[k];
    }
  }

  private static double square(double value) {
    return value * value;
  }

  /** Standard deviations along the principal axes, largest first, and the first and last axis. */
  private void principalAxes(
      int i, int[] near, int count, double[] deviations, double[] first, double[] last) {
    double mx = 0;
    double my = 0;
    double mz = 0;
    for (int k = 0; k < count; k++) {
      int j = near[i * NEAR + k];
      mx += x[j] / count;
      my += y[j] / count;
      mz += z[j] / count;
    }
    double[] c = new double[6]; // xx, yy, zz, xy, xz, yz
    for (int k = 0; k < count; k++) {
      int j = near[i * NEAR + k];
      double dx = x[j] - mx;
      double dy = y[j] - my;
      double dz = z[j] - mz;
      c[0] += dx * dx;
      c[1] += dy * dy;
      c[2] += dz * dz;
      c[3] += dx * dy;
      c[4] += dx * dz;
      c[5] += dy * dz;
    }
    // Eigenvalues of a symmetric 3 × 3 matrix by the trigonometric solution of its cubic.
    double mean = (c[0] + c[1] + c[2]) / 3;
    double spread =
        Math.sqrt(
            (square(c[0] - mean)
                    + square(c[1] - mean)
                    + square(c[2] - mean)
                    + 2 * (square(c[3]) + square(c[4]) + square(c[5])))
                / 6);
    if (spread == 0) {
      Arrays.fill(deviations, Math.sqrt(mean));
      last[2] = 1;
      first[0] = 1;
      return;
    }
    double a = (c[0] - mean) / spread;
    double b = (c[1] - mean) / spread;
    double d = (c[2] - mean) / spread;
    double e = c[3] / spread;
    double f = c[4] / spread;
    double g = c[5] / spread;
    double half = (a * (b * d - g * g) - e * (e * d - g * f) + f * (e * g - b * f)) / 2;
    double angle = Math.acos(Math.max(-1, Math.min(1, half))) / 3;
    double largest = mean + 2 * spread * Math.cos(angle);
    double smallest = mean + 2 * spread * Math.cos(angle + 2 * Math.PI / 3);
    deviations[0] = Math.sqrt(Math.max(0, largest));
    deviations[1] = Math.sqrt(Math.max(0, 3 * mean - largest - smallest));
    deviations[2] = Math.sqrt(Math.max(0, smallest));
    eigenvector(c, largest, first);
    eigenvector(c, smallest, last);
  }

  /** Perpendicular to the rows of the matrix less the eigenvalue: the longest cross product. */
  private static void eigenvector(double[] c, double value, double[] result) {
    double[][] rows = {
      {c[0] - value, c[3], c[4]}, {c[3], c[1] - value, c[5]}, {c[4], c[5], c[2] - value}
    };
    double longest = 0;
    for (int k = 0; k < 3; k++) {
      double[] p = rows[k];
      double[] q = rows[(k + 1) % 3];
      double u = p[1] * q[2] - p[2] * q[1];
      double v = p[2] * q[0] - p[0] * q[2];
      double w = p[0] * q[1] - p[1] * q[0];
      double length = Math.sqrt(u * u + v * v + w * w);
      if (length > longest) {
        longest = length;
        result[0] = u / length;
        result[1] = v / length;
        result[2] = w / length;
      }
    }
    if (longest == 0) {
      result[2] = 1;
    }
  }

  /** Away from the neighbours over a wider range: on a crown, out of it. */
  private double[] outwards(int i, int[] near) {
    double dx = 0;
    double dy = 0;
    double dz = 0;
    for (int k = 0; k < NEAR; k++) {
      int j = near[i * NEAR + k];
      dx += x[i] - x[j];
      dy += y[i] - y[j];
      dz += z[i] - z[j];
    }
    double length = Math.sqrt(dx * dx + dy * dy + dz * dz);
    return length == 0
        ? new double[] {0, 0, 1}
        : new double[] {dx / length, dy / length, dz / length};
  }
}
