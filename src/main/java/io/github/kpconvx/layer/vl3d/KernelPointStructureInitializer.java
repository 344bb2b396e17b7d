package io.github.kpconvx.layer.vl3d;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.layer.function.Initializer;
import java.util.ArrayList;
import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/**
 * Kernel points on concentric shells about the origin, the port of VL3D's {@code
 * KernelPointStructureInitializer}.
 *
 * <p>The first point is the origin. Shell k = 1 … n − 1 has the radii k/(n − 1) · max_radii and is
 * divided by the angular resolution m_k, as its type says: ellipsoids of m² points, grids of m³,
 * the surfaces of such grids, cylinders and cones of m discs, or points that are all the origin.
 * Deterministic, in double precision. Immutable.
 */
final class KernelPointStructureInitializer implements Initializer {
  /** The type of which VL3D's layers make use unless told otherwise. */
  static final String CONCENTRIC_ELLIPSOIDS = "concentric_ellipsoids";

  /** Far more than anybody trains; each point meets all of these. */
  private static final int MAX_POINTS = 1 << 16;

  private final List<Double> maxRadii;
  private final double[][] points;

  /**
   * Computes the points.
   *
   * @param maxRadii the radii of the outermost shell along x, y and z, at least 0
   * @param shells n, how many shells there are, the origin among them, at least 2
   * @param angularResolutions m_0 … m_{n−1}, of which the first is 1
   * @param type {@code concentric_ellipsoids}, {@code concentric_grids}, {@code
   *     concentric_rectangulars}, {@code concentric_cylinders}, {@code cone} or {@code zeros}
   * @throws KerasException if a value is not allowed
   */
  KernelPointStructureInitializer(
      List<Double> maxRadii, int shells, List<Integer> angularResolutions, String type) {
    if (maxRadii.size() != 3 || maxRadii.stream().anyMatch(r -> r < 0)) {
      throw new KerasException(
          "max_radii = " + maxRadii + ", expected three numbers of at least 0");
    }
    if (angularResolutions.size() != shells || angularResolutions.get(0) != 1) {
      throw new KerasException(
          "angular_resolutions = "
              + angularResolutions
              + ", expected radii_resolution = "
              + shells
              + " integers, the first 1");
    }
    this.maxRadii = List.copyOf(maxRadii);
    List<double[]> all = new ArrayList<>();
    all.add(new double[3]);
    for (int k = 1; k < shells; k++) {
      double part = (double) k / (shells - 1);
      double[] r = maxRadii.stream().mapToDouble(radius -> part * radius).toArray();
      addShell(type, shells, r, angularResolutions.get(k), all);
      if (all.size() > MAX_POINTS) {
        throw new KerasException(
            "angular_resolutions = "
                + angularResolutions
                + ", expected resolutions that make at most "
                + MAX_POINTS
                + " kernel points");
      }
    }
    this.points = all.toArray(double[][]::new);
  }

  private static void addShell(String type, int shells, double[] r, int m, List<double[]> all) {
    if (m > 1024) {
      throw new KerasException("angular_resolutions holds " + m + ", expected at most 1024");
    }
    switch (type) {
      case CONCENTRIC_ELLIPSOIDS -> addEllipsoid(r, m, all);
      case "concentric_grids" -> addGrid(r, m, false, all);
      case "concentric_rectangulars" -> addGrid(r, m, true, all);
      case "concentric_cylinders" -> addDiscs(r, m, false, all);
      case "cone" -> {
        if (shells != 2) {
          throw new KerasException(
              "structure_initialization_type = \"cone\" with radii_resolution = "
                  + shells
                  + ", expected 2: VL3D's layer can be built with no other");
        }
        addDiscs(r, m, true, all);
      }
      case "zeros" -> {
        for (int i = 0; i < m * m; i++) {
          all.add(new double[3]);
        }
      }
      default ->
          throw new KerasException(
              "structure_initialization_type = \""
                  + type
                  + "\", expected \"concentric_ellipsoids\", \"concentric_grids\","
                  + " \"concentric_rectangulars\", \"concentric_cylinders\", \"cone\" or \"zeros\"");
    }
  }

  private static void addEllipsoid(double[] r, int m, List<double[]> all) {
    for (int i = 0; i < m; i++) {
      double alpha = i * Math.PI / m;
      for (int j = 0; j < m; j++) {
        double beta = 2 * Math.PI * j / m;
        all.add(
            new double[] {
              r[0] * Math.sin(alpha) * Math.cos(beta),
              r[1] * Math.sin(alpha) * Math.sin(beta),
              r[2] * Math.cos(alpha)
            });
      }
    }
  }

  private static void addGrid(double[] r, int m, boolean surface, List<double[]> all) {
    if (all.size() + (long) m * m * m > MAX_POINTS && !surface) {
      throw new KerasException(
          "angular_resolutions holds " + m + ", expected at most " + MAX_POINTS + " kernel points");
    }
    if (!surface) {
      for (int x = 0; x < m; x++) {
        for (int y = 0; y < m; y++) {
          for (int z = 0; z < m; z++) {
            all.add(node(r, m, x, y, z));
          }
        }
      }
      return;
    }
    int[] ends = m == 1 ? new int[] {0} : new int[] {0, m - 1};
    for (int x : ends) {
      for (int y = 0; y < m; y++) {
        for (int z = 0; z < m; z++) {
          all.add(node(r, m, x, y, z));
        }
      }
    }
    for (int y : ends) {
      for (int x = 1; x < m - 1; x++) {
        for (int z = 0; z < m; z++) {
          all.add(node(r, m, x, y, z));
        }
      }
    }
    for (int x = 1; x < m - 1; x++) {
      for (int y = 1; y < m - 1; y++) {
        for (int z : ends) {
          all.add(node(r, m, x, y, z));
        }
      }
    }
  }

  private static double[] node(double[] r, int m, int x, int y, int z) {
    return new double[] {even(r[0], m, x), even(r[1], m, y), even(r[2], m, z)};
  }

  /** Value i of m evenly spaced ones from −r to r. */
  private static double even(double r, int m, int i) {
    return m == 1 ? -r : -r + 2 * r * i / (m - 1);
  }

  private static void addDiscs(double[] r, int m, boolean cone, List<double[]> all) {
    for (int i = 0; i < m; i++) {
      double z = even(r[2], m, i);
      double part = cone ? Math.abs(z) / r[2] : 1;
      long count = (long) Math.ceil(cone ? m * part : m * Math.max(r[0], r[1]));
      if (all.size() + count > MAX_POINTS) {
        throw new KerasException(
            "max_radii and angular_resolutions make more than " + MAX_POINTS + " kernel points");
      }
      for (int s = 0; s < count; s++) {
        double theta = 2 * Math.PI * s / count;
        all.add(new double[] {part * r[0] * Math.cos(theta), part * r[1] * Math.sin(theta), z});
      }
    }
  }

  /** K, the number of points. */
  int count() {
    return points.length;
  }

  /** The largest of max_radii. */
  double largestRadius() {
    return maxRadii.stream().mapToDouble(Double::doubleValue).max().orElseThrow();
  }

  @Override
  public Operand<TFloat32> call(Ops tf, Shape shape, long seed) {
    float[] values = new float[points.length * 3];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) points[i / 3][i % 3];
    }
    return tf.constant(Shape.of(points.length, 3), DataBuffers.of(values));
  }
}
