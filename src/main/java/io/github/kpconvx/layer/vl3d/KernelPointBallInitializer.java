package io.github.kpconvx.layer.vl3d;

import io.github.kpconvx.layer.function.Initializer;
import java.util.SplittableRandom;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/**
 * Kernel points spread out in a ball, as VL3D's {@code KernelPointBallInitializer} does.
 *
 * <p>The first point is the origin. The others start at random in the cube [−1, 1]³ and move to a
 * minimum of {@code Σ_i ‖q_i‖² + Σ_i Σ_{j≠i} 1/‖q_i − q_j‖}, by nonlinear conjugate gradients (the
 * method of Polak and Ribière) in double arithmetic; then all are scaled so that the farthest lies
 * on the ball. Each seed gives other points, and none gives those that Python drew: what a file
 * leaves out cannot be recomputed. Immutable.
 *
 * @see <a href="https://doi.org/10.48550/arXiv.1904.08889">KPConv: Flexible and Deformable
 *     Convolution for Point Clouds, supplementary material A</a>
 */
final class KernelPointBallInitializer implements Initializer {
  private static final int MAX_ITERATIONS = 5_000;

  /** The largest part of a gradient that still counts as none, as SciPy has it. */
  private static final double GRADIENT_TOLERANCE = 1e-5;

  private static final double ARMIJO = 1e-4;

  private final double radius;
  private final int count;

  /**
   * An initializer.
   *
   * @param radius of the ball, at least 0
   * @param count how many kernel points, at least 1
   */
  KernelPointBallInitializer(double radius, int count) {
    this.radius = radius;
    this.count = count;
  }

  @Override
  public Operand<TFloat32> call(Ops tf, Shape shape, long seed) {
    double[] points = points(seed);
    float[] values = new float[count * 3];
    for (int i = 0; i < points.length; i++) {
      values[3 + i] = (float) points[i];
    }
    return tf.constant(Shape.of(count, 3), DataBuffers.of(values));
  }

  /** The points but the first, scaled, one after the other. */
  private double[] points(long seed) {
    double[] q = new double[(count - 1) * 3];
    SplittableRandom random = new SplittableRandom(seed);
    for (int i = 0; i < q.length; i++) {
      q[i] = random.nextDouble(-1, 1);
    }
    minimize(q);
    double farthest = 0;
    for (int i = 0; i < q.length; i += 3) {
      farthest =
          Math.max(farthest, Math.sqrt(q[i] * q[i] + q[i + 1] * q[i + 1] + q[i + 2] * q[i + 2]));
    }
    // A single point besides the first has its minimum at the origin.
    double scale = farthest > 0 && count > 2 ? radius / farthest : 0;
    for (int i = 0; i < q.length; i++) {
      q[i] *= scale;
    }
    return q;
  }

  private static void minimize(double[] q) {
    double[] gradient = new double[q.length];
    double energy = energy(q, gradient);
    double[] direction = negated(gradient);
    double step = 0.1;
    for (int i = 0; i < MAX_ITERATIONS && largest(gradient) > GRADIENT_TOLERANCE; i++) {
      double slope = dot(gradient, direction);
      if (slope >= 0) { // No way down: begin again with the steepest.
        direction = negated(gradient);
        slope = dot(gradient, direction);
      }
      double[] next = q.clone();
      double[] nextGradient = new double[q.length];
      double nextEnergy = Double.POSITIVE_INFINITY;
      for (int halving = 0; halving < 60; halving++) {
        for (int c = 0; c < q.length; c++) {
          next[c] = q[c] + step * direction[c];
        }
        nextEnergy = energy(next, nextGradient);
        if (nextEnergy <= energy + ARMIJO * step * slope) {
          break;
        }
        step /= 2;
      }
      if (!(nextEnergy < energy)) {
        return; // Rounding allows no lower energy.
      }
      double ofNext = dot(nextGradient, nextGradient);
      double beta = Math.max(0, (ofNext - dot(nextGradient, gradient)) / dot(gradient, gradient));
      for (int c = 0; c < q.length; c++) {
        direction[c] = beta * direction[c] - nextGradient[c];
      }
      System.arraycopy(next, 0, q, 0, q.length);
      gradient = nextGradient;
      energy = nextEnergy;
      step *= 2;
    }
  }

  /** The energy of points, and its gradient. */
  static double energy(double[] q, double[] gradient) {
    double energy = 0;
    for (int c = 0; c < q.length; c++) {
      energy += q[c] * q[c];
      gradient[c] = 2 * q[c];
    }
    for (int i = 0; i < q.length; i += 3) {
      for (int j = i + 3; j < q.length; j += 3) {
        double x = q[i] - q[j];
        double y = q[i + 1] - q[j + 1];
        double z = q[i + 2] - q[j + 2];
        double square = x * x + y * y + z * z;
        double inverse = 1 / Math.sqrt(square);
        energy += 2 * inverse;
        double factor = 2 * inverse / square;
        gradient[i] -= factor * x;
        gradient[i + 1] -= factor * y;
        gradient[i + 2] -= factor * z;
        gradient[j] += factor * x;
        gradient[j + 1] += factor * y;
        gradient[j + 2] += factor * z;
      }
    }
    return energy;
  }

  private static double[] negated(double[] vector) {
    double[] negated = new double[vector.length];
    for (int c = 0; c < vector.length; c++) {
      negated[c] = -vector[c];
    }
    return negated;
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int c = 0; c < a.length; c++) {
      sum += a[c] * b[c];
    }
    return sum;
  }

  private static double largest(double[] vector) {
    double largest = 0;
    for (double value : vector) {
      largest = Math.max(largest, Math.abs(value));
    }
    return largest;
  }
}
