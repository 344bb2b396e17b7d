package io.github.kpconvx.training;

import io.github.kpconvx.layer.InputSpec;
import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.numpy.NumpyException;
import io.github.kpconvx.tensor.Tensors;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.Collectors;

/**
 * Examples that go through a network together: arrays of the types that it takes, and the truth
 * about them. Immutable.
 */
final class Batch {
  private static final int UNKNOWN = -1;

  private final Map<Integer, Example> examples;
  private final Map<String, NpyArray> inputs = new LinkedHashMap<>();
  private final NpyArray labels;
  private final int[] truth;

  /**
   * Puts examples together.
   *
   * @param examples the examples by their index in their set
   * @param network what the network takes
   * @param loss how labels are given
   * @param classes how many classes there are
   * @throws TrainingException if an example has other inputs or values that its type cannot hold, a
   *     label is out of range, or the examples' shapes differ
   */
  Batch(
      Map<Integer, Example> examples,
      List<InputSpec> network,
      ClassificationLoss loss,
      int classes) {
    this.examples = new LinkedHashMap<>(examples);
    for (InputSpec input : network) {
      List<NpyArray> arrays = new ArrayList<>();
      this.examples.forEach((index, example) -> arrays.add(input(index, example, input, network)));
      inputs.put(input.name(), stack("input " + input.name(), arrays));
    }
    boolean sparse = loss.labels() == ClassificationLoss.Labels.SPARSE;
    List<NpyArray> arrays = new ArrayList<>();
    this.examples.forEach(
        (index, example) ->
            arrays.add(
                converted(
                    index,
                    "The labels",
                    example.labels(),
                    sparse ? NpyArray.Type.INT32 : NpyArray.Type.FLOAT32)));
    labels = stack("labels", arrays);
    truth =
        sparse
            ? sparse(labels.toInts(), loss.ignoredLabel(), classes)
            : likeliest(labels.toFloats(), classes);
  }

  private static NpyArray input(
      int index, Example example, InputSpec input, List<InputSpec> network) {
    NpyArray array = example.inputs().get(input.name());
    if (array == null || example.inputs().size() != network.size()) {
      throw new TrainingException(
          "Example %d has the inputs %s, the network takes %s"
              .formatted(
                  index,
                  example.inputs().keySet(),
                  network.stream().map(InputSpec::name).toList()));
    }
    return converted(index, "Input " + input.name(), array, Tensors.arrayType(input.type()));
  }

  private static NpyArray converted(int index, String what, NpyArray array, NpyArray.Type type) {
    try {
      return array.as(type);
    } catch (NumpyException e) {
      throw new TrainingException("%s of example %d: %s".formatted(what, index, e.getMessage()), e);
    }
  }

  private NpyArray stack(String what, List<NpyArray> arrays) {
    try {
      return NpyArray.stack(arrays);
    } catch (NumpyException e) {
      throw new TrainingException(
          "Examples %s differ in their %s: %s; a batch takes examples of one shape, or has a size of 1"
              .formatted(this, what, e.getMessage()),
          e);
    }
  }

  /** The class of each point. */
  private int[] sparse(int[] given, OptionalInt ignored, int classes) {
    int[] known = given.clone();
    for (int i = 0; i < known.length; i++) {
      if (ignored.equals(OptionalInt.of(known[i]))) {
        known[i] = UNKNOWN;
      } else if (known[i] < 0 || known[i] >= classes) {
        int size = known.length / examples.size();
        throw new TrainingException(
            "Label %d of point %d of example %d is out of range, expected 0 to %d%s"
                .formatted(
                    known[i],
                    i % size,
                    List.copyOf(examples.keySet()).get(i / size),
                    classes - 1,
                    ignored.isPresent() ? " or " + ignored.getAsInt() + ", which is ignored" : ""));
      }
    }
    return known;
  }

  /** The class of the largest share of each point; the first of those that are equal. */
  private static int[] likeliest(float[] shares, int classes) {
    int[] known = new int[shares.length / classes];
    for (int i = 0; i < known.length * classes; i++) {
      int point = i / classes;
      if (shares[i] > shares[point * classes + known[point]]) {
        known[point] = i % classes;
      }
    }
    return known;
  }

  /** An array for each input, batch axis first. */
  Map<String, NpyArray> inputs() {
    return inputs;
  }

  /** The true classes as the loss takes them. */
  NpyArray labels() {
    return labels;
  }

  /**
   * Counts what a network found.
   *
   * @param found the class of each point
   * @param counts is added to; points whose label is ignored are left out
   * @throws TrainingException if there are more or fewer labels than points
   */
  void count(int[] found, ConfusionMatrix counts) {
    if (found.length != truth.length) {
      throw new TrainingException(
          "There are %d labels for %d points that the network classifies"
              .formatted(truth.length, found.length));
    }
    for (int i = 0; i < truth.length; i++) {
      if (truth[i] != UNKNOWN) {
        counts.add(truth[i], found[i], 1);
      }
    }
  }

  /**
   * The indices of the examples.
   *
   * @return such as {@code 3, 5}
   */
  @Override
  public String toString() {
    return examples.keySet().stream().map(String::valueOf).collect(Collectors.joining(", "));
  }
}
