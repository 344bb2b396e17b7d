package io.github.kpconvx.pointcloud;

import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The receptive fields of a point cloud, one for each tile that holds points, by row and then by
 * column. Every point is a core point of exactly one.
 *
 * <p>Each is computed when it is asked for. All decisions are taken on the file's raw integers, and
 * every value is one chain of double-precision operations in a fixed order, rounded to single
 * precision at its end: Python computes the same bits.
 */
public final class ReceptiveFields implements Iterable<ReceptiveField> {
  private final PointCloud cloud;
  private final Preprocessing preprocessing;
  private final double scale;
  private final Box box;
  private final long tile;
  private final long margin;
  private final long[] x;
  private final long[] y;
  private final int[] ground;
  private final Grid tiles;

  private ReceptiveFields(PointCloud cloud, Preprocessing preprocessing) {
    this.cloud = cloud;
    this.preprocessing = preprocessing;
    int n = cloud.size();
    if (n == 0) {
      throw new PointCloudException("there are no points");
    }
    Quantization quantization = cloud.quantization();
    scale = quantization.scaleX();
    if (quantization.scaleY() != scale || quantization.scaleZ() != scale) {
      throw new PointCloudException(
          "scales are %s, %s, %s, expected the same for x, y and z"
              .formatted(scale, quantization.scaleY(), quantization.scaleZ()));
    }
    if (preprocessing.features().contains(Feature.RETURN_RATIO)) {
      for (int i = 0; i < n; i++) {
        if (cloud.numberOfReturns(i) < 1) {
          throw new PointCloudException(
              "number of returns of point %d is 0, expected at least 1".formatted(i));
        }
      }
    }
    tile = raw("tile", preprocessing.tile());
    margin = Math.round(Math.rint(preprocessing.margin() / scale));
    box = Box.of(cloud);
    x = IntStream.range(0, n).mapToLong(i -> (long) cloud.x(i) - box.minX()).toArray();
    y = IntStream.range(0, n).mapToLong(i -> (long) cloud.y(i) - box.minY()).toArray();
    tiles = new Grid(x, y, tile);
    ground = ground(raw("ground_cell", preprocessing.groundCell()));
  }

  /**
   * The receptive fields of a point cloud.
   *
   * @param cloud at least one point; the same scale on all axes, in metres
   * @param preprocessing how its points are to be fed
   * @return the receptive fields
   * @throws PointCloudException if there are no points, the scales differ, a length is shorter than
   *     the scale, or a point has no returns although their ratio is a feature
   */
  public static ReceptiveFields of(PointCloud cloud, Preprocessing preprocessing) {
    return new ReceptiveFields(cloud, preprocessing);
  }

  /** A length in raw units, to the nearest (ties to even, as Python rounds). */
  private long raw(String name, double length) {
    long raw = Math.round(Math.rint(length / scale));
    if (raw < 1) {
      throw new PointCloudException(
          "%s is %s m, expected at least the file's scale of %s m".formatted(name, length, scale));
    }
    return Math.min(raw, 1L << 40); // more than any file extends over
  }

  /** The lowest raw z in the 3 × 3 cells around each point's own. */
  private int[] ground(long side) {
    Grid cells = new Grid(x, y, side);
    int[] lowest =
        IntStream.range(0, cells.cells())
            .map(cell -> cells.points(cell).map(cloud::z).min().orElseThrow())
            .toArray();
    int[] around =
        IntStream.range(0, cells.cells())
            .map(cell -> cells.around(cell, side).map(c -> lowest[c]).min().orElseThrow())
            .toArray();
    return IntStream.range(0, cloud.size()).map(i -> around[cells.cellOf(i)]).toArray();
  }

  /**
   * The number of receptive fields.
   *
   * @return the number of tiles that hold points
   */
  public int size() {
    return tiles.cells();
  }

  /**
   * Computes a receptive field.
   *
   * @param i which one, 0 to {@code size() - 1}
   * @return a new receptive field
   */
  public ReceptiveField get(int i) {
    long x0 = tiles.column(i) * tile;
    long y0 = tiles.row(i) * tile;
    int[] points =
        tiles
            .around(i, margin)
            .flatMap(tiles::points)
            .filter(p -> isWithin(x[p], x0, margin) && isWithin(y[p], y0, margin))
            .sorted()
            .toArray();
    int[] core =
        IntStream.range(0, points.length).filter(j -> tiles.cellOf(points[j]) == i).toArray();
    int[] neighbours =
        new NearestNeighbours(
                Arrays.stream(points).map(cloud::x).toArray(),
                Arrays.stream(points).map(cloud::y).toArray(),
                Arrays.stream(points).map(cloud::z).toArray())
            .search(preprocessing.neighbours(), preprocessing.dilation());
    return new ReceptiveField(
        (int) tiles.row(i),
        (int) tiles.column(i),
        points,
        core,
        coordinates(points, x0 + tile / 2, y0 + tile / 2),
        features(points),
        neighbours);
  }

  private boolean isWithin(long value, long start, long border) {
    return value >= start - border && value < start + tile + border;
  }

  private float[] coordinates(int[] points, long centerX, long centerY) {
    double unit = preprocessing.unit();
    float[] values = new float[3 * points.length];
    for (int j = 0; j < points.length; j++) {
      int p = points[j];
      values[3 * j] = (float) ((x[p] - centerX) * scale / unit);
      values[3 * j + 1] = (float) ((y[p] - centerY) * scale / unit);
      values[3 * j + 2] = (float) (((long) cloud.z(p) - box.minZ()) * scale / unit);
    }
    return values;
  }

  private float[] features(int[] points) {
    List<Feature> features = preprocessing.features();
    float[] values = new float[features.size() * points.length];
    int next = 0;
    for (int p : points) {
      for (Feature feature : features) {
        values[next++] = (float) feature(feature, p);
      }
    }
    return values;
  }

  private double feature(Feature feature, int p) {
    return switch (feature) {
      case HEIGHT -> ((long) cloud.z(p) - ground[p]) * scale / preprocessing.heightUnit();
      case INTENSITY -> cloud.intensity(p) / 65535.0;
      case RETURN_RATIO -> (double) cloud.returnNumber(p) / cloud.numberOfReturns(p);
      case RETURNS -> cloud.numberOfReturns(p) / 5.0;
    };
  }

  @Override
  public Iterator<ReceptiveField> iterator() {
    return IntStream.range(0, size()).mapToObj(this::get).iterator();
  }
}
