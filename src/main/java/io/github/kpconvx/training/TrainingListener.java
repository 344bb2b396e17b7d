package io.github.kpconvx.training;

import java.util.Optional;

/** Is told how training goes, on the thread that trains. */
public interface TrainingListener {

  /**
   * A step is done.
   *
   * @param step its number from 1, counted through all epochs
   * @param epoch its epoch, from 1
   * @param stepOfEpoch its number in the epoch, from 1
   * @param steps steps of an epoch
   * @param learningRate of this step
   * @param loss before the step, regularization included
   * @param soFar metrics of the epoch's steps so far
   */
  default void step(
      long step,
      int epoch,
      int stepOfEpoch,
      int steps,
      double learningRate,
      double loss,
      Metrics soFar) {}

  /**
   * An epoch is done.
   *
   * @param epoch its number, from 1
   * @param step steps done so far
   * @param training metrics of its steps, in training mode
   * @param validation metrics after it on the examples for validation, if there are any
   * @param best whether no epoch before was better
   */
  default void epoch(
      int epoch, long step, Metrics training, Optional<Metrics> validation, boolean best) {}

  /**
   * Tells two listeners.
   *
   * @param first is told first
   * @param second is told then
   * @return a listener that tells both
   */
  static TrainingListener both(TrainingListener first, TrainingListener second) {
    return new TrainingListener() {
      @Override
      public void step(
          long step,
          int epoch,
          int stepOfEpoch,
          int steps,
          double learningRate,
          double loss,
          Metrics soFar) {
        first.step(step, epoch, stepOfEpoch, steps, learningRate, loss, soFar);
        second.step(step, epoch, stepOfEpoch, steps, learningRate, loss, soFar);
      }

      @Override
      public void epoch(
          int epoch, long step, Metrics training, Optional<Metrics> validation, boolean best) {
        first.epoch(epoch, step, training, validation, best);
        second.epoch(epoch, step, training, validation, best);
      }
    };
  }
}
