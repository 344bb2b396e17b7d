package io.github.kpconvx.pointcloud;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Arrays;
import java.util.Comparator;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

public class NearestNeighboursTest {

  /** Sorts all points around each. */
  public static int[] bruteForce(int[] x, int[] y, int[] z, int count, int dilation) {
    int n = x.length;
    int[] result = new int[n * count];
    for (int i = 0; i < n; i++) {
      int p = i;
      Comparator<Integer> byDistance =
          Comparator.comparingLong(
              q -> {
                long dx = (long) x[q] - x[p];
                long dy = (long) y[q] - y[p];
                long dz = (long) z[q] - z[p];
                return dx * dx + dy * dy + dz * dz;
              });
      int[] order =
          IntStream.range(0, n)
              .boxed()
              .sorted(byDistance.thenComparing(Comparator.naturalOrder()))
              .mapToInt(q -> q)
              .toArray();
      for (int j = 0; j < count; j++) {
        result[i * count + j] = order[Math.min(j * dilation, n - 1)];
      }
    }
    return result;
  }

  @Test
  void agreesWithBruteForceOnTiesAndDuplicates() {
    Random random = new Random(1);
    for (int round = 0; round < 100; round++) {
      int n = 1 + random.nextInt(200);
      int range = 1 + random.nextInt(round % 2 == 0 ? 4 : 40);
      int[] x = random.ints(n, 0, range).toArray();
      int[] y = random.ints(n, 0, range).toArray();
      int[] z = random.ints(n, 0, 1 + random.nextInt(3)).toArray();
      int count = 1 + random.nextInt(16);
      int dilation = 1 + random.nextInt(3);
      assertArrayEquals(
          bruteForce(x, y, z, count, dilation),
          new NearestNeighbours(x, y, z).search(count, dilation));
    }
  }

  @Test
  void isExactWhereDoublesAreNot() {
    // Squared distances near 2⁶² that differ by one unit.
    int[] x = {0, 1_700_000_000, 1_700_000_000, 1_699_999_999};
    int[] y = {0, 1_000_000_001, 1_000_000_000, 1_000_000_001};
    int[] z = {0, 1, 0, 2};
    assertArrayEquals(bruteForce(x, y, z, 4, 1), new NearestNeighbours(x, y, z).search(4, 1));
  }

  @Test
  void coincidingPointsTakeNoLonger() {
    int n = 50_000;
    int[] found = new NearestNeighbours(new int[n], new int[n], new int[n]).search(4, 2);
    for (int i = 0; i < n; i++) {
      assertArrayEquals(new int[] {0, 2, 4, 6}, Arrays.copyOfRange(found, 4 * i, 4 * i + 4));
    }
  }

  @Test
  void noPointsHaveNoNeighbours() {
    assertEquals(0, new NearestNeighbours(new int[0], new int[0], new int[0]).search(4, 1).length);
  }

  @Test
  void checksItsArguments() {
    int[] one = new int[1];
    assertThrows(PointCloudException.class, () -> new NearestNeighbours(one, one, new int[2]));
    NearestNeighbours search = new NearestNeighbours(one, one, one);
    assertThrows(PointCloudException.class, () -> search.search(0, 1));
    assertThrows(PointCloudException.class, () -> search.search(1, 0));
    int[] far = {Integer.MIN_VALUE, Integer.MAX_VALUE};
    assertThrows(
        PointCloudException.class, () -> new NearestNeighbours(new int[2], far, new int[2]));
  }
}
