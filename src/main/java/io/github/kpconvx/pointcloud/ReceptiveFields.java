package io.github.kpconvx.pointcloud;

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
  private final Units units;
  private final double scale;
  private final long tile;
  private final long margin;
  private final long[] x;
  private final long[] y;
  private final long[] z;
  private final long[] ground;
  private final Grid tiles;

  private ReceptiveFields(PointCloud cloud, Preprocessing preprocessing) {
    this.cloud = cloud;
    this.preprocessing = preprocessing;
    int n = cloud.size();
    if (n == 0) {
      throw new PointCloudException(
          cloud.source() + ": has no points, expected at least one; leave it out");
    }
    units = new Units(cloud);
    scale = units.scale;
    tile = raw("tile", preprocessing.tile());
    margin = Math.round(Math.rint(preprocessing.margin() / scale));
    x = units.x;
    y = units.y;
    z = units.z;
    tiles = new Grid(x, y, tile);
    ground = ground(raw("ground_cell", preprocessing.groundCell()));
  }

  /**
   * The receptive fields of a point cloud. Where the axes differ in scale, coordinates are taken in
   * units of the finest, to the nearest. Returns that the file does not tell, 0, count as the first
   * and as one.
   *
   * @param cloud at least one point, in metres
   * @param preprocessing how its points are to be fed
   * @return the receptive fields
   * @throws PointCloudException if there are no points, a length is shorter than the scale, or the
   *     points extend too far for their scale; the message names the cloud's file
   */
  public static ReceptiveFields of(PointCloud cloud, Preprocessing preprocessing) {
    return new ReceptiveFields(cloud, preprocessing);
  }

  /** A length in raw units, to the nearest (ties to even, as Python rounds). */
  private long raw(String name, double length) {
    long raw = Math.round(Math.rint(length / scale));
    if (raw < 1) {
      throw new PointCloudException(
          "%s: %s is %s m, expected at least the file's scale of %s m"
              .formatted(cloud.source(), name, length, scale));
    }
    return Math.min(raw, 1L << 40); // more than any file extends over
  }

  /** The lowest z in the 3 × 3 cells around each point's own. */
  private long[] ground(long side) {
    Grid cells = new Grid(x, y, side);
    long[] lowest =
        IntStream.range(0, cells.cells())
            .mapToLong(cell -> cells.points(cell).mapToLong(i -> z[i]).min().orElseThrow())
            .toArray();
    long[] around =
        IntStream.range(0, cells.cells())
            .mapToLong(
                cell -> cells.around(cell, side).mapToLong(c -> lowest[c]).min().orElseThrow())
            .toArray();
    return IntStream.range(0, cloud.size()).mapToLong(i -> around[cells.cellOf(i)]).toArray();
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
        units.search(points).search(preprocessing.neighbours(), preprocessing.dilation());
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
      values[3 * j + 2] = (float) (z[p] * scale / unit);
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
      case HEIGHT -> (z[p] - ground[p]) * scale / preprocessing.heightUnit();
      case INTENSITY -> cloud.intensity(p) / 65535.0;
      case RETURN_RATIO -> (double) number(p) / returns(p);
      case RETURNS -> returns(p) / 5.0;
    };
  }

  private int number(int p) {
    return Math.max(1, cloud.returnNumber(p));
  }

  /** As many as the file tells; where it does not, as many as the point's number asks for. */
  private int returns(int p) {
    return cloud.numberOfReturns(p) == 0 ? number(p) : cloud.numberOfReturns(p);
  }

  @Override
  public Iterator<ReceptiveField> iterator() {
    return IntStream.range(0, size()).mapToObj(this::get).iterator();
  }
}
