package io.github.kpconvx.layer;

/** What a layer is called for; Keras's {@code training} argument. */
public enum Mode {
  /** Moving statistics, nothing dropped. */
  INFERENCE,
  /**
   * A step of training in which the layer itself does as in inference, as Keras 2 keeps a layer
   * that was called with {@code training=False}: moving statistics that stay, nothing dropped.
   * Gradients and regularization, that of activities too, are those of training.
   */
  TRAINING_FIXED,
  /** Batch statistics and dropped paths. */
  TRAINING
}
