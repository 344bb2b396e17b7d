package io.github.kpconvx.inference;

/**
 * Lets predictions in until it is shut, and then waits for those inside alone: none is begun after
 * {@link #shut}, so that shutting ends however many are asked for. Safe for many threads.
 */
final class Gate {
  private int inside;
  private boolean shut;

  /**
   * Goes in; each call that returns asks for one of {@link #leave}.
   *
   * @throws ModelException if it is shut
   */
  synchronized void enter() {
    if (shut) {
      throw new ModelException("The model is closed");
    }
    inside++;
  }

  synchronized void leave() {
    inside--;
    if (inside == 0) {
      notifyAll();
    }
  }

  /**
   * Lets nobody in any more, and waits until all have left. An interrupt does not end the wait, as
   * what is behind the gate may be closed only then; it is kept for the caller.
   *
   * @return whether this call was the first one
   */
  synchronized boolean shut() {
    boolean first = !shut;
    shut = true;
    boolean interrupted = false;
    while (inside > 0) {
      try {
        wait();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    return first;
  }
}
