package io.github.kpconvx.pointcloud.receptive;

/** Indices in rows, such as ND_1; without columns each row stands for itself. */
final class IndexTable {
  /** Where each row stands for itself. */
  static final IndexTable IDENTITY = new IndexTable(new int[0], 0);

  private final int[] indices;
  private final int columns;

  /** A table of row by row so many columns; the array is not copied. */
  IndexTable(int[] indices, int columns) {
    this.indices = indices;
    this.columns = columns;
  }

  int get(int row, int column) {
    return columns == 0 ? row : indices[row * columns + column];
  }

  /** How many rows there are, where they have columns. */
  int rows() {
    return columns == 0 ? 0 : indices.length / columns;
  }

  /** How many rows a row leads to. */
  int width() {
    return Math.max(1, columns);
  }

  /** The mean over a row of what it leads to. */
  double mean(double[] values, int channels, int row, int channel) {
    double sum = 0;
    for (int j = 0; j < width(); j++) {
      sum += values[get(row, j) * channels + channel];
    }
    return sum / width();
  }

  /** The mean over a row of what it leads to. */
  double mean(float[] values, int channels, int row, int channel) {
    double sum = 0;
    for (int j = 0; j < width(); j++) {
      sum += values[get(row, j) * channels + channel];
    }
    return sum / width();
  }
}
