package io.github.kpconvx.pointcloud;

import java.util.Arrays;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;

/**
 * Where the points of a cloud lie. Those of a file are whole numbers of one unit over the lowest of
 * each axis, so that distances are exact: the raw ones where the axes have the same scale, else
 * units of the finest, to the nearest. Immutable.
 */
public final class Coordinates {
  /** Scales whose ratio is this near to a whole number are meant to have that ratio. */
  private static final double SAME_SCALE = 1e-9;

  /** What raw coordinates reach themselves. */
  private static final double MAX_UNITS = 0xffffffffL;

  private final String source;
  private final double scale;
  private final boolean whole;
  private final double zero;
  final double[] x;
  final double[] y;
  final double[] z;

  private Coordinates(
      String source, double scale, boolean whole, double zero, double[] x, double[] y, double[] z) {
    this.source = source;
    this.scale = scale;
    this.whole = whole;
    this.zero = zero;
    this.x = x;
    this.y = y;
    this.z = z;
  }

  /**
   * The coordinates of a file's points.
   *
   * @param cloud the points
   * @return their coordinates
   * @throws PointCloudException if their scales are too far apart for their extent
   */
  public static Coordinates of(PointCloud cloud) {
    Quantization quantization = cloud.quantization();
    double scale =
        Math.min(quantization.scaleX(), Math.min(quantization.scaleY(), quantization.scaleZ()));
    Box box = Box.of(cloud);
    return new Coordinates(
        cloud.source(),
        scale,
        true,
        -quantization.z(box.minZ()) / scale,
        units(cloud, "x", quantization.scaleX() / scale, cloud::x, box.minX()),
        units(cloud, "y", quantization.scaleY() / scale, cloud::y, box.minY()),
        units(cloud, "z", quantization.scaleZ() / scale, cloud::z, box.minZ()));
  }

  /**
   * Coordinates from elsewhere, in metres.
   *
   * @param values x, y and z of each point, (n, 3) row by row; copied
   * @return the coordinates
   * @throws PointCloudException if there is no multiple of three of them, or one is no finite
   *     number
   */
  public static Coordinates of(double... values) {
    if (values.length % 3 != 0) {
      throw new PointCloudException(
          "coordinates are %d numbers, expected three for each point".formatted(values.length));
    }
    double[][] columns = new double[3][values.length / 3];
    for (int i = 0; i < values.length; i++) {
      if (!Double.isFinite(values[i])) {
        throw new PointCloudException(
            "The point cloud: %s of point %d is %s, expected a finite number"
                .formatted("xyz".charAt(i % 3), i / 3, values[i]));
      }
      columns[i % 3][i / 3] = values[i];
    }
    return new Coordinates("The point cloud", 1, false, 0, columns[0], columns[1], columns[2]);
  }

  private static double[] units(
      PointCloud cloud, String axis, double ratio, IntUnaryOperator raw, int lowest) {
    double[] values =
        IntStream.range(0, cloud.size())
            .mapToDouble(i -> (double) raw.applyAsInt(i) - lowest)
            .toArray();
    double nearest = Math.rint(ratio);
    double factor = Math.abs(ratio - nearest) <= SAME_SCALE * nearest ? nearest : ratio;
    if (factor != 1) {
      double extent = Arrays.stream(values).max().orElse(0);
      if (extent * factor > MAX_UNITS) {
        Quantization quantization = cloud.quantization();
        throw new PointCloudException(
            "%s: scales are %s, %s, %s, too far apart for an extent of %.0f units in %s"
                .formatted(
                    cloud.source(),
                    quantization.scaleX(),
                    quantization.scaleY(),
                    quantization.scaleZ(),
                    extent,
                    axis));
      }
      Arrays.setAll(values, i -> Math.rint(values[i] * factor));
    }
    return values;
  }

  /**
   * What messages call the points.
   *
   * @return the file they were read from
   */
  public String source() {
    return source;
  }

  /**
   * The number of points.
   *
   * @return the number of points
   */
  public int size() {
    return x.length;
  }

  /**
   * The length of a unit.
   *
   * @return metres
   */
  public double scale() {
    return scale;
  }

  /**
   * Whether all coordinates are whole numbers of units, as those of files are.
   *
   * @return whether they are
   */
  public boolean areWhole() {
    return whole;
  }

  /**
   * A length in units: to the nearest whole number of them (ties to even, as Python rounds) where
   * coordinates are whole.
   *
   * @param length in metres
   * @return in units
   */
  public double units(double length) {
    return whole ? Math.rint(length / scale) : length;
  }

  /**
   * x of a point.
   *
   * @param i a point, 0 to {@code size() - 1}
   * @return x, in units
   */
  public double x(int i) {
    return x[i];
  }

  /**
   * y of a point.
   *
   * @param i a point, 0 to {@code size() - 1}
   * @return y, in units
   */
  public double y(int i) {
    return y[i];
  }

  /**
   * z of a point.
   *
   * @param i a point, 0 to {@code size() - 1}
   * @return z, in units
   */
  public double z(int i) {
    return z[i];
  }

  /**
   * Where the z of 0 metres is, which the reference system counts heights from.
   *
   * @return z, in units
   */
  public double zero() {
    return zero;
  }

  /**
   * Makes all points ready to be searched.
   *
   * @return the search
   */
  public NearestNeighbours search() {
    return new NearestNeighbours(x, y, z);
  }

  /**
   * Sees to it that distances between some of the points are exact.
   *
   * @param points which of them
   * @throws PointCloudException if they extend too far; the message names the file
   */
  public void requireSearchable(int... points) {
    if (whole) {
      requireSearchable(points, x, "x");
      requireSearchable(points, y, "y");
      requireSearchable(points, z, "z");
    }
  }

  private void requireSearchable(int[] points, double[] values, String axis) {
    double lowest = Arrays.stream(points).mapToDouble(p -> values[p]).min().orElse(0);
    double extent = Arrays.stream(points).mapToDouble(p -> values[p]).max().orElse(0) - lowest;
    if (extent > NearestNeighbours.MAX_EXTENT) {
      throw new PointCloudException(
          "%s: points to be searched extend over %.0f units of %s m in %s, expected at most %d"
              .formatted(source, extent, scale, axis, NearestNeighbours.MAX_EXTENT));
    }
  }
}
