package io.github.kpconvx.pointcloud;

import java.util.Arrays;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;

/**
 * The coordinates of a cloud as whole numbers of one unit, over the lowest of each axis: the raw
 * ones where the axes have the same scale, else units of the finest, to the nearest.
 */
final class Units {
  /** Scales whose ratio is this near to a whole number are meant to have that ratio. */
  private static final double SAME_SCALE = 1e-9;

  /** What raw coordinates reach themselves, and {@link Grid} has room for. */
  private static final double MAX_UNITS = 0xffffffffL;

  private final PointCloud cloud;

  /** Metres of a unit. */
  final double scale;

  final long[] x;
  final long[] y;
  final long[] z;

  /**
   * Takes the coordinates.
   *
   * @param cloud the points
   * @throws PointCloudException if their scales are too far apart for their extent
   */
  Units(PointCloud cloud) {
    this.cloud = cloud;
    Quantization quantization = cloud.quantization();
    scale = Math.min(quantization.scaleX(), Math.min(quantization.scaleY(), quantization.scaleZ()));
    Box box = Box.of(cloud);
    x = units("x", quantization.scaleX(), cloud::x, box.minX());
    y = units("y", quantization.scaleY(), cloud::y, box.minY());
    z = units("z", quantization.scaleZ(), cloud::z, box.minZ());
  }

  private long[] units(String axis, double axisScale, IntUnaryOperator raw, int lowest) {
    long[] values =
        IntStream.range(0, cloud.size())
            .mapToLong(i -> (long) raw.applyAsInt(i) - lowest)
            .toArray();
    double ratio = axisScale / scale;
    double whole = Math.rint(ratio);
    double factor = Math.abs(ratio - whole) <= SAME_SCALE * whole ? whole : ratio;
    if (factor != 1) {
      long extent = Arrays.stream(values).max().orElse(0);
      if (extent * factor > MAX_UNITS) {
        Quantization quantization = cloud.quantization();
        throw new PointCloudException(
            "%s: scales are %s, %s, %s, too far apart for an extent of %d units in %s"
                .formatted(
                    cloud.source(),
                    quantization.scaleX(),
                    quantization.scaleY(),
                    quantization.scaleZ(),
                    extent,
                    axis));
      }
      Arrays.setAll(values, i -> Math.round(Math.rint(values[i] * factor)));
    }
    return values;
  }

  /**
   * Makes some of the points ready to be searched.
   *
   * @param points which of them
   * @return the search
   * @throws PointCloudException if they extend too far; the message names the file
   */
  NearestNeighbours search(int[] points) {
    return new NearestNeighbours(near(points, x, "x"), near(points, y, "y"), near(points, z, "z"));
  }

  /** Coordinates of some points over the lowest of them. */
  private int[] near(int[] points, long[] values, String axis) {
    long lowest = Arrays.stream(points).mapToLong(p -> values[p]).min().orElse(0);
    long extent = Arrays.stream(points).mapToLong(p -> values[p]).max().orElse(0) - lowest;
    if (extent > NearestNeighbours.MAX_EXTENT) {
      throw new PointCloudException(
          "%s: points to be searched extend over %d units of %s m in %s, expected at most %d"
              .formatted(cloud.source(), extent, scale, axis, NearestNeighbours.MAX_EXTENT));
    }
    return Arrays.stream(points).map(p -> (int) (values[p] - lowest)).toArray();
  }
}
