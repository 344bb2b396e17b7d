package io.github.kpconvx.training;

import java.util.Optional;
import java.util.function.Consumer;

/** Is told how training goes, on the thread that trains. */
public interface TrainingListener {

  /**
   * A step that is done: one batch, and what the optimizer made of it.
   *
   * @param globalStep its number from 1, counted through all epochs, those before a run was resumed
   *     among them
   * @param epoch its epoch, from 1
   * @param stepOfEpoch its number in the epoch, from 1 to {@code stepsPerEpoch}
   * @param stepsPerEpoch how many steps an epoch has
   * @param learningRate the rate of this step, before any factor of the optimizer's own
   * @param loss of its batch, before the step and with regularization; a finite number
   * @param soFar metrics of the epoch's steps up to this one, in training mode; their confusion
   *     matrix goes on counting, so read it during the call
   */
  record Step(
      long globalStep,
      int epoch,
      int stepOfEpoch,
      int stepsPerEpoch,
      double learningRate,
      double loss,
      Metrics soFar) {}

  /**
   * An epoch that is done.
   *
   * @param number from 1
   * @param globalStep steps done by now, in all epochs
   * @param training metrics of its steps, in training mode
   * @param validation metrics after it on the validation data, in inference mode, if there is any
   * @param best whether no epoch before was better
   */
  record Epoch(
      int number, long globalStep, Metrics training, Optional<Metrics> validation, boolean best) {}

  /**
   * A step is done. What is thrown here ends training.
   *
   * @param step what there is to tell of it
   */
  default void step(Step step) {}

  /**
   * An epoch is done; its checkpoint is written after this call. What is thrown here ends training.
   *
   * @param epoch what there is to tell of it
   */
  default void epoch(Epoch epoch) {}

  /**
   * Listens to nothing.
   *
   * @return a listener
   */
  static TrainingListener none() {
    return new TrainingListener() {};
  }

  /**
   * Listens to steps alone.
   *
   * @param action is given each step
   * @return a listener
   */
  static TrainingListener onStep(Consumer<Step> action) {
    return new TrainingListener() {
      @Override
      public void step(Step step) {
        action.accept(step);
      }
    };
  }

  /**
   * Listens to epochs alone.
   *
   * @param action is given each epoch
   * @return a listener
   */
  static TrainingListener onEpoch(Consumer<Epoch> action) {
    return new TrainingListener() {
      @Override
      public void epoch(Epoch epoch) {
        action.accept(epoch);
      }
    };
  }

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
      public void step(Step step) {
        first.step(step);
        second.step(step);
      }

      @Override
      public void epoch(Epoch epoch) {
        first.epoch(epoch);
        second.epoch(epoch);
      }
    };
  }
}
