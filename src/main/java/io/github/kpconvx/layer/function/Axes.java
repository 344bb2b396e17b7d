package io.github.kpconvx.layer.function;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The axes that a Keras object works along, as its configuration gives them: one number, a list, or
 * null for all. Negative ones count from the last. Immutable.
 */
final class Axes {
  private final ConfigReader config;
  private final String key;
  private final List<Integer> axes;

  private Axes(ConfigReader config, String key, List<Integer> axes) {
    this.config = config;
    this.key = key;
    this.axes = axes;
  }

  /**
   * Reads the axes under a key.
   *
   * @throws KerasException if the value is neither an integer, nor a list of them, nor null
   */
  static Axes of(ConfigReader config, String key, int defaultAxis) {
    JsonNode value = config.json(key);
    if (!config.has(key) || value.isNumber()) {
      return new Axes(config, key, List.of(config.integer(key, defaultAxis, Integer.MIN_VALUE)));
    }
    if (value.isNull()) {
      return new Axes(config, key, null);
    }
    if (!value.isArray() && !value.isObject()) {
      throw config.invalid(key, value, "null", "an axis", "a list of axes");
    }
    return new Axes(config, key, config.integers(key, List.of(), Integer.MIN_VALUE));
  }

  /**
   * The axes of a tensor.
   *
   * @param rank its number of dimensions
   * @return each axis in [0, rank)
   * @throws KerasException if one is not there or is given twice
   */
  int[] of(int rank) {
    if (axes == null) {
      return IntStream.range(0, rank).toArray();
    }
    boolean inside = axes.stream().allMatch(axis -> axis >= -rank && axis < rank);
    int[] found = axes.stream().mapToInt(axis -> Math.floorMod(axis, Math.max(rank, 1))).toArray();
    if (!inside || IntStream.of(found).distinct().count() < found.length) {
      throw config.invalid(
          key, config.json(key), "different axes of a tensor of rank %d".formatted(rank));
    }
    return found;
  }
}
