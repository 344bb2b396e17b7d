package io.github.kpconvx.training;

import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/**
 * All that a run draws, from its seed and the place alone, so that a resumed run draws what it
 * would have drawn.
 *
 * @param seed the run's
 */
record RunRandomness(long seed) {
  private static final int VARIATION = 1;
  private static final int ORDER = 2;

  /** The order of the examples in an epoch: another for each. */
  int[] order(int size, int epoch) {
    int[] order = new int[size];
    SplittableRandom random = random(ORDER, epoch, 0);
    for (int i = 0; i < size; i++) {
      int j = random.nextInt(i + 1);
      order[i] = order[j];
      order[j] = i;
    }
    return order;
  }

  /** What an example is varied by in a step, by its place in the epoch's order. */
  RandomGenerator variation(long step, int place) {
    return random(VARIATION, step, place);
  }

  private SplittableRandom random(int purpose, long first, long second) {
    long mixed = 0;
    for (long part : new long[] {seed, purpose, first, second}) {
      mixed = new SplittableRandom(mixed ^ part).nextLong();
    }
    return new SplittableRandom(mixed);
  }
}
