package io.github.kpconvx.inference;

/** What computes the answers of a {@link Model}. */
public enum Engine {
  /**
   * The network rebuilt from its configuration with TensorFlow {@code Ops}, with the weights loaded
   * into it.
   */
  NATIVE,
  /** The signature that a SavedModel stores, run as it is. */
  SAVEDMODEL
}
