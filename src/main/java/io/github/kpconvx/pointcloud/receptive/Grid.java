package io.github.kpconvx.pointcloud.receptive;

import io.github.kpconvx.pointcloud.Coordinates;
import io.github.kpconvx.pointcloud.PointCloudException;
import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/**
 * The square cells that hold points, by row and then by column, from the lowest x and y on. Empty
 * cells take no memory, however far apart the points are.
 */
final class Grid {
  private static final long LAST = 0xffffffffL;

  private final double side;
  private final double lowestX;
  private final double lowestY;
  private final long[] keys;
  private final int[] cellOfPoint;
  private final int[] starts;
  private final int[] points;

  /**
   * Sorts the points into cells.
   *
   * @param coordinates the points, at least one
   * @param name what the side is called in messages
   * @param length side of a cell, in metres
   * @throws PointCloudException if a side is shorter than the file's scale, or a row has more than
   *     2³² cells
   */
  Grid(Coordinates coordinates, String name, double length) {
    int n = coordinates.size();
    side = side(coordinates, name, length);
    lowestX = IntStream.range(0, n).mapToDouble(coordinates::x).min().orElseThrow();
    lowestY = IntStream.range(0, n).mapToDouble(coordinates::y).min().orElseThrow();
    double highestX = IntStream.range(0, n).mapToDouble(coordinates::x).max().orElseThrow();
    double highestY = IntStream.range(0, n).mapToDouble(coordinates::y).max().orElseThrow();
    if (Math.max(highestX - lowestX, highestY - lowestY) / side >= LAST) {
      throw new PointCloudException(
          "%s: the points extend over more than 2³² times the %s of %s m"
              .formatted(coordinates.source(), name, length));
    }
    long[] keyOfPoint = new long[n];
    Arrays.parallelSetAll(
        keyOfPoint, i -> key(cell(coordinates.y(i) - lowestY), cell(coordinates.x(i) - lowestX)));
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

  private static double side(Coordinates coordinates, String name, double length) {
    double side = coordinates.units(length);
    if (coordinates.areWhole() && side < 1) {
      throw new PointCloudException(
          "%s: %s is %s m, expected at least the file's scale of %s m"
              .formatted(coordinates.source(), name, length, coordinates.scale()));
    }
    return side;
  }

  /** The cell of a distance from the lowest: whole numbers are divided exactly. */
  private long cell(double distance) {
    double cell = Math.floor(distance / side);
    return (long) (cell * side > distance ? cell - 1 : cell);
  }

  private static long key(long row, long column) {
    return row << 32 | column;
  }

  int cells() {
    return keys.length;
  }

  /** The lowest y of a cell. */
  double startY(int cell) {
    return lowestY + row(cell) * side;
  }

  /** The lowest x of a cell. */
  double startX(int cell) {
    return lowestX + column(cell) * side;
  }

  /** The side of a cell, in units. */
  double side() {
    return side;
  }

  private long row(int cell) {
    return keys[cell] >>> 32;
  }

  private long column(int cell) {
    return keys[cell] & LAST;
  }

  int cellOf(int point) {
    return cellOfPoint[point];
  }

  /** The cells that reach within {@code length} units of a cell, itself included. */
  IntStream around(int cell, double length) {
    long rings = (long) Math.min(LAST, Math.ceil(length / side));
    long lastRow = row(cells() - 1);
    long firstColumn = Math.max(0, column(cell) - rings);
    long lastColumn = Math.min(LAST, column(cell) + rings);
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
