package io.github.kpconvx.pointcloud.classification;

import io.github.kpconvx.pointcloud.PointClass;
import java.util.Arrays;
import java.util.List;

/** What a model says of the points of a cloud, and how long it took. */
public final class Classification {
  private final List<PointClass> known;
  private final float[] probabilities;
  private final int missing;
  private final double modelPointsPerSecond;
  private final double pointsPerSecond;

  Classification(
      List<PointClass> known,
      float[] probabilities,
      int missing,
      double modelPointsPerSecond,
      double pointsPerSecond) {
    this.known = known;
    this.probabilities = probabilities;
    this.missing = missing;
    this.modelPointsPerSecond = modelPointsPerSecond;
    this.pointsPerSecond = pointsPerSecond;
  }

  /**
   * What the model gives for each class of each point.
   *
   * @return (points, classes) row by row, in the order of the preprocessing's classes; not a copy
   */
  public float[] probabilities() {
    return probabilities;
  }

  /**
   * How many points lie in no receptive field. They have a value of 0 for each class, and so the
   * first.
   *
   * @return the number of points that the model was not asked about; 0 where a cloud is cut into
   *     tiles
   */
  public int missing() {
    return missing;
  }

  /**
   * The most probable class of each point.
   *
   * @return for each point a place in the preprocessing's list of classes, the first of equals
   */
  public int[] classes() {
    return mostProbable(probabilities, known.size());
  }

  /**
   * The most probable class of each point, as {@link
   * io.github.kpconvx.pointcloud.PointCloud#withClassification} takes them.
   *
   * @return a LAS classification code for each point
   */
  public int[] codes() {
    return Arrays.stream(classes()).map(c -> known.get(c).code()).toArray();
  }

  /**
   * The greatest value's place in each row.
   *
   * @param probabilities (points, classes) row by row
   * @param classes the number of classes, at least 1
   * @return for each point a number from 0 to {@code classes - 1}, the first of equals
   */
  public static int[] mostProbable(float[] probabilities, int classes) {
    int[] best = new int[probabilities.length / classes];
    for (int i = 0; i < best.length; i++) {
      for (int c = 1; c < classes; c++) {
        if (probabilities[i * classes + c] > probabilities[i * classes + best[i]]) {
          best[i] = c;
        }
      }
    }
    return best;
  }

  /**
   * How fast the model alone was.
   *
   * @return points per second; those in the margins of the receptive fields count, as they are
   *     computed
   */
  public double modelPointsPerSecond() {
    return modelPointsPerSecond;
  }

  /**
   * How fast the cloud was classified, neighbour search and all.
   *
   * @return points of the cloud per second
   */
  public double pointsPerSecond() {
    return pointsPerSecond;
  }
}
