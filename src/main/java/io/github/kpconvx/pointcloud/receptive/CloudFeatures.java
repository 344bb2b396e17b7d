package io.github.kpconvx.pointcloud.receptive;

import io.github.kpconvx.pointcloud.Coordinates;
import io.github.kpconvx.pointcloud.PointCloud;
import io.github.kpconvx.pointcloud.PointCloudException;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Which features of a file's points a network is fed with.
 *
 * @param features the columns, each once
 * @param groundCell side of the square cells in which the lowest point is looked for, in metres,
 *     &gt; 0
 * @param heightUnit the length that is 1 in the feature {@link Feature#HEIGHT}, in metres, &gt; 0
 */
public record CloudFeatures(List<Feature> features, double groundCell, double heightUnit) {

  /**
   * Checks and copies the values.
   *
   * @throws PointCloudException if a value is out of range
   */
  public CloudFeatures {
    Preprocessing.checkLength("ground_cell", groundCell);
    Preprocessing.checkLength("height_unit", heightUnit);
    features = List.copyOf(features);
    if (features.isEmpty() || Set.copyOf(features).size() < features.size()) {
      throw new PointCloudException(
          "features are %s, expected one or more, each once"
              .formatted(features.stream().map(Feature::key).toList()));
    }
  }

  /**
   * Takes the features of a file's points. Returns that the file does not tell, 0, count as the
   * first and as one.
   *
   * @param cloud the file, at least one point
   * @param coordinates where its points lie
   * @return the features
   * @throws PointCloudException if the cells are smaller than the file's scale
   */
  public FeatureTable of(PointCloud cloud, Coordinates coordinates) {
    double[] ground =
        features.contains(Feature.HEIGHT) ? ground(coordinates) : new double[cloud.size()];
    return new FeatureTable() {
      @Override
      public int columns() {
        return features.size();
      }

      @Override
      public double get(int point, int column) {
        return switch (features.get(column)) {
          case HEIGHT -> (coordinates.z(point) - ground[point]) * coordinates.scale() / heightUnit;
          case INTENSITY -> cloud.intensity(point) / 65535.0;
          case RETURN_RATIO -> (double) number(cloud, point) / returns(cloud, point);
          case RETURNS -> returns(cloud, point) / 5.0;
          case ONES -> 1;
        };
      }
    };
  }

  /** The lowest z in the 3 × 3 cells around each point's own. */
  private double[] ground(Coordinates coordinates) {
    Grid cells = new Grid(coordinates, "ground_cell", groundCell);
    double[] lowest =
        IntStream.range(0, cells.cells())
            .mapToDouble(cell -> cells.points(cell).mapToDouble(coordinates::z).min().orElseThrow())
            .toArray();
    double[] around =
        IntStream.range(0, cells.cells())
            .mapToDouble(
                cell ->
                    cells
                        .around(cell, cells.side())
                        .mapToDouble(c -> lowest[c])
                        .min()
                        .orElseThrow())
            .toArray();
    return IntStream.range(0, coordinates.size())
        .mapToDouble(i -> around[cells.cellOf(i)])
        .toArray();
  }

  private static int number(PointCloud cloud, int point) {
    return Math.max(1, cloud.returnNumber(point));
  }

  /** As many as the file tells; where it does not, as many as the point's number asks for. */
  private static int returns(PointCloud cloud, int point) {
    int told = cloud.numberOfReturns(point);
    return told == 0 ? number(cloud, point) : told;
  }
}
