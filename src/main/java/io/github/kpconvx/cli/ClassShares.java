package io.github.kpconvx.cli;

import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.training.Example;
import io.github.kpconvx.training.ExampleSet;
import io.github.kpconvx.training.TrainingException;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/** How often each class occurs among the labels of examples. */
final class ClassShares {
  private final long[] counts;

  private ClassShares(long[] counts) {
    this.counts = counts;
  }

  /** Counts labels; those that are ignored or of no class are left out. */
  static ClassShares of(ExampleSet examples, int classes, OptionalInt ignored) {
    long[] counts = new long[classes];
    for (int i = 0; i < examples.size(); i++) {
      labels(examples, i)
          .filter(label -> label >= 0 && label < classes)
          .filter(label -> !ignored.equals(OptionalInt.of((int) label)))
          .forEach(label -> counts[(int) label]++);
    }
    return new ClassShares(counts);
  }

  /** The highest label that occurs, and one more. */
  static int classes(ExampleSet examples, OptionalInt ignored) {
    return (int)
            IntStream.range(0, examples.size())
                .mapToLong(
                    i ->
                        labels(examples, i)
                            .filter(label -> !ignored.equals(OptionalInt.of((int) label)))
                            .max()
                            .orElse(0))
                .max()
                .orElse(0)
        + 1;
  }

  private static LongStream labels(ExampleSet examples, int i) {
    Example example = examples.get(i, new SplittableRandom(i));
    NpyArray labels = example.labels();
    if (!labels.type().isInteger()) {
      throw new TrainingException(
          "Class weights follow from sparse labels, integers; found " + labels);
    }
    return LongStream.of(labels.toLongs());
  }

  /** Weights of mean 1 over the points; a class that does not occur counts as one point. */
  List<Double> weights(TrainingFile.Balance balance) {
    double all = LongStream.of(counts).sum();
    double[] weights =
        LongStream.of(counts)
            .mapToDouble(count -> all / Math.max(1, count))
            .map(inverse -> balance == TrainingFile.Balance.INVERSE ? inverse : Math.sqrt(inverse))
            .toArray();
    double sum = IntStream.range(0, counts.length).mapToDouble(c -> weights[c] * counts[c]).sum();
    return Arrays.stream(weights).mapToObj(weight -> weight * all / sum).toList();
  }
}
