package io.github.kpconvx.pointcloud;

import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/**
 * The square cells that hold points, by row and then by column. Empty cells take no memory, however
 * far apart the points are.
 */
final class Grid {
  private final long side;
  private final long[] keys;
  private final int[] cellOfPoint;
  private final int[] starts;
  private final int[] points;

  /**
   * Sorts the points into cells.
   *
   * @param x raw x of each point over the lowest x
   * @param y raw y of each point over the lowest y
   * @param side side of a cell in raw units, at least 1
   */
  Grid(long[] x, long[] y, long side) {
    this.side = side;
    int n = x.length;
    long[] keyOfPoint = new long[n];
    Arrays.parallelSetAll(keyOfPoint, i -> key(y[i] / side, x[i] / side));
    long[] sorted = keyOfPoint.clone();
    Arrays.parallelSort(sorted);
    int cells = 0;
    for (int i = 0; i < n; i++) {
      if (i == 0 || sorted[i] != sorted[i - 1]) {
        sorted[cells++] = sorted[i];
      }
    }
    keys = Arrays.copyOf(sorted, cells);
    cellOfPoint =
        IntStream.range(0, n)
            .parallel()
            .map(i -> Arrays.binarySearch(keys, keyOfPoint[i]))
            .toArray();
    starts = new int[cells + 1];
    for (int cell : cellOfPoint) {
      starts[cell + 1]++;
    }
    Arrays.parallelPrefix(starts, Integer::sum);
    points = new int[n];
    int[] next = starts.clone();
    for (int i = 0; i < n; i++) {
      points[next[cellOfPoint[i]]++] = i;
    }
  }

  private static long key(long row, long column) {
    return row << 32 | column;
  }

  int cells() {
    return keys.length;
  }

  long row(int cell) {
    return keys[cell] >>> 32;
  }

  long column(int cell) {
    return keys[cell] & 0xffffffffL;
  }

  int cellOf(int point) {
    return cellOfPoint[point];
  }

  /** The cells that reach within {@code length} raw units of a cell, itself included. */
  IntStream around(int cell, long length) {
    long rings = (length + side - 1) / side;
    long lastRow = row(cells() - 1);
    long firstColumn = Math.max(0, column(cell) - rings);
    long lastColumn = Math.min(0xffffffffL, column(cell) + rings);
    return LongStream.rangeClosed(
            Math.max(0, row(cell) - rings), Math.min(lastRow, row(cell) + rings))
        .mapToObj(
            row -> IntStream.range(place(key(row, firstColumn)), place(key(row, lastColumn) + 1)))
        .flatMapToInt(cells -> cells);
  }

  /** The number of cells before a key. */
  private int place(long key) {
    int place = Arrays.binarySearch(keys, key);
    return place < 0 ? -place - 1 : place;
  }

  /** The points of a cell in ascending order. */
  IntStream points(int cell) {
    return Arrays.stream(points, starts[cell], starts[cell + 1]);
  }
}
