package io.github.kpconvx.layer.vl3d;

import io.github.kpconvx.Sample;
import java.util.Arrays;
import java.util.Random;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;

/** The inputs of a layer: X (B, R, 3), F (B, R, D), N (B, R, κ). */
@SuppressWarnings("ArrayRecordComponent") // Never compared.
record PointSet(int batch, int points, int slots, float[] x, float[] f, long[] n) {

  /** Where points lie. */
  enum Geometry {
    /** As far from each other as kernel points are. */
    CLOUD,
    /**
     * On a grid that kernel points lie on too, so that neighbours coincide with kernel points, some
     * are equally far from several, and nothing is rounded.
     */
    GRID,
    /** A cloud so far from the origin that few digits are left for what lies between points. */
    FAR_AWAY,
    /** All at one place. */
    ONE_PLACE,
    /** Most neighbours out of every kernel point's reach. */
    SPARSE
  }

  /** What a point set is drawn from; short enough to be printed. */
  record Draw(int batch, int points, int slots, Geometry geometry, long seed) {

    PointSet points(int features) {
      Random random = new Random(seed);
      float[] x = new float[batch * points * 3];
      float place = random.nextInt(1 << 20);
      for (int i = 0; i < x.length; i++) {
        x[i] =
            switch (geometry) {
              case CLOUD -> (float) random.nextGaussian() * 0.7f;
              case GRID -> grid(random);
              case FAR_AWAY -> place + (float) random.nextGaussian() * 0.7f;
              case ONE_PLACE -> place;
              case SPARSE -> (float) random.nextGaussian() * 20;
            };
      }
      float[] f = new float[batch * points * features];
      for (int i = 0; i < f.length; i++) {
        f[i] = (float) random.nextGaussian();
      }
      // A point is often its own neighbour, and may be somebody's twice.
      long[] n = new long[batch * points * slots];
      for (int i = 0; i < n.length; i++) {
        boolean own = random.nextInt(4) == 0;
        n[i] = own ? i / slots % points : random.nextInt(points);
      }
      return new PointSet(batch, points, slots, x, f, n);
    }

    float[] kernelPoints(double[][] ofTheShells, boolean deformed) {
      Random random = new Random(seed + 1);
      float[] q = new float[ofTheShells.length * 3];
      for (int i = 0; i < q.length; i++) {
        double shift = deformed ? random.nextGaussian() * 0.1 : 0;
        q[i] =
            geometry == Geometry.GRID ? grid(random) : (float) (ofTheShells[i / 3][i % 3] + shift);
      }
      return q;
    }

    private static float grid(Random random) {
      return (random.nextInt(9) - 4) / 4f;
    }
  }

  static Draw any(RandomGenerator random) {
    return any(random, Sample.oneOf(random, Geometry.values()));
  }

  static Draw any(RandomGenerator random, Geometry geometry) {
    return new Draw(
        random.nextInt(1, 4),
        random.nextInt(1, 10),
        random.nextInt(1, 7),
        geometry,
        random.nextLong());
  }

  int rows() {
    return batch * points;
  }

  /** The row of a slot's neighbour among all points of all batch elements. */
  int neighbour(int row, int slot) {
    return row / points * points + (int) n[row * slots + slot];
  }

  PointSet withX(float[] other) {
    return new PointSet(batch, points, slots, other, f, n);
  }

  PointSet withF(float[] other) {
    return new PointSet(batch, points, slots, x, other, n);
  }

  PointSet withN(int otherSlots, long[] other) {
    return new PointSet(batch, points, otherSlots, x, f, other);
  }

  /** With the rows of some batch elements, in the given order. */
  PointSet elements(int... chosen) {
    return new PointSet(
        chosen.length,
        points,
        slots,
        pick(x, points * 3, chosen),
        pick(f, f.length / batch, chosen),
        pick(n, points * slots, chosen));
  }

  /** Rows of a matrix, in the given order. */
  static float[] pick(float[] values, int columns, int... rows) {
    float[] picked = new float[rows.length * columns];
    for (int i = 0; i < rows.length; i++) {
      System.arraycopy(values, rows[i] * columns, picked, i * columns, columns);
    }
    return picked;
  }

  private static long[] pick(long[] values, int columns, int... rows) {
    return Arrays.stream(rows)
        .flatMap(row -> IntStream.range(row * columns, (row + 1) * columns))
        .mapToLong(i -> values[i])
        .toArray();
  }
}
