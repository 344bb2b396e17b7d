package io.github.kpconvx.pointcloud.receptive;

import io.github.kpconvx.pointcloud.PointCloudException;

/**
 * Collects what a network says of the points of a cloud, field by field. Points that are in no
 * field have scores of 0. Not safe for several threads at once.
 */
public final class Scores {
  private static final double LEAST = 1e-6;

  private final Reduction reduction;
  private final int classes;
  private final int[] counts;

  // (points, classes): sums as doubles, what is only copied as floats.
  private final double[] sums;
  private final float[] copies;
  private final double[] weights;

  /**
   * Starts with no scores.
   *
   * @param reduction what becomes of several scores
   * @param points the number of points of the cloud
   * @param classes the number of scores of each
   * @throws PointCloudException if these are too many for one array
   */
  public Scores(Reduction reduction, int points, int classes) {
    if ((long) points * classes > Integer.MAX_VALUE - 8) {
      throw new PointCloudException(
          "%d points of %d classes are too many for one array; split the file"
              .formatted(points, classes));
    }
    boolean copied = reduction == Reduction.LAST || reduction == Reduction.MAX;
    this.reduction = reduction;
    this.classes = classes;
    counts = new int[points];
    sums = new double[copied ? 0 : points * classes];
    copies = new float[copied ? points * classes : 0];
    weights = new double[reduction == Reduction.ENTROPY ? points : 0];
  }

  /**
   * Takes a field's answer.
   *
   * @param field the field
   * @param answer a score for each class of each point of its first depth, (R_1, classes) row by
   *     row
   * @throws PointCloudException if the answer has another number of values
   */
  public void add(ReceptiveField field, float[] answer) {
    float[] row = new float[classes];
    int[] core = field.core();
    field.requireAnswer(answer, classes);
    for (int i : core) {
      field.answer(i, answer, row);
      add(field.points()[i], row);
    }
  }

  private void add(int point, float[] row) {
    int start = point * classes;
    counts[point]++;
    switch (reduction) {
      case LAST -> System.arraycopy(row, 0, copies, start, classes);
      case MAX -> {
        for (int c = 0; c < classes; c++) {
          copies[start + c] = Math.max(copies[start + c], row[c]);
        }
      }
      case ENTROPY -> addWeighted(point, row);
      case MEAN, SUM -> {
        for (int c = 0; c < classes; c++) {
          sums[start + c] += row[c];
        }
      }
    }
  }

  private void addWeighted(int point, float[] row) {
    double entropy = 0;
    for (float score : row) {
      double z = atLeast(score);
      entropy -= z * Math.log(z) / Math.log(2);
    }
    double weight = 1 - entropy / (classes * Math.exp(-1) / Math.log(2));
    weights[point] += weight;
    for (int c = 0; c < classes; c++) {
      sums[point * classes + c] += weight * atLeast(row[c]);
    }
  }

  private static double atLeast(double score) {
    return score < LEAST ? LEAST : score;
  }

  /**
   * The number of points that no field has told anything of.
   *
   * @return how many points have no score
   */
  public int missing() {
    int missing = 0;
    for (int count : counts) {
      missing += count == 0 ? 1 : 0;
    }
    return missing;
  }

  /**
   * What was found.
   *
   * @return the reduced scores, (points, classes) row by row
   */
  public float[] result() {
    if (reduction == Reduction.LAST || reduction == Reduction.MAX) {
      return copies.clone();
    }
    float[] result = new float[sums.length];
    for (int i = 0; i < sums.length; i++) {
      int point = i / classes;
      if (counts[point] > 0) {
        double divisor =
            switch (reduction) {
              case MEAN -> counts[point];
              case ENTROPY -> weights[point];
              default -> 1;
            };
        result[i] = (float) (sums[i] / divisor);
      }
    }
    return result;
  }
}
