package io.github.kpconvx.layer;

import org.tensorflow.Operand;

/**
 * Is told the intermediate results of a layer, so that implementations can be compared stage by
 * stage.
 */
@FunctionalInterface
public interface Stages {
  /** Takes note of nothing. */
  Stages NONE = (name, value) -> {};

  /**
   * Takes note of an intermediate result.
   *
   * @param name its name, unique in the layer
   * @param value its value
   */
  void record(String name, Operand<?> value);
}
