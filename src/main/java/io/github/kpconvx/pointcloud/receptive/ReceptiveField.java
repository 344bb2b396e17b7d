package io.github.kpconvx.pointcloud.receptive;

import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.pointcloud.PointCloudException;
import java.util.Arrays;
import java.util.Collections;
import java.util.Map;

/**
 * What a network is fed with at once: a part of a cloud, its points m, of which the first depth has
 * R_1. Immutable, as long as its arrays are left alone, which are not copied.
 */
public final class ReceptiveField {
  private final Part part;
  private final Hierarchy.Built built;
  private final Map<String, NpyArray> inputs;

  ReceptiveField(Part part, Hierarchy.Built built, Map<String, NpyArray> inputs) {
    this.part = part;
    this.built = built;
    this.inputs = Collections.unmodifiableMap(inputs);
  }

  /**
   * The part of the cloud.
   *
   * @return the points and their centre
   */
  public Part part() {
    return part;
  }

  /**
   * Which points of the cloud these are.
   *
   * @return m indices into the cloud, ascending
   */
  public int[] points() {
    return part.points();
  }

  /**
   * Which of the m points an answer is kept for.
   *
   * @return indices from 0 to m − 1, ascending; at least one
   */
  public int[] core() {
    return part.core();
  }

  /**
   * The number R_1 of points that the network answers for.
   *
   * @return R_1, at least 1
   */
  public int size() {
    return built.size();
  }

  /**
   * What the network is fed with.
   *
   * @return arrays by the names of the network's inputs, without the batch axis
   */
  public Map<String, NpyArray> inputs() {
    return inputs;
  }

  /**
   * The labels of the first depth: of each point the most frequent among those of its ND_1
   * neighbours, of several the smallest. Points that were added have that of the first of the two
   * they lie between.
   *
   * @param labels a label for each of the m points
   * @return R_1 labels
   * @throws PointCloudException if there are more or fewer labels than points
   */
  public int[] labels(int... labels) {
    if (labels.length != points().length) {
      throw new PointCloudException(
          "labels are %d, expected one for each of the %d points"
              .formatted(labels.length, points().length));
    }
    IndexTable parents = built.parents();
    int[] own = Arrays.copyOf(labels, labels.length + parents.rows());
    for (int i = labels.length; i < own.length; i++) {
      own[i] = own[parents.get(i - labels.length, 0)];
    }
    int[] found = new int[size()];
    int[] near = new int[built.down().width()];
    for (int i = 0; i < found.length; i++) {
      for (int j = 0; j < near.length; j++) {
        near[j] = own[built.down().get(i, j)];
      }
      found[i] = mostFrequent(near);
    }
    return found;
  }

  private static int mostFrequent(int... labels) {
    Arrays.sort(labels);
    int best = labels[0];
    int most = 0;
    for (int start = 0; start < labels.length; ) {
      int end = start;
      while (end < labels.length && labels[end] == labels[start]) {
        end++;
      }
      if (end - start > most) {
        most = end - start;
        best = labels[start];
      }
      start = end;
    }
    return best;
  }

  /** Refuses an answer that has not so many values for each point of the first depth. */
  void requireAnswer(float[] answer, int classes) {
    if (answer.length != (long) size() * classes) {
      throw new PointCloudException(
          "an answer has %d values, expected %d for each of the %d points of the first depth"
              .formatted(answer.length, classes, size()));
    }
  }

  /** What an answer says of point i: the mean over its NU_1 neighbours. */
  void answer(int i, float[] answer, float[] row) {
    for (int c = 0; c < row.length; c++) {
      row[c] = (float) built.up().mean(answer, row.length, i, c);
    }
  }
}
