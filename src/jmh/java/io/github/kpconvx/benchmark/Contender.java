package io.github.kpconvx.benchmark;

/** Something that computes a workload. Its inputs lie in its own native memory already. */
interface Contender extends AutoCloseable {
  /** An output in the contender's native memory. */
  interface Answer extends AutoCloseable {
    long[] shape();

    float[] copy();

    @Override
    void close();
  }

  /**
   * Computes the output once.
   *
   * @return the output, the caller's to close
   */
  Answer answer();

  @Override
  void close();

  /**
   * Computes the output once and compares it with Python's.
   *
   * @throws AssertionError if it differs
   */
  default void check(Workload workload) {
    try (Answer answer = answer()) {
      workload.check(answer.shape(), answer.copy());
    }
  }
}
