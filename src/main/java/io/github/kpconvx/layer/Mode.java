package io.github.kpconvx.layer;

/** What a layer is called for; Keras's {@code training} argument. */
public enum Mode {
  /** Moving statistics, nothing dropped. */
  INFERENCE,
  /** Batch statistics and dropped paths. */
  TRAINING
}
