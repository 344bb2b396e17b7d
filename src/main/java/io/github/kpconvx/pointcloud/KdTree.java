package io.github.kpconvx.pointcloud;

import java.util.stream.IntStream;

/**
 * Points in space, halved across the longest side of their box until few are left.
 *
 * <p>A node is a range of the points in the tree's order, its children the two halves of the range:
 * node i has the children 2i + 1 and 2i + 2.
 */
final class KdTree {
  private static final int LEAF = 8;

  /** Coordinates whose squared differences have room in a double. */
  private static final double LARGEST = 1e150;

  final int size;

  /** The points in the tree's order: which each is, and where. */
  final int[] index;

  final double[] x;
  final double[] y;
  final double[] z;

  /** The lowest index in each node. */
  final int[] lowestIndex;

  // Six for each node: the lowest x, y and z, and the highest.
  private final double[] bounds;

  /**
   * Builds the tree.
   *
   * @param x x of each point, finite; becomes the tree's own
   * @param y y of each point
   * @param z z of each point
   * @throws PointCloudException if the lengths differ or a coordinate is no finite number
   */
  KdTree(double[] x, double[] y, double[] z) {
    if (y.length != x.length || z.length != x.length) {
      throw new PointCloudException(
          "x, y and z have %d, %d and %d values, expected the same number"
              .formatted(x.length, y.length, z.length));
    }
    size = x.length;
    for (int i = 0; i < size; i++) {
      if (!(Math.abs(x[i]) <= LARGEST && Math.abs(y[i]) <= LARGEST && Math.abs(z[i]) <= LARGEST)) {
        throw new PointCloudException(
            "point %d lies at (%s, %s, %s), expected finite numbers of at most %s"
                .formatted(i, x[i], y[i], z[i], LARGEST));
      }
    }
    index = IntStream.range(0, size).toArray();
    this.x = x;
    this.y = y;
    this.z = z;
    int leaves = 1;
    while ((long) leaves * LEAF < size) {
      leaves *= 2;
    }
    bounds = new double[6 * (2 * leaves - 1)];
    lowestIndex = new int[2 * leaves - 1];
    if (size > 0) {
      build(0, 0, size);
    }
  }

  int nodes() {
    return lowestIndex.length;
  }

  boolean isLeaf(int node) {
    return 2 * node + 1 >= lowestIndex.length;
  }

  /** Where the right half of a range begins. */
  static int middle(int from, int to) {
    return (from + to) >>> 1;
  }

  /** How far x is outside of a node's box; 0 within. */
  double outsideX(int node, double value) {
    return outside(value, bounds[6 * node], bounds[6 * node + 3]);
  }

  double outsideY(int node, double value) {
    return outside(value, bounds[6 * node + 1], bounds[6 * node + 4]);
  }

  double outsideZ(int node, double value) {
    return outside(value, bounds[6 * node + 2], bounds[6 * node + 5]);
  }

  private static double outside(double value, double min, double max) {
    // Not by Math.max, which takes longer for the sake of NaN and -0.
    return value < min ? min - value : value > max ? value - max : 0;
  }

  /** The longest side of the box around all points and a further one. */
  double extent(double px, double py, double pz) {
    return Math.max(extent(0, px), Math.max(extent(1, py), extent(2, pz)));
  }

  private double extent(int axis, double value) {
    return Math.max(bounds[3 + axis], value) - Math.min(bounds[axis], value);
  }

  private void build(int node, int from, int to) {
    int axis = bound(node, from, to);
    if (isLeaf(node)) {
      return;
    }
    int middle = middle(from, to);
    partition(axis == 0 ? x : axis == 1 ? y : z, from, to - 1, middle);
    build(2 * node + 1, from, middle);
    build(2 * node + 2, middle, to);
  }

  /** Fills in a node's bounds and returns its longest axis. */
  private int bound(int node, int from, int to) {
    double[][] columns = {x, y, z};
    int longest = 0;
    double extent = -1;
    for (int axis = 0; axis < 3; axis++) {
      double[] column = columns[axis];
      double min = Double.POSITIVE_INFINITY;
      double max = Double.NEGATIVE_INFINITY;
      for (int i = from; i < to; i++) {
        min = Math.min(min, column[i]);
        max = Math.max(max, column[i]);
      }
      bounds[6 * node + axis] = min;
      bounds[6 * node + 3 + axis] = max;
      if (max - min > extent) {
        extent = max - min;
        longest = axis;
      }
    }
    int lowest = Integer.MAX_VALUE;
    for (int i = from; i < to; i++) {
      lowest = Math.min(lowest, index[i]);
    }
    lowestIndex[node] = lowest;
    return longest;
  }

  /** Quickselect: nothing before {@code middle} is greater than anything from there on. */
  private void partition(double[] keys, int from, int to, int middle) {
    int low = from;
    int high = to;
    while (low < high) {
      double a = keys[low];
      double b = keys[(low + high) >>> 1];
      double c = keys[high];
      double pivot = Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
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
    int value = index[i];
    index[i] = index[j];
    index[j] = value;
    swap(x, i, j);
    swap(y, i, j);
    swap(z, i, j);
  }

  private static void swap(double[] values, int i, int j) {
    double value = values[i];
    values[i] = values[j];
    values[j] = value;
  }
}
