package io.github.kpconvx.training;

import io.github.kpconvx.numpy.NpyArray;
import java.util.Map;

/**
 * The best epoch of a run so far. Immutable.
 *
 * @param value what was monitored in it, the higher the better; −∞ before the first
 * @param epochsSince epochs after it
 * @param weights after it, by qualified name; empty before the first, and where they are not kept
 */
record BestEpoch(double value, int epochsSince, Map<String, NpyArray> weights) {
  static final BestEpoch NONE = new BestEpoch(Double.NEGATIVE_INFINITY, 0, Map.of());

  BestEpoch withoutBetter() {
    return new BestEpoch(value, epochsSince + 1, weights);
  }

  /** Whether so many epochs were not better that training is to stop; 0 for never. */
  boolean outlasts(int patience) {
    return patience > 0 && epochsSince >= patience;
  }
}
