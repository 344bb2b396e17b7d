package io.github.kpconvx.pointcloud;

import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * How the points of a file become the inputs X, F and N of a network, tile by tile. Lengths are in
 * metres.
 *
 * @param tile side of the square tiles that are classified one by one, &gt; 0
 * @param margin width of the border around a tile whose points are fed along, so that those at the
 *     tile's edge have all their neighbours, &ge; 0
 * @param neighbours number κ of neighbours of each point, itself included, &ge; 1
 * @param dilation every dilation-th nearest neighbour is taken, &ge; 1
 * @param unit the length that is 1 in X, &gt; 0
 * @param groundCell side of the square cells in which the lowest point is looked for, &gt; 0
 * @param heightUnit the length that is 1 in the feature {@link Feature#HEIGHT}, &gt; 0
 * @param features the columns of F, each once
 * @param classes the classes in the order of the network's output channels, no code twice
 */
public record Preprocessing(
    double tile,
    double margin,
    int neighbours,
    int dilation,
    double unit,
    double groundCell,
    double heightUnit,
    List<Feature> features,
    List<PointClass> classes) {

  /**
   * Checks and copies the values.
   *
   * @throws PointCloudException if a value is out of range
   */
  public Preprocessing {
    checkLength("tile", tile);
    checkLength("unit", unit);
    checkLength("ground_cell", groundCell);
    checkLength("height_unit", heightUnit);
    if (!(margin >= 0 && Double.isFinite(margin))) {
      throw new PointCloudException("margin is %s, expected a length >= 0".formatted(margin));
    }
    checkCount("neighbours", neighbours);
    checkCount("dilation", dilation);
    features = List.copyOf(features);
    if (features.isEmpty() || Set.copyOf(features).size() < features.size()) {
      throw new PointCloudException(
          "features are %s, expected one or more, each once"
              .formatted(features.stream().map(Feature::key).toList()));
    }
    classes = List.copyOf(classes);
    Set<Integer> codes = new HashSet<>();
    if (classes.isEmpty() || !classes.stream().allMatch(c -> codes.add(c.code()))) {
      throw new PointCloudException(
          "class codes are %s, expected one or more, each once"
              .formatted(classes.stream().map(PointClass::code).toList()));
    }
  }

  private static void checkLength(String name, double value) {
    if (!(value > 0 && Double.isFinite(value))) {
      throw new PointCloudException("%s is %s, expected a length > 0".formatted(name, value));
    }
  }

  private static void checkCount(String name, int value) {
    if (value < 1) {
      throw new PointCloudException("%s is %d, expected at least 1".formatted(name, value));
    }
  }
}
