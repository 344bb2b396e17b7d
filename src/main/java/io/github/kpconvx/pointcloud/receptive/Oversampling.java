package io.github.kpconvx.pointcloud.receptive;

import io.github.kpconvx.pointcloud.PointCloudException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;

/**
 * What becomes of fields that have fewer points than the first depth of a hierarchy keeps. Points
 * that are added have no place in the cloud: they take the mean of the features of the two that
 * they lie between, and their scores are dropped.
 *
 * @param least how many points a field has to have to be filled up; 0 where none is
 */
public record Oversampling(int least) {

  /**
   * Checks the number.
   *
   * @throws PointCloudException if it is neither 0 nor at least 2
   */
  public Oversampling {
    if (least < 0 || least == 1) {
      throw new PointCloudException(
          "fields are to be filled up from %d points on, expected at least 2, which have a midpoint"
              .formatted(least));
    }
  }

  /**
   * Such fields are left out, or refused where that would leave points without an answer.
   *
   * @return no oversampling
   */
  public static Oversampling none() {
    return new Oversampling(0);
  }

  /**
   * Midpoints of the closest pairs of points that differ are added, the closest first, until there
   * are enough; where all pairs have one, the points added make pairs too.
   *
   * @param least fields of fewer points are treated as without oversampling, at least 2
   * @return the oversampling
   * @throws PointCloudException if the number is less than 2
   */
  public static Oversampling nearest(int least) {
    return new Oversampling(Math.max(1, least));
  }

  /** How many points a field has to have of which so many are needed. */
  int least(int needed) {
    return least == 0 ? needed : Math.min(least, needed);
  }

  /**
   * Adds points until there are enough.
   *
   * @throws PointCloudException if all points coincide
   */
  Filled fill(Columns points, int needed) {
    int given = points.size();
    if (given >= needed) {
      return new Filled(points, new IndexTable(new int[0], 2));
    }
    double[] x = Arrays.copyOf(points.x(), needed);
    double[] y = Arrays.copyOf(points.y(), needed);
    double[] z = Arrays.copyOf(points.z(), needed);
    int[] parents = new int[2 * (needed - given)];
    int size = given;
    while (size < needed) {
      List<Pair> pairs = closest(x, y, z, size, needed - size);
      if (pairs.isEmpty()) {
        throw new PointCloudException(
            "%d points cannot be filled up to %d: all lie in one place".formatted(given, needed));
      }
      for (Pair pair : pairs) {
        x[size] = (x[pair.a] + x[pair.b]) / 2;
        y[size] = (y[pair.a] + y[pair.b]) / 2;
        z[size] = (z[pair.a] + z[pair.b]) / 2;
        parents[2 * (size - given)] = pair.a;
        parents[2 * (size - given) + 1] = pair.b;
        size++;
      }
    }
    return new Filled(new Columns(x, y, z), new IndexTable(parents, 2));
  }

  /** The closest pairs of points that differ, at most so many. */
  private static List<Pair> closest(double[] x, double[] y, double[] z, int size, int count) {
    PriorityQueue<Pair> found = new PriorityQueue<>(Collections.reverseOrder(Pair.ORDER));
    for (int a = 0; a < size; a++) {
      for (int b = a + 1; b < size; b++) {
        double dx = x[b] - x[a];
        double dy = y[b] - y[a];
        double dz = z[b] - z[a];
        double distance = dx * dx + dy * dy + dz * dz;
        if (distance > 0 && (found.size() < count || distance < found.element().distance)) {
          found.add(new Pair(distance, a, b));
          if (found.size() > count) {
            found.remove();
          }
        }
      }
    }
    List<Pair> pairs = new ArrayList<>(found);
    pairs.sort(Pair.ORDER);
    return pairs;
  }

  private record Pair(double distance, int a, int b) {
    static final Comparator<Pair> ORDER =
        Comparator.comparingDouble(Pair::distance)
            .thenComparingInt(Pair::a)
            .thenComparingInt(Pair::b);
  }

  /**
   * Points and those that were added after them.
   *
   * @param points all of them
   * @param parents for each that was added the two that it lies between, which stand before it
   */
  record Filled(Columns points, IndexTable parents) {}
}
