package io.github.kpconvx.pointcloud.receptive;

import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.pointcloud.NearestNeighbours;
import io.github.kpconvx.pointcloud.PointCloudException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/**
 * The arrays that a network is fed with for a receptive field, as VL3D's hierarchical networks take
 * them. For the depths t = 1 … d, of R_t points:
 *
 * <ul>
 *   <li>{@code X_t} (R_t, 3): where the points are, from the field's centre
 *   <li>{@code Fin} (R_1, D): the features of the first depth, the mean over the points of ND_1
 *   <li>{@code N_t} (R_t, neighbours): each point's nearest in its own depth
 *   <li>{@code ND_t} (R_t, down), t ≥ 2: each point's nearest in the depth above
 *   <li>{@code NU_t} (R_(t−1), up), t ≥ 2: the nearest in this depth of each point of the one above
 * </ul>
 *
 * <p>Neighbours come nearest first, of several as near the one with the lower index; they are found
 * before coordinates are rounded to single precision. ND_1 and NU_1 stay outside of the network.
 *
 * @param depths at least one
 * @param unit the length that is 1 in X_t, in metres, &gt; 0
 * @param unitSphere whether each X_t of a field is divided by its largest norm
 * @param oversampling what becomes of fields that have too few points
 */
public record Hierarchy(
    List<Depth> depths, double unit, boolean unitSphere, Oversampling oversampling) {
  /** What the array of features is called. */
  static final String FEATURES = "Fin";

  /**
   * Checks that the depths fit each other.
   *
   * @throws PointCloudException if they don't, or the unit is out of range
   */
  public Hierarchy {
    depths = List.copyOf(depths);
    Preprocessing.checkLength("unit", unit);
    if (depths.isEmpty()) {
      throw new PointCloudException("depths are none, expected at least one");
    }
    OptionalInt above = OptionalInt.empty();
    for (int t = 1; t <= depths.size(); t++) {
      Depth depth = depths.get(t - 1);
      OptionalInt here = depth.selection().keepsAll() ? above : depth.selection().number();
      boolean field = t == 1 && depth.isField() && depth.selection().keepsAll();
      if (!field && (depth.down() == 0 || depth.up() == 0)) {
        throw new PointCloudException(
            "depth %d has down = %d and up = %d, expected at least 1%s"
                .formatted(
                    t,
                    depth.down(),
                    depth.up(),
                    t == 1 ? ", or 0 for both where all points are kept" : ""));
      }
      requireAtMost("points of depth " + t, here.orElse(1), above);
      requireAtMost(
          "neighbours of depth " + t, (depth.neighbours() - 1) * (long) depth.dilation() + 1, here);
      requireAtMost("down of depth " + t, depth.down(), above);
      requireAtMost("up of depth " + t, depth.up(), here);
      above = here;
    }
  }

  private static void requireAtMost(String what, long found, OptionalInt points) {
    if (points.isPresent() && found > points.getAsInt()) {
      throw new PointCloudException(
          "%s: %d, expected at most %d, as there are so many points"
              .formatted(what, found, points.getAsInt()));
    }
  }

  /**
   * A hierarchy in metres, not scaled.
   *
   * @param depths at least one
   * @return the hierarchy
   * @throws PointCloudException if they do not fit each other
   */
  public static Hierarchy of(List<Depth> depths) {
    return new Hierarchy(depths, 1, false, Oversampling.none());
  }

  /**
   * The names of the arrays.
   *
   * @return as above, in the order X_t, Fin, ND_t, N_t, NU_t
   */
  public List<String> names() {
    List<String> names = new ArrayList<>(coordinateNames());
    names.add(FEATURES);
    for (int t = 2; t <= depths.size(); t++) {
      names.add("ND_" + t);
    }
    for (int t = 1; t <= depths.size(); t++) {
      names.add("N_" + t);
    }
    for (int t = 2; t <= depths.size(); t++) {
      names.add("NU_" + t);
    }
    return names;
  }

  /**
   * The names of the arrays of coordinates.
   *
   * @return X_1, X_2, …
   */
  public List<String> coordinateNames() {
    List<String> names = new ArrayList<>();
    for (int t = 1; t <= depths.size(); t++) {
      names.add("X_" + t);
    }
    return names;
  }

  /** How many points a field has to have. */
  int least() {
    return oversampling.least(needed());
  }

  /** How many it has to have after oversampling. */
  private int needed() {
    Depth first = depths.get(0);
    return Math.max(Math.max(1, first.down()), first.selection().number().orElse(1));
  }

  /**
   * Whether the arrays of all fields have the same shapes.
   *
   * @return whether the numbers of points are given for each depth
   */
  public boolean isFixed() {
    return depths.get(0).selection().number().isPresent()
        && depths.stream()
            .allMatch(
                depth -> depth.selection().keepsAll() || depth.selection().number().isPresent());
  }

  /**
   * Makes the arrays of a field.
   *
   * @param points the field's points, from its centre, in units
   * @param scale metres of a unit
   * @return what follows from them
   * @throws PointCloudException if they are too few, or too few that differ
   */
  Built build(Columns points, double scale) {
    Map<String, NpyArray> arrays = new LinkedHashMap<>();
    IndexTable downFirst = IndexTable.IDENTITY;
    IndexTable upFirst = IndexTable.IDENTITY;
    Oversampling.Filled filled = oversampling.fill(points, needed());
    Columns above = filled.points();
    NearestNeighbours searchAbove = null;
    for (int t = 1; t <= depths.size(); t++) {
      Depth depth = depths.get(t - 1);
      Columns here =
          depth.selection().keepsAll()
              ? above
              : above.rows(depth.selection().of(above.x(), above.y(), above.z()));
      arrays.put("X_" + t, NpyArray.of(coordinates(here, scale), here.size(), 3));
      NearestNeighbours search = new NearestNeighbours(here.x(), here.y(), here.z());
      arrays.put(
          "N_" + t,
          NpyArray.of(
              search.search(depth.neighbours(), depth.dilation()),
              here.size(),
              depth.neighbours()));
      if (!depth.isField()) {
        if (searchAbove == null) {
          searchAbove = new NearestNeighbours(above.x(), above.y(), above.z());
        }
        int[] down = searchAbove.search(here.x(), here.y(), here.z(), depth.down());
        int[] up = search.search(above.x(), above.y(), above.z(), depth.up());
        if (t == 1) {
          downFirst = new IndexTable(down, depth.down());
          upFirst = new IndexTable(up, depth.up());
        } else {
          arrays.put("ND_" + t, NpyArray.of(down, here.size(), depth.down()));
          arrays.put("NU_" + t, NpyArray.of(up, above.size(), depth.up()));
        }
      }
      above = here;
      searchAbove = search;
    }
    int size = Math.toIntExact(arrays.get("X_1").shape()[0]);
    return new Built(size, arrays, downFirst, upFirst, filled.parents());
  }

  private float[] coordinates(Columns points, double scale) {
    double largest = 1;
    if (unitSphere) {
      largest = largestNorm(points) * scale / unit;
      if (!(largest > 0)) {
        throw new PointCloudException(
            "all %d points lie at the field's centre, expected some elsewhere, as they are scaled to the unit sphere"
                .formatted(points.size()));
      }
    }
    float[] values = new float[3 * points.size()];
    for (int i = 0; i < points.size(); i++) {
      values[3 * i] = (float) (points.x()[i] * scale / unit / largest);
      values[3 * i + 1] = (float) (points.y()[i] * scale / unit / largest);
      values[3 * i + 2] = (float) (points.z()[i] * scale / unit / largest);
    }
    return values;
  }

  private static double largestNorm(Columns points) {
    double largest = 0;
    for (int i = 0; i < points.size(); i++) {
      double x = points.x()[i];
      double y = points.y()[i];
      double z = points.z()[i];
      largest = Math.max(largest, x * x + y * y + z * z);
    }
    return Math.sqrt(largest);
  }

  /**
   * What follows from a field's points.
   *
   * @param size R_1
   * @param arrays all but the features
   * @param down ND_1
   * @param up NU_1
   * @param parents of each point that was added to the field's the two it lies between
   */
  record Built(
      int size, Map<String, NpyArray> arrays, IndexTable down, IndexTable up, IndexTable parents) {}
}
