package io.github.kpconvx.pointcloud;

import java.util.stream.IntStream;

/**
 * Exact nearest neighbours of points with integer coordinates.
 *
 * <p>Neighbours are ordered by (squared distance, index), both compared as integers, so that the
 * answer is the same whatever computes it, ties and coinciding points included. A point is its own
 * nearest neighbour unless one that coincides with it has a lower index.
 *
 * <p>The search is a k-d tree whose boxes know their lowest index. A tree that ranks by a
 * floating-point distance alone, such as DDogleg's, leaves ties at the k-th place to chance: asked
 * for more candidates until the tie is broken it needs quadratic time where many points coincide.
 */
public final class NearestNeighbours {
  private static final int LEAF = 8;
  private static final int TASK = 1024;

  /** Largest extent for which the sum of three squares fits in 63 bits. */
  static final long MAX_EXTENT = 1_753_413_056L;

  private final int size;

  // The points in tree order: a node is a range of them, its children the two halves of the range.
  private final int[] index;
  private final int[] x;
  private final int[] y;
  private final int[] z;

  // Node i has children 2i + 1 and 2i + 2; six bounds for each.
  private final int[] bounds;
  private final int[] lowestIndex;

  /**
   * Builds the search structure.
   *
   * @param x x of each of the R points, in raw units
   * @param y y of each point
   * @param z z of each point
   * @throws PointCloudException if the lengths differ or the points extend over more than
   *     1,753,413,056 units in x, y or z
   */
  public NearestNeighbours(int[] x, int[] y, int[] z) {
    if (y.length != x.length || z.length != x.length) {
      throw new PointCloudException(
          "x, y and z have %d, %d and %d values, expected the same number"
              .formatted(x.length, y.length, z.length));
    }
    size = x.length;
    index = IntStream.range(0, size).toArray();
    this.x = x.clone();
    this.y = y.clone();
    this.z = z.clone();
    int leaves = 1;
    while ((long) leaves * LEAF < size) {
      leaves *= 2;
    }
    bounds = new int[6 * (2 * leaves - 1)];
    lowestIndex = new int[2 * leaves - 1];
    if (size > 0) {
      build(0, 0, size);
    }
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
    return new Units(cloud).search(IntStream.range(0, cloud.size()).toArray());
  }

  private boolean isLeaf(int node) {
    return 2 * node + 1 >= lowestIndex.length;
  }

  private void build(int node, int from, int to) {
    int axis = bound(node, from, to);
    if (isLeaf(node)) {
      return;
    }
    int middle = (from + to) >>> 1;
    partition(axis == 0 ? x : axis == 1 ? y : z, from, to - 1, middle);
    build(2 * node + 1, from, middle);
    build(2 * node + 2, middle, to);
  }

  /** Fills in a node's bounds and returns its longest axis. */
  private int bound(int node, int from, int to) {
    int[][] columns = {x, y, z};
    int longest = 0;
    long extent = -1;
    for (int axis = 0; axis < 3; axis++) {
      int min = Integer.MAX_VALUE;
      int max = Integer.MIN_VALUE;
      for (int i = from; i < to; i++) {
        min = Math.min(min, columns[axis][i]);
        max = Math.max(max, columns[axis][i]);
      }
      bounds[6 * node + axis] = min;
      bounds[6 * node + 3 + axis] = max;
      if ((long) max - min > extent) {
        extent = (long) max - min;
        longest = axis;
      }
    }
    if (extent > MAX_EXTENT) {
      throw new PointCloudException(
          "the points extend over %d raw units, expected at most %d".formatted(extent, MAX_EXTENT));
    }
    int lowest = Integer.MAX_VALUE;
    for (int i = from; i < to; i++) {
      lowest = Math.min(lowest, index[i]);
    }
    lowestIndex[node] = lowest;
    return longest;
  }

  /** Quickselect: nothing before {@code middle} is greater than anything from there on. */
  private void partition(int[] keys, int from, int to, int middle) {
    int low = from;
    int high = to;
    while (low < high) {
      int a = keys[low];
      int b = keys[(low + high) >>> 1];
      int c = keys[high];
      int pivot = Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
      int i = low;
      int j = high;
      while (i <= j) {
        while (keys[i] < pivot) {
          i++;
        }
        while (keys[j] > pivot) {
          j--;
        }
        if (i <= j) {
          swap(i++, j--);
        }
      }
      if (middle <= j) {
        high = j;
      } else if (middle >= i) {
        low = i;
      } else {
        return;
      }
    }
  }

  private void swap(int i, int j) {
    swap(index, i, j);
    swap(x, i, j);
    swap(y, i, j);
    swap(z, i, j);
  }

  private static void swap(int[] values, int i, int j) {
    int value = values[i];
    values[i] = values[j];
    values[j] = value;
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
    if (count < 1 || dilation < 1) {
      throw new PointCloudException(
          "neighbours and dilation are %d and %d, expected at least 1".formatted(count, dilation));
    }
    if ((long) size * count > Integer.MAX_VALUE) {
      throw new PointCloudException(
          "%d neighbours of %d points are too many for one array".formatted(count, size));
    }
    int[] result = new int[size * count];
    int ranks = (int) Math.min((count - 1L) * dilation + 1, size);
    // Neighbours in the tree are neighbours in space, so that a task's searches share its caches.
    IntStream.range(0, (size + TASK - 1) / TASK)
        .parallel()
        .forEach(
            task -> {
              Search search = new Search(ranks);
              for (int i = task * TASK; i < Math.min(size, (task + 1) * TASK); i++) {
                search.around(i);
                for (int j = 0; j < count; j++) {
                  int rank = (int) Math.min((long) j * dilation, ranks - 1L);
                  result[index[i] * count + j] = search.indices[rank];
                }
              }
            });
    return result;
  }

  /** The nearest points found so far, in order. */
  private final class Search {
    final long[] distances;
    final int[] indices;
    private int found;
    private int centerX;
    private int centerY;
    private int centerZ;

    Search(int ranks) {
      distances = new long[ranks];
      indices = new int[ranks];
    }

    void around(int i) {
      found = 0;
      centerX = x[i];
      centerY = y[i];
      centerZ = z[i];
      visit(0, 0, size, 0);
    }

    private void visit(int node, int from, int to, long distance) {
      if (!mayHold(distance, lowestIndex[node])) {
        return;
      }
      if (isLeaf(node)) {
        for (int i = from; i < to; i++) {
          long dx = (long) x[i] - centerX;
          long dy = (long) y[i] - centerY;
          long dz = (long) z[i] - centerZ;
          long d = dx * dx + dy * dy + dz * dz;
          if (mayHold(d, index[i])) {
            insert(d, index[i]);
          }
        }
        return;
      }
      int middle = (from + to) >>> 1;
      int left = 2 * node + 1;
      int right = left + 1;
      long toLeft = distanceToBox(left);
      long toRight = distanceToBox(right);
      if (isBefore(toLeft, lowestIndex[left], toRight, lowestIndex[right])) {
        visit(left, from, middle, toLeft);
        visit(right, middle, to, toRight);
      } else {
        visit(right, middle, to, toRight);
        visit(left, from, middle, toLeft);
      }
    }

    private boolean mayHold(long distance, int i) {
      return found < distances.length
          || isBefore(distance, i, distances[found - 1], indices[found - 1]);
    }

    private void insert(long distance, int i) {
      int place = found < distances.length ? found++ : found - 1;
      while (place > 0 && isBefore(distance, i, distances[place - 1], indices[place - 1])) {
        distances[place] = distances[place - 1];
        indices[place] = indices[place - 1];
        place--;
      }
      distances[place] = distance;
      indices[place] = i;
    }

    private long distanceToBox(int node) {
      long dx = outside(centerX, bounds[6 * node], bounds[6 * node + 3]);
      long dy = outside(centerY, bounds[6 * node + 1], bounds[6 * node + 4]);
      long dz = outside(centerZ, bounds[6 * node + 2], bounds[6 * node + 5]);
      return dx * dx + dy * dy + dz * dz;
    }

    private static long outside(int value, int min, int max) {
      return Math.max(0, Math.max((long) min - value, (long) value - max));
    }

    private static boolean isBefore(long distanceA, int a, long distanceB, int b) {
      return distanceA < distanceB || (distanceA == distanceB && a < b);
    }
  }
}
