package io.github.kpconvx.layer.vl3d;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.function.Initializer;
import java.util.Arrays;
import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/**
 * Kernel points on concentric spheres, spread out as repelling charges.
 *
 * <p>Each shell starts as a Fibonacci lattice; then all shells together relax to a minimum of the
 * Coulomb energy {@code E = Σ 1/‖q_k − q_l‖}, every point held to its shell's radius, by a
 * conjugate gradient method in double arithmetic. The minimum is unique up to a rotation only, so
 * this follows, step by step, the path that the initializer of {@code python-compat} documents, and
 * arrives at the same points. Deterministic. Immutable.
 *
 * @see <a href="https://doi.org/10.48550/arXiv.2405.13194">KPConvX: Modernizing Kernel Point
 *     Convolution with Kernel Attention</a>
 */
public final class FibonacciShellInitializer implements Initializer {
  /** The class name in Python, whatever package it is registered under. */
  public static final String CLASS_NAME = "FibonacciShellInitializer";

  /** Far more than anybody trains; distances between all pairs are computed. */
  static final int MAX_POINTS = 4096;

  private static final double GRADIENT_TOLERANCE = 1e-13;
  private static final int MAX_ITERATIONS = 20_000;
  private static final double MAX_STEP = 0.5;
  private static final double ARMIJO = 1e-4;

  /** Lets rounding pass, so that near the minimum Newton's step alone decides. */
  private static final double ENERGY_NOISE = 1e-14;

  private static final int MAX_HALVINGS = 40;

  /**
   * Shells this close in radius, relative to the larger, count as one: their lattices' points would
   * coincide.
   */
  private static final double SAME_RADIUS = 0.01;

  private final double[] radii;
  private final int[] counts;

  /**
   * Checks the shells.
   *
   * @param radii radius of each shell in the unit of the coordinates, at least 0, at most one of
   *     them 0
   * @param pointsPerShell points on each shell, at least 1, exactly 1 where the radius is 0
   * @throws KerasException if the lists differ in length or a value is not allowed
   */
  public FibonacciShellInitializer(List<Double> radii, List<Integer> pointsPerShell) {
    this.radii = radii.stream().mapToDouble(Double::doubleValue).toArray();
    this.counts = pointsPerShell.stream().mapToInt(Integer::intValue).toArray();
    require(
        radii.size() == pointsPerShell.size() && !radii.isEmpty(),
        "lists of the same length, at least 1");
    require(
        Arrays.stream(this.radii).allMatch(r -> r >= 0 && Double.isFinite(r)),
        "finite radii of at least 0");
    require(Arrays.stream(counts).allMatch(n -> n >= 1), "at least 1 point per shell");
    require(
        Arrays.stream(counts).asLongStream().sum() <= MAX_POINTS,
        "at most " + MAX_POINTS + " points");
    int centres = 0;
    for (int s = 0; s < counts.length; s++) {
      if (this.radii[s] == 0) {
        require(counts[s] == 1, "exactly 1 point on a shell of radius 0");
        centres++;
      }
    }
    require(centres <= 1, "at most one shell of radius 0, or their points coincide");
  }

  /**
   * Reads a serialized initializer, with the keys {@code shells}, {@code radii}, {@code
   * points_per_shell} and {@code deformable}, of which the last says nothing about the points.
   *
   * @param object the serialized initializer; a missing key takes its default
   * @return the initializer
   * @throws KerasException if a key is unknown or a value is not allowed
   */
  public static FibonacciShellInitializer of(KerasObject object) {
    if (!object.className().equals(CLASS_NAME)) {
      throw new KerasException(
          "Expected a serialized " + CLASS_NAME + ", found " + object.describe());
    }
    ConfigReader config = object.config();
    config.allowOnly(List.of("shells", "radii", "points_per_shell", "deformable"));
    config.bool("deformable", false);
    FibonacciShellInitializer initializer =
        new FibonacciShellInitializer(
            config.numbers("radii", List.of(0.0, 0.5, 1.0)),
            config.integers("points_per_shell", List.of(1, 7, 13), 1));
    int shells = initializer.radii.length;
    if (config.integer("shells", shells, 1) != shells) {
      throw config.invalid("shells", config.json("shells"), shells + ", the number of radii");
    }
    return initializer;
  }

  /**
   * The initializer as Python serializes it.
   *
   * @param deformable whether the kernel points are trained; carried along for Python
   * @return the serialized initializer
   */
  public KerasObject serialize(boolean deformable) {
    ObjectNode config = JsonNodeFactory.instance.objectNode();
    config.put("shells", radii.length);
    Arrays.stream(radii).forEach(config.putArray("radii")::add);
    Arrays.stream(counts).forEach(config.putArray("points_per_shell")::add);
    config.put("deformable", deformable);
    return KerasObject.of(
        "kpconvx_compat.initializer", CLASS_NAME, "kpconvx>" + CLASS_NAME, config);
  }

  /** The kernel points, of shape (m_q, 3); nothing is drawn. */
  @Override
  public boolean isComputed() {
    return true;
  }

  @Override
  public Operand<TFloat32> call(Ops tf, Shape shape, long seed) {
    Shape own = Shape.of(Arrays.stream(counts).sum(), 3);
    if (!shape.equals(own)) {
      throw new KerasException(
          CLASS_NAME + " makes kernel points of shape " + own + ", asked for " + shape);
    }
    double[][] points = points();
    float[][] values = new float[points.length][3];
    for (int k = 0; k < points.length; k++) {
      for (int c = 0; c < 3; c++) {
        values[k][c] = (float) points[k][c];
      }
    }
    return tf.constant(values);
  }

  private void require(boolean condition, String expected) {
    if (!condition) {
      throw new KerasException(
          "Kernel point shells: radii = "
              + Arrays.toString(radii)
              + ", points_per_shell = "
              + Arrays.toString(counts)
              + ", expected "
              + expected);
    }
  }

  /**
   * Coulomb energy of unit charges, each pair counted once as in the Thomson problem.
   *
   * @param points of shape (n, 3)
   * @return the energy, in the reciprocal of the points' unit
   */
  public static double energy(double[][] points) {
    double sum = 0;
    for (int k = 0; k < points.length; k++) {
      for (int l = 0; l < k; l++) {
        sum += 1 / distance(points[k], points[l]);
      }
    }
    return sum;
  }

  /**
   * Computes the kernel points.
   *
   * @return an array of shape (m_q, 3), shell after shell
   */
  public double[][] points() {
    double unit = Arrays.stream(radii).max().orElseThrow();
    if (unit == 0) {
      return new double[1][3];
    }
    double[] r = new double[Arrays.stream(counts).sum()];
    for (int s = 0, k = 0; s < counts.length; s++) {
      for (int i = 0; i < counts[s]; i++) {
        r[k++] = radii[s] / unit;
      }
    }
    double[][] points = relax(start(r.length), r);
    for (int k = 0; k < r.length; k++) {
      for (int c = 0; c < 3; c++) {
        points[k][c] *= r[k] * unit;
      }
    }
    return points;
  }

  /**
   * Directions to start from. A lattice for each shell, but one lattice for all where no descent
   * could succeed from there: shells of the same radius have coincident points, and points in one
   * plane never leave it.
   */
  private double[][] start(int n) {
    double[] outer = Arrays.stream(radii).filter(radius -> radius > 0).sorted().toArray();
    boolean together = Arrays.stream(counts).max().orElseThrow() <= 2;
    for (int i = 1; i < outer.length; i++) {
      together |= outer[i] - outer[i - 1] <= SAME_RADIUS * outer[i];
    }
    int outside = 0;
    for (int s = 0; s < counts.length; s++) {
      outside += radii[s] > 0 ? counts[s] : 0;
    }
    double[][] common = fibonacci(outside);
    double[][] directions = new double[n][3];
    for (int s = 0, k = 0, used = 0; s < counts.length; s++) {
      double[][] own = fibonacci(counts[s]);
      for (int i = 0; i < counts[s]; i++, k++) {
        if (radii[s] > 0) {
          directions[k] = together ? common[used++] : own[i];
        }
      }
    }
    return directions;
  }

  private static double[][] fibonacci(int n) {
    double[][] directions = new double[n][];
    for (int k = 0; k < n; k++) {
      double alpha = 4.0 * Math.PI * k / (1.0 + Math.sqrt(5.0));
      double beta = Math.acos(1.0 - 2.0 * k / n);
      directions[k] =
          new double[] {
            Math.cos(alpha) * Math.sin(beta), Math.sin(alpha) * Math.sin(beta), Math.cos(beta)
          };
    }
    return directions;
  }

  /** A configuration with its energy and the energy's derivative with respect to each direction. */
  @SuppressWarnings("ArrayRecordComponent") // Never compared.
  private record State(double[][] u, double energy, double[][] slope) {}

  private static double[][] relax(double[][] start, double[] r) {
    State state = state(start, r);
    double[][] gradient = tangent(state.slope(), state.u());
    double[][] direction = combine(gradient, -1, gradient, 0);
    for (int iteration = 0; iteration < MAX_ITERATIONS; iteration++) {
      if (Math.sqrt(dot(gradient, gradient))
          <= GRADIENT_TOLERANCE * Math.max(1.0, state.energy())) {
        break;
      }
      State next = step(state, r, gradient, direction);
      if (next == null) {
        break;
      }
      double[][] carried = tangent(gradient, next.u());
      double[][] nextGradient = tangent(next.slope(), next.u());
      // Polak and Ribière's factor, restarted where it is negative.
      double beta =
          Math.max(
              0.0,
              dot(nextGradient, combine(nextGradient, 1, carried, -1)) / dot(gradient, gradient));
      direction = combine(nextGradient, -1, tangent(direction, next.u()), beta);
      if (dot(direction, nextGradient) >= 0) {
        direction = combine(nextGradient, -1, nextGradient, 0);
      }
      state = next;
      gradient = nextGradient;
    }
    return state.u();
  }

  /** Newton's step along the direction, halved until the energy falls; null where it never does. */
  private static State step(State from, double[] r, double[][] gradient, double[][] direction) {
    double slope = dot(direction, gradient);
    double longest = 0;
    for (double[] d : direction) {
      longest = Math.max(longest, dot(d, d));
    }
    double t = MAX_STEP / Math.sqrt(longest);
    double curvature = curvature(from, r, direction);
    if (curvature > 0) {
      t = Math.min(t, -slope / curvature);
    }
    for (int halvings = 0; halvings <= MAX_HALVINGS; halvings++) {
      double[][] moved = combine(from.u(), 1, direction, t);
      for (double[] u : moved) {
        double length = Math.sqrt(dot(u, u));
        for (int c = 0; length > 0 && c < 3; c++) {
          u[c] /= length;
        }
      }
      State state = state(moved, r);
      if (state.energy() <= from.energy() + ARMIJO * t * slope + ENERGY_NOISE * from.energy()) {
        return state;
      }
      t *= 0.5;
    }
    return null;
  }

  private static State state(double[][] u, double[] r) {
    int n = r.length;
    double energy = 0;
    double[][] slope = new double[n][3];
    for (int k = 0; k < n; k++) {
      for (int l = 0; l < n; l++) {
        if (l != k) {
          double[] z = difference(u, r, k, l);
          double inverse = 1 / Math.sqrt(dot(z, z));
          energy += 0.5 * inverse;
          for (int c = 0; c < 3; c++) {
            slope[k][c] -= r[k] * z[c] * inverse * inverse * inverse;
          }
        }
      }
    }
    return new State(u, energy, slope);
  }

  /** Second derivative of the energy along a direction on the spheres. */
  private static double curvature(State state, double[] r, double[][] direction) {
    int n = r.length;
    double sum = 0;
    for (int k = 0; k < n; k++) {
      for (int l = 0; l < n; l++) {
        if (l != k) {
          double[] z = difference(state.u(), r, k, l);
          double[] w = difference(direction, r, k, l);
          double inverse = 1 / Math.sqrt(dot(z, z));
          double along = dot(z, w);
          sum +=
              0.5 * (3 * along * along * Math.pow(inverse, 5) - dot(w, w) * Math.pow(inverse, 3));
        }
      }
      sum -= dot(state.slope()[k], state.u()[k]) * dot(direction[k], direction[k]);
    }
    return sum;
  }

  private static double[] difference(double[][] vectors, double[] r, int k, int l) {
    double[] z = new double[3];
    for (int c = 0; c < 3; c++) {
      z[c] = r[k] * vectors[k][c] - r[l] * vectors[l][c];
    }
    return z;
  }

  private static double[][] tangent(double[][] vectors, double[][] u) {
    double[][] result = new double[u.length][3];
    for (int k = 0; k < u.length; k++) {
      double radial = dot(vectors[k], u[k]);
      for (int c = 0; c < 3; c++) {
        result[k][c] = vectors[k][c] - radial * u[k][c];
      }
    }
    return result;
  }

  private static double[][] combine(double[][] a, double ofA, double[][] b, double ofB) {
    double[][] result = new double[a.length][3];
    for (int k = 0; k < a.length; k++) {
      for (int c = 0; c < 3; c++) {
        result[k][c] = ofA * a[k][c] + ofB * b[k][c];
      }
    }
    return result;
  }

  private static double dot(double[][] a, double[][] b) {
    double sum = 0;
    for (int k = 0; k < a.length; k++) {
      sum += dot(a[k], b[k]);
    }
    return sum;
  }

  private static double dot(double[] a, double[] b) {
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
  }

  private static double distance(double[] a, double[] b) {
    return Math.sqrt(
        (a[0] - b[0]) * (a[0] - b[0])
            + (a[1] - b[1]) * (a[1] - b[1])
            + (a[2] - b[2]) * (a[2] - b[2]));
  }
}
