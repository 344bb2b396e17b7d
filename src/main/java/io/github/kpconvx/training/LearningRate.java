package io.github.kpconvx.training;

/**
 * The learning rate of each step. Stateless, so that a resumed run goes on as it would have; one of
 * your own needs a {@code toString} that tells its settings, by which a checkpoint recognises it.
 */
@FunctionalInterface
public interface LearningRate {
  /** No rate is higher: optimizers work at a thousandth of it and less. */
  double HIGHEST = 1000;

  /**
   * The rate of a step.
   *
   * @param step the number of steps done before it, from 0
   * @return a rate of at least 0
   */
  double at(long step);

  /**
   * The same rate for every step.
   *
   * @param rate at least 0
   */
  record Constant(double rate) implements LearningRate {
    public Constant {
      require("rate", rate);
    }

    @Override
    public double at(long step) {
      return rate;
    }
  }

  /**
   * Rises linearly, then falls along half a cosine, as Keras's {@code CosineDecay} does.
   *
   * @param from the rate of the first step of the rise
   * @param highest the rate at the end of the rise
   * @param last the rate at the end of the fall and after it
   * @param warmupSteps length of the rise; 0 for none
   * @param decaySteps length of the fall, at least 1
   */
  record Cosine(double from, double highest, double last, long warmupSteps, long decaySteps)
      implements LearningRate {
    public Cosine {
      require("from", from);
      require("highest", highest);
      require("last", last);
      if (warmupSteps < 0 || decaySteps < 1) {
        throw new TrainingException(
            "A cosine schedule of %d steps of rise and %d of fall, expected at least 0 and 1"
                .formatted(warmupSteps, decaySteps));
      }
    }

    @Override
    public double at(long step) {
      if (step < warmupSteps) {
        return from + (highest - from) * step / warmupSteps;
      }
      double done = Math.min(1, (double) (step - warmupSteps) / decaySteps);
      return last + (highest - last) * 0.5 * (1 + Math.cos(Math.PI * done));
    }
  }

  /**
   * Multiplied by a factor again and again, as Keras's {@code ExponentialDecay} does.
   *
   * @param rate the first step's rate
   * @param factor in (0, 1]
   * @param steps after how many steps the factor has been applied once
   */
  record Exponential(double rate, double factor, long steps) implements LearningRate {
    public Exponential {
      require("rate", rate);
      if (!(factor > 0 && factor <= 1) || steps < 1) {
        throw new TrainingException(
            "An exponential schedule of the factor %s every %d steps, expected a factor in (0, 1] and at least 1 step"
                .formatted(factor, steps));
      }
    }

    @Override
    public double at(long step) {
      return rate * Math.pow(factor, (double) step / steps);
    }
  }

  private static void require(String name, double rate) {
    if (!(rate >= 0 && rate <= HIGHEST)) {
      throw new TrainingException(
          "Learning rate: %s = %s, expected a number from 0 to %s; more would make weights of any size, not better ones"
              .formatted(name, rate, HIGHEST));
    }
  }
}
