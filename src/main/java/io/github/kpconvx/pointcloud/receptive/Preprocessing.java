package io.github.kpconvx.pointcloud.receptive;

import io.github.kpconvx.pointcloud.PointClass;
import io.github.kpconvx.pointcloud.PointCloudException;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * How the points of a file become the inputs of a network, field by field, and what its outputs
 * mean. Lengths are in metres.
 *
 * @param partition how a cloud is cut into fields
 * @param features which features of its points are taken
 * @param hierarchy how a field becomes arrays
 * @param names what the network calls these arrays, where it does not call them as {@link
 *     Hierarchy} does: its names by those
 * @param reduction what becomes of several scores of a point
 * @param classes the classes in the order of the network's output channels, no code twice
 */
public record Preprocessing(
    Partition partition,
    CloudFeatures features,
    Hierarchy hierarchy,
    Map<String, String> names,
    Reduction reduction,
    List<PointClass> classes) {

  /**
   * Checks and copies the values.
   *
   * @throws PointCloudException if a value is out of range, or two arrays have one name
   */
  public Preprocessing {
    names = Map.copyOf(names);
    List<String> known = hierarchy.names();
    Set<String> named = new HashSet<>();
    for (String name : known) {
      if (!named.add(names.getOrDefault(name, name))) {
        throw new PointCloudException(
            "two inputs are named %s, expected another name for each of %s"
                .formatted(names.getOrDefault(name, name), known));
      }
    }
    if (!Set.copyOf(known).containsAll(names.keySet())) {
      throw new PointCloudException(
          "names are given for %s, expected some of %s".formatted(names.keySet(), known));
    }
    classes = List.copyOf(classes);
    Set<Integer> codes = new HashSet<>();
    if (classes.isEmpty() || !classes.stream().allMatch(c -> codes.add(c.code()))) {
      throw new PointCloudException(
          "class codes are %s, expected one or more, each once"
              .formatted(classes.stream().map(PointClass::code).toList()));
    }
  }

  /**
   * What a network of one depth takes, X, F and N, tile by tile.
   *
   * @param tiles how the cloud is cut
   * @param features which features of its points are taken
   * @param neighbours number κ of neighbours of each point, itself included, &ge; 1
   * @param dilation every dilation-th nearest neighbour is taken, &ge; 1
   * @param unit the length that is 1 in X, &gt; 0
   * @param classes the classes in the order of the network's output channels, no code twice
   * @return the preprocessing
   * @throws PointCloudException if a value is out of range
   */
  public static Preprocessing flat(
      Tiles tiles,
      CloudFeatures features,
      int neighbours,
      int dilation,
      double unit,
      List<PointClass> classes) {
    return new Preprocessing(
        tiles,
        features,
        new Hierarchy(List.of(Depth.field(neighbours, dilation)), unit, false, Oversampling.none()),
        Map.of("X_1", "X", "Fin", "F", "N_1", "N"),
        Reduction.LAST,
        classes);
  }

  /**
   * What the network is fed with.
   *
   * @return the names of its inputs
   */
  public List<String> inputs() {
    return hierarchy.names().stream().map(this::name).toList();
  }

  /**
   * Which inputs are coordinates.
   *
   * @return their names, from the first depth on
   */
  public List<String> coordinateInputs() {
    return hierarchy.coordinateNames().stream().map(this::name).toList();
  }

  /**
   * Which input has the features.
   *
   * @return its name
   */
  public String featureInput() {
    return name("Fin");
  }

  /** What the network calls an array of the hierarchy. */
  String name(String array) {
    return names.getOrDefault(array, array);
  }

  static void checkLength(String name, double value) {
    if (!(value > 0 && Double.isFinite(value))) {
      throw new PointCloudException("%s is %s, expected a length > 0".formatted(name, value));
    }
  }

  static int checkCount(String name, int value) {
    if (value < 1) {
      throw new PointCloudException("%s is %d, expected at least 1".formatted(name, value));
    }
    return value;
  }
}
