package io.github.kpconvx.pointcloud;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeout;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class FurthestPointsTest {

  /** Looks at all points each time. */
  private static int[] byLookingAtAll(double[] x, double[] y, double[] z, int count) {
    double[] distances = new double[x.length];
    Arrays.fill(distances, Double.POSITIVE_INFINITY);
    int[] chosen = new int[count];
    for (int i = 1; i < count; i++) {
      int last = chosen[i - 1];
      int best = 0;
      for (int j = 0; j < x.length; j++) {
        double dx = x[j] - x[last];
        double dy = y[j] - y[last];
        double dz = z[j] - z[last];
        distances[j] = Math.min(distances[j], dx * dx + dy * dy + dz * dz);
        best = distances[j] > distances[best] ? j : best;
      }
      chosen[i] = best;
    }
    Arrays.sort(chosen);
    return chosen;
  }

  @Test
  void agreesWithLookingAtAll() {
    Random random = new Random(3);
    for (int round = 0; round < 60; round++) {
      int height = round % 3;
      int n = 1 + random.nextInt(400);
      double[] x = random.doubles(n, -5, 5).toArray();
      double[] y = random.doubles(n, 1e3, 1e3 + 9).toArray();
      double[] z = random.doubles(n, 0, 1).map(v -> v * height).toArray();
      int count = 1 + random.nextInt(n);
      assertArrayEquals(
          byLookingAtAll(x, y, z, count), FurthestPoints.choose(x, y, z, count), "round " + round);
    }
  }

  @Test
  void theFirstOfSeveralAsFarIsTaken() {
    Random random = new Random(4);
    for (int round = 0; round < 60; round++) {
      // Each place once, in any order: full of ties.
      int side = 2 + random.nextInt(6);
      int n = side * side * side;
      int[] order = IntStream.range(0, n).toArray();
      for (int i = n - 1; i > 0; i--) {
        int j = random.nextInt(i + 1);
        int value = order[i];
        order[i] = order[j];
        order[j] = value;
      }
      double[] x = Arrays.stream(order).map(i -> i % side).asDoubleStream().toArray();
      double[] y = Arrays.stream(order).map(i -> i / side % side).asDoubleStream().toArray();
      double[] z = Arrays.stream(order).map(i -> i / (side * side)).asDoubleStream().toArray();
      int count = 1 + random.nextInt(n);
      assertArrayEquals(
          byLookingAtAll(x, y, z, count), FurthestPoints.choose(x, y, z, count), "round " + round);
    }
    double[] line = {0, 1, 2, 3, 4};
    double[] none = new double[5];
    assertArrayEquals(new int[] {0, 2, 4}, FurthestPoints.choose(line, none, none, 3));
    assertArrayEquals(new int[] {0, 1, 2, 4}, FurthestPoints.choose(line, none, none, 4));
  }

  @Test
  void aHundredThousandPointsTakeNoTime() {
    Random random = new Random(5);
    int n = 100_000;
    double[] x = random.doubles(n, 0, 40_000).map(Math::rint).toArray();
    double[] y = random.doubles(n, 0, 40_000).map(Math::rint).toArray();
    double[] z = random.doubles(n, 0, 9000).map(Math::rint).toArray();
    // Looking at all, 2.5 billion distances, takes several times as long on any machine.
    int[] found = assertTimeout(Duration.ofSeconds(4), () -> FurthestPoints.choose(x, y, z, n / 4));
    assertEquals(n / 4, Arrays.stream(found).distinct().count());
    assertArrayEquals(Arrays.stream(found).sorted().toArray(), found);
  }

  @Test
  void saysWhatIsWrong() {
    assertError("0, expected 1 to 3", new double[3], 0);
    assertError("4, expected 1 to 3", new double[3], 4);
    assertError("2 points are wanted, but of 3 points only 1 differ", new double[3], 2);
    assertError("3 points are wanted, but of 3 points only 2 differ", new double[] {5, 5, 7}, 3);
    assertError("point 1 lies at (NaN, NaN, NaN)", new double[] {1, Double.NaN, 2}, 1);
    assertError("point 0 lies at (1.0E200", new double[] {1e200, 1, 2}, 1);
    assertArrayEquals(
        new int[] {0}, FurthestPoints.choose(new double[3], new double[3], new double[3], 1));
  }

  private static void assertError(String expected, double[] line, int count) {
    PointCloudException error =
        assertThrows(
            PointCloudException.class, () -> FurthestPoints.choose(line, line, line, count));
    assertTrue(error.getMessage().contains(expected), error::getMessage);
  }
}
