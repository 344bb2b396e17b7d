package io.github.kpconvx.training;

import java.util.Arrays;

/** How often each class was taken for each other. Not safe for use by several threads. */
public final class ConfusionMatrix {
  private final long[][] counts;

  /**
   * An empty one.
   *
   * @param classes number of classes, at least 1
   */
  public ConfusionMatrix(int classes) {
    counts = new long[classes][classes];
  }

  /**
   * Counts points.
   *
   * @param truth the true class of each point, in [0, classes)
   * @param found the class that was found for each point, in [0, classes)
   * @return this
   * @throws TrainingException if the numbers of points differ or a class is out of range
   */
  public ConfusionMatrix add(int[] truth, int[] found) {
    if (truth.length != found.length) {
      throw new TrainingException(
          "%d points are true, %d were found, expected as many"
              .formatted(truth.length, found.length));
    }
    for (int i = 0; i < truth.length; i++) {
      add(truth[i], found[i], 1);
    }
    return this;
  }

  void add(int truth, int found, long points) {
    if (truth < 0 || truth >= counts.length || found < 0 || found >= counts.length) {
      throw new TrainingException(
          "A point is of class %d, found %d, expected 0 to %d"
              .formatted(truth, found, counts.length - 1));
    }
    counts[truth][found] += points;
  }

  /**
   * Number of classes.
   *
   * @return at least 1
   */
  public int classes() {
    return counts.length;
  }

  /**
   * Points of a class that were taken for another.
   *
   * @param truth the class
   * @param found the other
   * @return their number
   */
  public long count(int truth, int found) {
    return counts[truth][found];
  }

  /**
   * Points that are truly of a class.
   *
   * @param c the class
   * @return their number
   */
  public long points(int c) {
    return Arrays.stream(counts[c]).sum();
  }

  /**
   * The share of points whose class was found.
   *
   * @return in [0, 1]; NaN without points
   */
  public double accuracy() {
    long right = 0;
    long all = 0;
    for (int c = 0; c < counts.length; c++) {
      right += counts[c][c];
      all += points(c);
    }
    return (double) right / all;
  }

  /**
   * Intersection over union of a class: points rightly found, by points that are or were found to
   * be of the class.
   *
   * @param c the class
   * @return in [0, 1]; NaN where no point is or was found to be of the class
   */
  public double iou(int c) {
    long found = 0;
    for (long[] row : counts) {
      found += row[c];
    }
    return (double) counts[c][c] / (points(c) + found - counts[c][c]);
  }

  /**
   * The mean of the classes' {@linkplain #iou intersections over union}.
   *
   * @return in [0, 1]; classes without points count for nothing
   */
  public double meanIou() {
    double sum = 0;
    int classes = 0;
    for (int c = 0; c < counts.length; c++) {
      if (!Double.isNaN(iou(c))) {
        sum += iou(c);
        classes++;
      }
    }
    return sum / classes;
  }
}
