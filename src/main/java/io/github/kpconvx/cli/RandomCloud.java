package io.github.kpconvx.cli;

import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.pointcloud.NearestNeighbours;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;

/** Clouds to time models with: points uniform in a cube, with their nearest neighbours. */
final class RandomCloud {
  private static final double RAW = 1e-4;

  private RandomCloud() {}

  /**
   * Draws clouds, always the same ones. They are so dense that a ball of radius 1 holds κ points.
   *
   * @param batch B
   * @param points R, at least κ
   * @param features D
   * @param neighbours κ
   * @param wide whether N is int64
   * @return X (B, R, 3), F (B, R, D) and N (B, R, κ)
   */
  static Map<String, NpyArray> draw(
      int batch, int points, int features, int neighbours, boolean wide) {
    Random random = new Random(20240501);
    double density = neighbours / (4.0 / 3 * Math.PI);
    int side = (int) (Math.cbrt(points / density) / RAW) + 1;
    float[] x = new float[batch * points * 3];
    int[] n = new int[batch * points * neighbours];
    for (int b = 0; b < batch; b++) {
      int[][] raw = new int[3][points];
      for (int i = 0; i < points; i++) {
        for (int c = 0; c < 3; c++) {
          raw[c][i] = random.nextInt(side);
          x[(b * points + i) * 3 + c] = (float) (raw[c][i] * RAW);
        }
      }
      int[] found = new NearestNeighbours(raw[0], raw[1], raw[2]).search(neighbours, 1);
      System.arraycopy(found, 0, n, b * points * neighbours, found.length);
    }
    float[] f = new float[batch * points * features];
    for (int i = 0; i < f.length; i++) {
      f[i] = (float) random.nextGaussian();
    }
    return Map.of(
        "X",
        NpyArray.of(x, batch, points, 3),
        "F",
        NpyArray.of(f, batch, points, features),
        "N",
        wide
            ? NpyArray.of(Arrays.stream(n).asLongStream().toArray(), batch, points, neighbours)
            : NpyArray.of(n, batch, points, neighbours));
  }
}
