package io.github.kpconvx.pointcloud;

import java.util.Arrays;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;

/**
 * Exact nearest neighbours.
 *
 * <p>Neighbours are ordered by (squared distance, index), so that the answer is the same whatever
 * computes it, ties and coinciding points included. A point is its own nearest neighbour unless one
 * that coincides with it has a lower index. Distances of whole numbers are compared as integers;
 * those of others as doubles, dx² + dy² + dz² summed in this order.
 *
 * <p>The search is a k-d tree whose boxes know their lowest index. A tree that ranks by a
 * floating-point distance alone, such as DDogleg's, leaves ties at the k-th place to chance: asked
 * for more candidates until the tie is broken it needs quadratic time where many points coincide.
 *
 * <p>Immutable, and safe for many threads.
 */
public final class NearestNeighbours {
  private static final int TASK = 1024;

  /** Largest extent for which the sum of three squares fits in 63 bits. */
  static final long MAX_EXTENT = 1_753_413_056L;

  /** Largest extent for which doubles hold the sum of three squares of whole numbers. */
  private static final double EXACT_EXTENT = 54_791_000;

  private final KdTree tree;
  private final boolean whole;

  /** What is around a place: all that this holds for. */
  @FunctionalInterface
  public interface Reach {
    /**
     * Whether a point is near enough.
     *
     * @param dx its distance along x, at least 0
     * @param dy its distance along y, at least 0
     * @param dz its distance along z, at least 0
     * @return whether it is; if so, then also where one of the distances is smaller
     */
    boolean holds(double dx, double dy, double dz);
  }

  /**
   * Builds the search structure of raw coordinates.
   *
   * @param x x of each of the R points, in raw units
   * @param y y of each point
   * @param z z of each point
   * @throws PointCloudException if the lengths differ or the points extend over more than
   *     1,753,413,056 units in x, y or z
   */
  public NearestNeighbours(int[] x, int[] y, int[] z) {
    this(
        new KdTree(
            Arrays.stream(x).asDoubleStream().toArray(),
            Arrays.stream(y).asDoubleStream().toArray(),
            Arrays.stream(z).asDoubleStream().toArray()),
        true);
    if (tree.size > 0) {
      long extent = (long) tree.extent(tree.x[0], tree.y[0], tree.z[0]);
      if (extent > MAX_EXTENT) {
        throw new PointCloudException(
            "the points extend over %d raw units, expected at most %d"
                .formatted(extent, MAX_EXTENT));
      }
    }
  }

  /**
   * Builds the search structure.
   *
   * @param x x of each of the R points; copied
   * @param y y of each point; copied
   * @param z z of each point; copied
   * @throws PointCloudException if the lengths differ or a coordinate is no finite number
   */
  public NearestNeighbours(double[] x, double[] y, double[] z) {
    this(new KdTree(x.clone(), y.clone(), z.clone()), areWhole(x) && areWhole(y) && areWhole(z));
  }

  /**
   * Builds the search structure of a whole cloud. Where its axes differ in scale, distances are
   * those of coordinates in units of the finest, to the nearest.
   *
   * @param cloud the points
   * @return the search
   * @throws PointCloudException if the points extend too far for their scale
   */
  public static NearestNeighbours of(PointCloud cloud) {
    Coordinates coordinates = Coordinates.of(cloud);
    coordinates.requireSearchable(IntStream.range(0, cloud.size()).toArray());
    return new NearestNeighbours(coordinates.x, coordinates.y, coordinates.z);
  }

  private NearestNeighbours(KdTree tree, boolean whole) {
    this.tree = tree;
    this.whole = whole;
  }

  private static boolean areWhole(double... values) {
    for (double value : values) {
      if (value != Math.rint(value)) {
        return false;
      }
    }
    return true;
  }

  /**
   * The neighbours of every point: those of ranks 0, d, 2d, …, (κ − 1)·d in the order by (squared
   * distance, index). Ranks past the last point are taken as the last. Works on all processors.
   *
   * @param count the number κ of neighbours of each point, at least 1
   * @param dilation the step d between ranks, at least 1
   * @return indices of points, (R, κ) row by row
   * @throws PointCloudException if an argument is less than 1 or the result has 2³¹ elements or
   *     more
   */
  public int[] search(int count, int dilation) {
    // Neighbours in the tree are neighbours in space, so that a task's searches share its caches.
    return search(tree.x, tree.y, tree.z, count, dilation, i -> tree.index[i]);
  }

  /**
   * The points that are nearest to each of some places, nearest first: as {@link #search(int, int)}
   * for dilation 1. Works on all processors.
   *
   * @param x x of each of the places, finite
   * @param y y of each place
   * @param z z of each place
   * @param count the number κ of neighbours of each place, at least 1
   * @return indices of points, (places, κ) row by row
   * @throws PointCloudException if the count is less than 1, there are no points, or the result has
   *     2³¹ elements or more
   */
  public int[] search(double[] x, double[] y, double[] z, int count) {
    if (tree.size == 0 && x.length > 0) {
      throw new PointCloudException("there are no points to be near to, expected at least one");
    }
    return search(x, y, z, count, 1, i -> i);
  }

  private int[] search(
      double[] x, double[] y, double[] z, int count, int dilation, IntUnaryOperator row) {
    if (count < 1 || dilation < 1) {
      throw new PointCloudException(
          "neighbours and dilation are %d and %d, expected at least 1".formatted(count, dilation));
    }
    int places = x.length;
    if ((long) places * count > Integer.MAX_VALUE) {
      throw new PointCloudException(
          "%d neighbours of %d points are too many for one array".formatted(count, places));
    }
    int[] result = new int[places * count];
    int ranks = (int) Math.min((count - 1L) * dilation + 1, tree.size);
    IntStream.range(0, (places + TASK - 1) / TASK)
        .parallel()
        .forEach(
            task -> {
              Search search = new Search(ranks);
              for (int i = task * TASK; i < Math.min(places, (task + 1) * TASK); i++) {
                search.around(x[i], y[i], z[i]);
                int place = row.applyAsInt(i) * count;
                for (int j = 0; j < count; j++) {
                  int rank = (int) Math.min((long) j * dilation, ranks - 1L);
                  result[place + j] = search.indices[rank];
                }
              }
            });
    return result;
  }

  /**
   * All points within reach of a place.
   *
   * @param x x of the place
   * @param y y of the place
   * @param z z of the place
   * @param reach how far
   * @return which points these are, ascending
   */
  public int[] within(double x, double y, double z, Reach reach) {
    IntStream.Builder found = IntStream.builder();
    if (tree.size > 0) {
      collect(0, 0, tree.size, x, y, z, reach, found);
    }
    return found.build().sorted().toArray();
  }

  private void collect(
      int node,
      int from,
      int to,
      double x,
      double y,
      double z,
      Reach reach,
      IntStream.Builder found) {
    if (!reach.holds(tree.outsideX(node, x), tree.outsideY(node, y), tree.outsideZ(node, z))) {
      return;
    }
    if (tree.isLeaf(node)) {
      for (int i = from; i < to; i++) {
        if (reach.holds(
            Math.abs(tree.x[i] - x), Math.abs(tree.y[i] - y), Math.abs(tree.z[i] - z))) {
          found.add(tree.index[i]);
        }
      }
      return;
    }
    int middle = KdTree.middle(from, to);
    collect(2 * node + 1, from, middle, x, y, z, reach, found);
    collect(2 * node + 2, middle, to, x, y, z, reach, found);
  }

  /** The nearest points found so far, in order. */
  private final class Search {
    final long[] ranked;
    final int[] indices;
    private int found;
    private boolean wide;
    private double centerX;
    private double centerY;
    private double centerZ;

    Search(int ranks) {
      ranked = new long[ranks];
      indices = new int[ranks];
    }

    void around(double x, double y, double z) {
      found = 0;
      centerX = x;
      centerY = y;
      centerZ = z;
      double extent = tree.extent(x, y, z);
      wide = whole && extent > EXACT_EXTENT && extent <= MAX_EXTENT && areWhole(x, y, z);
      visit(0, 0, tree.size, 0);
    }

    private void visit(int node, int from, int to, long distance) {
      if (!mayHold(distance, tree.lowestIndex[node])) {
        return;
      }
      if (tree.isLeaf(node)) {
        for (int i = from; i < to; i++) {
          long d = rank(tree.x[i] - centerX, tree.y[i] - centerY, tree.z[i] - centerZ);
          if (mayHold(d, tree.index[i])) {
            insert(d, tree.index[i]);
          }
        }
        return;
      }
      int middle = KdTree.middle(from, to);
      int left = 2 * node + 1;
      int right = left + 1;
      long toLeft = distanceToBox(left);
      long toRight = distanceToBox(right);
      if (isBefore(toLeft, tree.lowestIndex[left], toRight, tree.lowestIndex[right])) {
        visit(left, from, middle, toLeft);
        visit(right, middle, to, toRight);
      } else {
        visit(right, middle, to, toRight);
        visit(left, from, middle, toLeft);
      }
    }

    /** A number that grows with the distance: its square, or the bits of that, as a double's do. */
    private long rank(double dx, double dy, double dz) {
      return wide
          ? squared(dx) + squared(dy) + squared(dz)
          : Double.doubleToRawLongBits(dx * dx + dy * dy + dz * dz);
    }

    private static long squared(double whole) {
      long value = (long) whole;
      return value * value;
    }

    private boolean mayHold(long distance, int i) {
      return found < ranked.length || isBefore(distance, i, ranked[found - 1], indices[found - 1]);
    }

    private void insert(long distance, int i) {
      int place = found < ranked.length ? found++ : found - 1;
      while (place > 0 && isBefore(distance, i, ranked[place - 1], indices[place - 1])) {
        ranked[place] = ranked[place - 1];
        indices[place] = indices[place - 1];
        place--;
      }
      ranked[place] = distance;
      indices[place] = i;
    }

    private long distanceToBox(int node) {
      return rank(
          tree.outsideX(node, centerX), tree.outsideY(node, centerY), tree.outsideZ(node, centerZ));
    }

    private static boolean isBefore(long distanceA, int a, long distanceB, int b) {
      return distanceA < distanceB || (distanceA == distanceB && a < b);
    }
  }
}
