package io.github.kpconvx.training;

import java.util.List;
import java.util.random.RandomGenerator;

/** Data for training, validation or evaluation, example by example. */
public interface ExampleSet {

  /**
   * How many there are.
   *
   * @return at least 1, or a trainer refuses the set
   */
  int size();

  /**
   * Makes an example.
   *
   * @param index in [0, size)
   * @param random to vary the example by; a set that varies nothing ignores it. It follows from the
   *     seed of the run and the step alone, so that a resumed run sees what it would have seen
   * @return the example
   */
  Example get(int index, RandomGenerator random);

  /**
   * A set of given examples, which are not varied.
   *
   * @param examples the examples
   * @return the set
   */
  static ExampleSet of(List<Example> examples) {
    List<Example> copy = List.copyOf(examples);
    return new ExampleSet() {
      @Override
      public int size() {
        return copy.size();
      }

      @Override
      public Example get(int index, RandomGenerator random) {
        return copy.get(index);
      }
    };
  }
}
