package io.github.kpconvx.pointcloud;

import java.util.Arrays;

/**
 * Furthest point sampling: points that are spread out evenly.
 *
 * <p>The first point is taken, then always the one whose distance to those taken is largest, of
 * several the first. The answer is the one that looking at all points each time gives, ties
 * included, but parts of space whose points all have a chosen one nearer than the new one are
 * skipped: a quarter of a hundred thousand points takes a fraction of a second.
 */
public final class FurthestPoints {
  private final KdTree tree;

  // In the tree's order: each point's squared distance to the nearest chosen one.
  private final double[] distances;

  // For each node the largest of these distances, and the first point that has it.
  private final double[] largest;
  private final int[] place;

  private FurthestPoints(KdTree tree) {
    this.tree = tree;
    distances = new double[tree.size];
    largest = new double[tree.nodes()];
    place = new int[tree.nodes()];
    Arrays.fill(distances, Double.POSITIVE_INFINITY);
    Arrays.fill(largest, Double.POSITIVE_INFINITY);
  }

  /**
   * Chooses points.
   *
   * @param x x of each of n points
   * @param y y of each point
   * @param z z of each point
   * @param count how many are wanted, 1 to n
   * @return which points these are, ascending
   * @throws PointCloudException if the lengths differ, a coordinate is no finite number, there are
   *     fewer points than wanted, or fewer that differ
   */
  public static int[] choose(double[] x, double[] y, double[] z, int count) {
    if (count < 1 || count > x.length) {
      throw new PointCloudException(
          "furthest points are to be %d, expected 1 to %d, the number of points"
              .formatted(count, x.length));
    }
    return new FurthestPoints(new KdTree(x.clone(), y.clone(), z.clone())).choose(count);
  }

  private int[] choose(int count) {
    int[] chosen = new int[count];
    int next = first();
    for (int i = 0; i < count; i++) {
      if (i > 0) {
        next = place[0];
        if (!(largest[0] > 0)) {
          throw new PointCloudException(
              "%d points are wanted, but of %d points only %d differ"
                  .formatted(count, tree.size, i));
        }
      }
      chosen[i] = tree.index[next];
      update(0, 0, tree.size, tree.x[next], tree.y[next], tree.z[next]);
    }
    Arrays.sort(chosen);
    return chosen;
  }

  /** Where the tree has the first of the points. */
  private int first() {
    int i = 0;
    while (tree.index[i] != 0) {
      i++;
    }
    return i;
  }

  /** Takes a new chosen point into account. */
  private void update(int node, int from, int to, double x, double y, double z) {
    double toBox = squared(tree.outsideX(node, x), tree.outsideY(node, y), tree.outsideZ(node, z));
    if (toBox >= largest[node]) {
      return;
    }
    if (tree.isLeaf(node)) {
      int best = from;
      for (int i = from; i < to; i++) {
        double distance = squared(tree.x[i] - x, tree.y[i] - y, tree.z[i] - z);
        distances[i] = Math.min(distances[i], distance);
        best = farther(best, i);
      }
      set(node, best);
      return;
    }
    int middle = KdTree.middle(from, to);
    update(2 * node + 1, from, middle, x, y, z);
    update(2 * node + 2, middle, to, x, y, z);
    set(node, farther(place[2 * node + 1], place[2 * node + 2]));
  }

  private void set(int node, int best) {
    place[node] = best;
    largest[node] = distances[best];
  }

  private int farther(int a, int b) {
    boolean first =
        distances[a] > distances[b]
            || (distances[a] == distances[b] && tree.index[a] < tree.index[b]);
    return first ? a : b;
  }

  /** In this order, as Python sums it. */
  private static double squared(double dx, double dy, double dz) {
    return dx * dx + dy * dy + dz * dz;
  }
}
