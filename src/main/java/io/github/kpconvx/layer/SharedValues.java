package io.github.kpconvx.layer;

import java.util.HashMap;
import java.util.Map;
import java.util.function.Supplier;

/**
 * What layers of one call of a network share, such as a geometry that is computed once for all
 * layers of the same points. Each kind of layer keeps its own there, under a class of its own. For
 * one graph and one thread.
 */
public final class SharedValues {
  private final Map<Class<?>, Object> values = new HashMap<>();

  /**
   * The value of a class.
   *
   * @param type the class
   * @param make makes the value, the first time
   * @param <T> the class
   * @return the one value of this call of the network
   */
  public <T> T get(Class<T> type, Supplier<? extends T> make) {
    return type.cast(values.computeIfAbsent(type, key -> make.get()));
  }
}
