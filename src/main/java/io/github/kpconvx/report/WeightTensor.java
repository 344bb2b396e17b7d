package io.github.kpconvx.report;

import java.util.Arrays;
import java.util.stream.DoubleStream;
import org.tensorflow.ndarray.Shape;

/** A weight of a kernel as matrices: (matrices, rows, columns). */
final class WeightTensor {
  private final KernelForm.Weight weight;
  private final double[][][] blocks;

  WeightTensor(KernelForm.Weight weight, double[][][] blocks) {
    this.weight = weight;
    this.blocks = blocks;
  }

  /** What it is a value of. */
  KernelForm.Weight weight() {
    return weight;
  }

  double[][][] blocks() {
    return blocks;
  }

  /** Its shape in Keras. */
  Shape shape() {
    int rows = blocks[0].length;
    int columns = blocks[0][0].length;
    return weight.isMatrix() ? Shape.of(rows, columns) : Shape.of(blocks.length, rows, columns);
  }

  /** Element by element; the shapes are the same. */
  WeightTensor minus(WeightTensor other) {
    double[][][] difference = new double[blocks.length][][];
    for (int t = 0; t < blocks.length; t++) {
      difference[t] = new double[blocks[t].length][];
      for (int k = 0; k < blocks[t].length; k++) {
        double[] left = blocks[t][k];
        double[] right = other.blocks[t][k];
        difference[t][k] = new double[left.length];
        Arrays.setAll(difference[t][k], c -> left[c] - right[c]);
      }
    }
    return new WeightTensor(weight, difference);
  }

  /** The finite weights of a block, in C order. */
  double[] finite(int block) {
    return Arrays.stream(blocks[block])
        .flatMapToDouble(Arrays::stream)
        .filter(Double::isFinite)
        .toArray();
  }

  /** How many weights each block has. */
  int blockSize() {
    return blocks[0].length * blocks[0][0].length;
  }

  /** The axis that holds all finite weights of all blocks. */
  Ticks axis() {
    double largest =
        Arrays.stream(blocks)
            .flatMap(Arrays::stream)
            .flatMapToDouble(Arrays::stream)
            .filter(Double::isFinite)
            .map(Math::abs)
            .max()
            .orElse(0);
    return Ticks.symmetric(largest);
  }

  /** What a block's weights are like, in one line. */
  String describe(int block, Ticks axis) {
    double[] values = finite(block);
    int missing = blockSize() - values.length;
    String text = weight.label(block) + blockSize() + " weights";
    if (values.length > 0) {
      double mean = DoubleStream.of(values).average().getAsDouble();
      double variance =
          DoubleStream.of(values).map(v -> (v - mean) * (v - mean)).average().getAsDouble();
      int digits = axis.digits();
      text +=
          ", mean %s, standard deviation %s, from %s to %s"
              .formatted(
                  Tables.fixed(mean, digits),
                  Tables.fixed(Math.sqrt(variance), digits),
                  Tables.fixed(DoubleStream.of(values).min().getAsDouble(), digits),
                  Tables.fixed(DoubleStream.of(values).max().getAsDouble(), digits))
              .replace('-', Ticks.MINUS);
    }
    return missing == 0 ? text : text + "; " + missing + " not finite";
  }
}
