package io.github.kpconvx.training;

import java.util.Objects;

/**
 * How a network is trained. Immutable.
 *
 * @param epochs passes over the examples, at least 1
 * @param batchSize examples of a step, at least 1; more than 1 need examples of one shape
 * @param optimizer how weights change
 * @param learningRate the rate of each step
 * @param clipNorm each weight's gradient is scaled down to this norm; 0 for no bound
 * @param loss what is made small
 * @param monitor what tells which epoch is best
 * @param patience epochs without a better one after which training stops; 0 for never
 * @param checkpointSteps steps between checkpoints, at least 1; the end of an epoch has one too
 * @param seed of first weights, order, variation and drops: the same seed repeats a run
 */
public record TrainingSettings(
    int epochs,
    int batchSize,
    OptimizerSettings optimizer,
    LearningRate learningRate,
    double clipNorm,
    ClassificationLoss loss,
    Monitor monitor,
    int patience,
    int checkpointSteps,
    long seed) {

  /** What tells which epoch is best: of the validation, or of training where there is none. */
  public enum Monitor {
    /** The lowest loss. */
    LOSS,
    /** The highest accuracy. */
    ACCURACY,
    /** The highest mean intersection over union. */
    MEAN_IOU;

    /** What is to be high. */
    double of(Metrics metrics) {
      return switch (this) {
        case LOSS -> -metrics.loss();
        case ACCURACY -> metrics.accuracy();
        case MEAN_IOU -> metrics.meanIou();
      };
    }
  }

  public TrainingSettings {
    require("epochs", epochs, epochs >= 1, "at least 1");
    require("batch_size", batchSize, batchSize >= 1, "at least 1");
    require(
        "clip_norm", clipNorm, clipNorm >= 0 && Double.isFinite(clipNorm), "a finite number >= 0");
    require("patience", patience, patience >= 0, "at least 0");
    require("checkpoint_steps", checkpointSteps, checkpointSteps >= 1, "at least 1");
    Objects.requireNonNull(optimizer, "optimizer");
    Objects.requireNonNull(learningRate, "learningRate");
    Objects.requireNonNull(loss, "loss");
    Objects.requireNonNull(monitor, "monitor");
  }

  private static void require(String name, Number value, boolean fits, String allowed) {
    if (!fits) {
      throw new TrainingException("Training: %s = %s, expected %s".formatted(name, value, allowed));
    }
  }

  /** What makes another run of it: all but how long it goes on and how often it is saved. */
  String identity() {
    return "batch size %d, %s, %s, clip norm %s, %s, %s, seed %d"
        .formatted(batchSize, optimizer, learningRate, clipNorm, loss, monitor, seed);
  }

  /**
   * Starts from ten epochs of Adam with Keras's defaults, example by example.
   *
   * @return a builder
   */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Starts from these settings.
   *
   * @return a builder
   */
  public Builder toBuilder() {
    return new Builder()
        .epochs(epochs)
        .batchSize(batchSize)
        .optimizer(optimizer)
        .learningRate(learningRate)
        .clipNorm(clipNorm)
        .loss(loss)
        .monitor(monitor)
        .patience(patience)
        .checkpointSteps(checkpointSteps)
        .seed(seed);
  }

  /** Changes what is to differ from the defaults; wrong values are errors of {@link #build}. */
  public static final class Builder {
    private int epochs = 10;
    private int batchSize = 1;
    private OptimizerSettings optimizer = OptimizerSettings.Adam.DEFAULT;
    private LearningRate learningRate = new LearningRate.Constant(0.001);
    private double clipNorm;
    private ClassificationLoss loss = ClassificationLoss.DEFAULT;
    private Monitor monitor = Monitor.LOSS;
    private int patience;
    private int checkpointSteps = 1000;
    private long seed;

    private Builder() {}

    /**
     * Sets passes over the examples.
     *
     * @param value at least 1
     * @return this
     */
    public Builder epochs(int value) {
      epochs = value;
      return this;
    }

    /**
     * Sets examples of a step.
     *
     * @param value at least 1; more than 1 need examples of one shape
     * @return this
     */
    public Builder batchSize(int value) {
      batchSize = value;
      return this;
    }

    /**
     * Sets how weights change.
     *
     * @param value the optimizer
     * @return this
     */
    public Builder optimizer(OptimizerSettings value) {
      optimizer = value;
      return this;
    }

    /**
     * Sets the learning rate of each step.
     *
     * @param value the schedule
     * @return this
     */
    public Builder learningRate(LearningRate value) {
      learningRate = value;
      return this;
    }

    /**
     * Sets the norm that each weight's gradient is scaled down to.
     *
     * @param value at least 0; 0 for no bound
     * @return this
     */
    public Builder clipNorm(double value) {
      clipNorm = value;
      return this;
    }

    /**
     * Sets what is made small.
     *
     * @param value the loss
     * @return this
     */
    public Builder loss(ClassificationLoss value) {
      loss = value;
      return this;
    }

    /**
     * Sets what tells which epoch is best.
     *
     * @param value the metric
     * @return this
     */
    public Builder monitor(Monitor value) {
      monitor = value;
      return this;
    }

    /**
     * Sets after how many epochs without a better one training stops.
     *
     * @param value at least 0; 0 for never
     * @return this
     */
    public Builder patience(int value) {
      patience = value;
      return this;
    }

    /**
     * Sets the steps between checkpoints.
     *
     * @param value at least 1
     * @return this
     */
    public Builder checkpointSteps(int value) {
      checkpointSteps = value;
      return this;
    }

    /**
     * Sets the seed of first weights, order, variation and drops.
     *
     * @param value any number
     * @return this
     */
    public Builder seed(long value) {
      seed = value;
      return this;
    }

    /**
     * Checks the settings.
     *
     * @return the settings
     * @throws TrainingException if a value is not allowed; names it and what is
     */
    public TrainingSettings build() {
      return new TrainingSettings(
          epochs,
          batchSize,
          optimizer,
          learningRate,
          clipNorm,
          loss,
          monitor,
          patience,
          checkpointSteps,
          seed);
    }
  }
}
