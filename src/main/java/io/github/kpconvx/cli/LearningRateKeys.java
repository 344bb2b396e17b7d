package io.github.kpconvx.cli;

import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.training.LearningRate;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * The learning rate in the settings of training: a number, or a schedule with the keys of Keras's
 * {@code CosineDecay} or {@code ExponentialDecay}. Keys that older files have are read too.
 */
final class LearningRateKeys {
  private static final String KEY = "learning_rate";
  private static final String INITIAL = "initial_learning_rate";
  private static final String STEPS = "decay_steps";
  private static final String WARMUP = "warmup_target";
  private static final double RATE = 0.001;

  private static final List<String> COSINE =
      List.of("schedule", INITIAL, STEPS, "alpha", WARMUP, "warmup_steps");
  private static final List<String> OLDER_COSINE =
      List.of("schedule", "from", "highest", "last", "warmup_steps", STEPS);
  private static final List<String> EXPONENTIAL =
      List.of("schedule", INITIAL, STEPS, "decay_rate", "staircase");
  private static final List<String> OLDER_EXPONENTIAL =
      List.of("schedule", "rate", "factor", "steps");

  private static final Map<String, Function<ConfigReader, LearningRate>> SCHEDULES =
      Map.of("cosine", LearningRateKeys::cosine, "exponential", LearningRateKeys::exponential);

  private LearningRateKeys() {}

  /** Reads it, or its default. */
  static LearningRate read(ConfigReader settings) {
    if (!settings.json(KEY).isObject()) {
      return new LearningRate.Constant(settings.number(KEY, RATE));
    }
    ConfigReader schedule = settings.object(KEY);
    if (!schedule.has("schedule")) {
      throw schedule.invalid("schedule", null, "\"cosine\"", "\"exponential\"");
    }
    return schedule.choice("schedule", null, SCHEDULES).apply(schedule);
  }

  private static LearningRate cosine(ConfigReader schedule) {
    if (OLDER_COSINE.containsAll(schedule.keys())) {
      return olderCosine(schedule);
    }
    schedule.allowOnly(COSINE);
    double initial = required(schedule, INITIAL);
    boolean warm = !schedule.json(WARMUP).isNull();
    int warmupSteps = schedule.integer("warmup_steps", 0, 0);
    if (!warm && warmupSteps > 0) {
      throw schedule.invalid(
          WARMUP, null, "the rate that the " + warmupSteps + " warmup_steps lead to");
    }
    return new LearningRate.Cosine(
        initial,
        warm ? schedule.number(WARMUP, initial) : initial,
        schedule.number("alpha", 0, 0),
        warmupSteps,
        steps(schedule));
  }

  private static LearningRate olderCosine(ConfigReader schedule) {
    double highest = schedule.number("highest", RATE, 0);
    double last = schedule.number("last", 0, 0);
    return new LearningRate.Cosine(
        schedule.number("from", 0),
        highest,
        last == 0 ? 0 : last / highest,
        schedule.integer("warmup_steps", 0, 0),
        steps(schedule));
  }

  private static LearningRate exponential(ConfigReader schedule) {
    if (OLDER_EXPONENTIAL.containsAll(schedule.keys())) {
      return olderExponential(schedule);
    }
    schedule.allowOnly(EXPONENTIAL);
    return new LearningRate.Exponential(
        required(schedule, INITIAL),
        required(schedule, "decay_rate"),
        steps(schedule),
        schedule.bool("staircase", false));
  }

  private static LearningRate olderExponential(ConfigReader schedule) {
    return new LearningRate.Exponential(
        schedule.number("rate", RATE),
        schedule.number("factor", 0.96),
        schedule.integer("steps", 1000, 1),
        false);
  }

  private static int steps(ConfigReader schedule) {
    required(schedule, STEPS);
    return schedule.integer(STEPS, 1, 1);
  }

  private static double required(ConfigReader schedule, String key) {
    if (!schedule.has(key)) {
      throw schedule.invalid(key, null, "a number");
    }
    return schedule.number(key, 0);
  }
}
