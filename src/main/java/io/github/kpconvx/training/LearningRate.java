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
   * @param initialLearningRate the rate of the first step of the rise
   * @param warmupTarget the rate at the end of the rise
   * @param alpha the rate at the end of the fall and after it, as a share of {@code warmupTarget}
   * @param warmupSteps length of the rise; 0 for none
   * @param decaySteps length of the fall, at least 1
   */
  record Cosine(
      double initialLearningRate,
      double warmupTarget,
      double alpha,
      long warmupSteps,
      long decaySteps)
      implements LearningRate {
    public Cosine {
      require("initial_learning_rate", initialLearningRate);
      require("warmup_target", warmupTarget);
      require("alpha · warmup_target", alpha * warmupTarget);
      if (warmupSteps < 0 || decaySteps < 1) {
        throw new TrainingException(
            "Learning rate: warmup_steps = %d, decay_steps = %d, expected at least 0 and 1"
                .formatted(warmupSteps, decaySteps));
      }
    }

    @Override
    public double at(long step) {
      if (step < warmupSteps) {
        return initialLearningRate + (warmupTarget - initialLearningRate) * step / warmupSteps;
      }
      double done = Math.min(1, (double) (step - warmupSteps) / decaySteps);
      return warmupTarget * (alpha + (1 - alpha) * 0.5 * (1 + Math.cos(Math.PI * done)));
    }
  }

  /**
   * Multiplied by a factor again and again, as Keras's {@code ExponentialDecay} does.
   *
   * @param initialLearningRate the first step's rate
   * @param decayRate the factor, in (0, 1]
   * @param decaySteps after how many steps the factor has been applied once, at least 1
   * @param staircase whether the factor is applied all at once at the end of these steps
   */
  record Exponential(
      double initialLearningRate, double decayRate, long decaySteps, boolean staircase)
      implements LearningRate {
    public Exponential {
      require("initial_learning_rate", initialLearningRate);
      if (!(decayRate > 0 && decayRate <= 1) || decaySteps < 1) {
        throw new TrainingException(
            "Learning rate: decay_rate = %s, decay_steps = %d, expected a number in (0, 1] and at least 1"
                .formatted(decayRate, decaySteps));
      }
    }

    @Override
    public double at(long step) {
      double times = (double) step / decaySteps;
      return initialLearningRate * Math.pow(decayRate, staircase ? Math.floor(times) : times);
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
