package io.github.kpconvx.pointcloud.receptive;

import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.pointcloud.Coordinates;
import io.github.kpconvx.pointcloud.PointCloud;
import io.github.kpconvx.pointcloud.PointCloudException;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;

/**
 * The receptive fields of a point cloud. Each is computed when it is asked for.
 *
 * <p>All decisions about a file's points are taken on whole numbers, and every value is one chain
 * of double-precision operations in a fixed order, rounded to single precision at its end: Python
 * computes the same bits. Immutable, and safe for many threads.
 */
public final class ReceptiveFields implements Iterable<ReceptiveField> {
  private final Coordinates coordinates;
  private final FeatureTable features;
  private final Partition.Parts parts;
  private final Hierarchy hierarchy;
  private final UnaryOperator<String> names;

  private ReceptiveFields(
      Coordinates coordinates,
      FeatureTable features,
      Partition.Parts parts,
      Hierarchy hierarchy,
      UnaryOperator<String> names) {
    this.coordinates = coordinates;
    this.features = features;
    this.hierarchy = hierarchy;
    this.names = names;
    this.parts = parts;
  }

  /**
   * The receptive fields of a file. Where the axes differ in scale, coordinates are taken in units
   * of the finest, to the nearest. Returns that the file does not tell, 0, count as the first and
   * as one.
   *
   * @param cloud at least one point, in metres
   * @param preprocessing how its points are to be fed
   * @return the receptive fields
   * @throws PointCloudException if there are no points, a length is shorter than the scale, the
   *     points extend too far for their scale, or no field has enough of them; the message names
   *     the cloud's file
   */
  public static ReceptiveFields of(PointCloud cloud, Preprocessing preprocessing) {
    Coordinates coordinates = Coordinates.of(cloud);
    Partition.Parts parts = cut(coordinates, preprocessing.partition(), preprocessing.hierarchy());
    return new ReceptiveFields(
        coordinates,
        preprocessing.features().of(cloud, coordinates),
        parts,
        preprocessing.hierarchy(),
        preprocessing::name);
  }

  /**
   * The receptive fields of points from elsewhere; their arrays are named as {@link Hierarchy}
   * does.
   *
   * @param coordinates at least one point
   * @param features a row for each point
   * @param partition how the points are cut into fields
   * @param hierarchy how a field becomes arrays
   * @return the receptive fields
   * @throws PointCloudException if there are no points, they extend too far, or no field has enough
   *     of them
   */
  public static ReceptiveFields of(
      Coordinates coordinates, FeatureTable features, Partition partition, Hierarchy hierarchy) {
    return new ReceptiveFields(
        coordinates,
        features,
        cut(coordinates, partition, hierarchy),
        hierarchy,
        UnaryOperator.identity());
  }

  private static Partition.Parts cut(
      Coordinates coordinates, Partition partition, Hierarchy hierarchy) {
    if (coordinates.size() == 0) {
      throw new PointCloudException(
          coordinates.source() + ": has no points, expected at least one; leave it out");
    }
    return partition.of(coordinates, hierarchy.least());
  }

  /**
   * The number of receptive fields.
   *
   * @return their number, at least 1
   */
  public int size() {
    return parts.size();
  }

  /**
   * Computes a receptive field.
   *
   * @param i which one, 0 to {@code size() - 1}
   * @return a new receptive field
   * @throws PointCloudException if it has too few points that differ, or they extend too far
   */
  public ReceptiveField get(int i) {
    Part part = parts.get(i);
    coordinates.requireSearchable(part.points());
    try {
      return build(part);
    } catch (PointCloudException e) {
      throw new PointCloudException(
          "%s: %s: %s".formatted(coordinates.source(), part.name(), e.getMessage()), e);
    }
  }

  private ReceptiveField build(Part part) {
    int[] points = part.points();
    Columns relative =
        new Columns(
            IntStream.of(points).mapToDouble(p -> coordinates.x(p) - part.centerX()).toArray(),
            IntStream.of(points).mapToDouble(p -> coordinates.y(p) - part.centerY()).toArray(),
            IntStream.of(points).mapToDouble(p -> coordinates.z(p) - part.centerZ()).toArray());
    Hierarchy.Built built = hierarchy.build(relative, coordinates.scale());
    Map<String, NpyArray> inputs = new LinkedHashMap<>();
    for (String name : hierarchy.names()) {
      NpyArray array =
          name.equals(Hierarchy.FEATURES) ? features(points, built) : built.arrays().get(name);
      inputs.put(names.apply(name), array);
    }
    return new ReceptiveField(part, built, inputs);
  }

  private NpyArray features(int[] points, Hierarchy.Built built) {
    int columns = features.columns();
    int rows = built.size();
    float[] values = new float[rows * columns];
    double[] own = ownFeatures(points, built.parents());
    for (int i = 0; i < rows; i++) {
      for (int c = 0; c < columns; c++) {
        values[i * columns + c] = (float) built.down().mean(own, columns, i, c);
      }
    }
    return NpyArray.of(values, rows, columns);
  }

  /** The features of a field's points, and of those added to them: the mean of their parents'. */
  private double[] ownFeatures(int[] points, IndexTable parents) {
    int columns = features.columns();
    double[] own = new double[(points.length + parents.rows()) * columns];
    for (int i = 0; i < points.length; i++) {
      for (int c = 0; c < columns; c++) {
        own[i * columns + c] = features.get(points[i], c);
      }
    }
    for (int i = 0; i < parents.rows(); i++) {
      for (int c = 0; c < columns; c++) {
        own[(points.length + i) * columns + c] = parents.mean(own, columns, i, c);
      }
    }
    return own;
  }

  @Override
  public Iterator<ReceptiveField> iterator() {
    return IntStream.range(0, size()).mapToObj(this::get).iterator();
  }
}
