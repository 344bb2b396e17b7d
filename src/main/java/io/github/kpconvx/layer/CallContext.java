package io.github.kpconvx.layer;

import java.util.Objects;

/**
 * What a layer is told when it is called, besides its inputs. For one graph and one thread.
 *
 * @param mode whether to train
 * @param random where random numbers come from while training
 * @param stages is told each intermediate result that the layer makes known
 * @param formulation how inference is computed
 * @param shared what layers of one call of a network share
 */
public record CallContext(
    Mode mode, RandomSource random, Stages stages, Formulation formulation, SharedValues shared) {

  public CallContext {
    Objects.requireNonNull(mode, "mode");
    Objects.requireNonNull(random, "random");
    Objects.requireNonNull(stages, "stages");
    Objects.requireNonNull(formulation, "formulation");
    Objects.requireNonNull(shared, "shared");
  }

  /**
   * A context that draws unseeded random numbers and tells nobody of stages.
   *
   * @param mode whether to train
   * @return the context
   */
  public static CallContext of(Mode mode) {
    return new CallContext(
        mode, RandomSource.unseeded(), Stages.NONE, Formulation.PLAIN, new SharedValues());
  }

  /**
   * With another mode.
   *
   * @param other the mode
   * @return a context that differs in it alone
   */
  public CallContext withMode(Mode other) {
    return new CallContext(other, random, stages, formulation, shared);
  }

  /**
   * With another source of random numbers.
   *
   * @param other the source
   * @return a context that differs in it alone
   */
  public CallContext withRandom(RandomSource other) {
    return new CallContext(mode, other, stages, formulation, shared);
  }

  /**
   * With somebody else to be told of stages.
   *
   * @param other is told
   * @return a context that differs in it alone
   */
  public CallContext withStages(Stages other) {
    return new CallContext(mode, random, other, formulation, shared);
  }

  /**
   * With another formulation.
   *
   * @param other how inference is computed
   * @return a context that differs in it alone
   */
  public CallContext withFormulation(Formulation other) {
    return new CallContext(mode, random, stages, other, shared);
  }

  /**
   * For a layer that does as in inference, be it in a step of training.
   *
   * @return a context of another mode, if this one's is {@link Mode#TRAINING}
   */
  public CallContext fixed() {
    return training() ? withMode(Mode.TRAINING_FIXED) : this;
  }

  /**
   * Whether to train.
   *
   * @return true if the mode is {@link Mode#TRAINING}
   */
  public boolean training() {
    return mode == Mode.TRAINING;
  }
}
