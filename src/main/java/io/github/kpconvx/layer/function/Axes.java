package io.github.kpconvx.layer.function;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TType;

/**
 * The axes that a Keras object works along, as its configuration gives them: one number, a list, or
 * null for all. Negative ones count from the last. Immutable.
 */
public final class Axes {
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
   * @param config the configuration
   * @param key the key
   * @param defaultAxis the axis where the key is missing
   * @return the axes
   * @throws KerasException if the value is neither an integer, nor a list of them, nor null
   */
  public static Axes of(ConfigReader config, String key, int defaultAxis) {
    return config.has(key) && config.json(key).isNull()
        ? new Axes(config, key, null)
        : read(config, key, defaultAxis, "null", "an axis", "a list of axes");
  }

  /**
   * Reads the axes under a key where all of them would make no sense.
   *
   * @param config the configuration
   * @param key the key
   * @param defaultAxis the axis where the key is missing
   * @return the axes
   * @throws KerasException if the value is neither an integer nor a list of them
   */
  public static Axes ofSome(ConfigReader config, String key, int defaultAxis) {
    return read(config, key, defaultAxis, "an integer", "a list of axes");
  }

  private static Axes read(ConfigReader config, String key, int defaultAxis, String... choices) {
    JsonNode value = config.json(key);
    if (!config.has(key) || value.isNumber()) {
      return new Axes(config, key, List.of(config.integer(key, defaultAxis, Integer.MIN_VALUE)));
    }
    if (!value.isArray() && !value.has("class_name")) { // of a tuple
      throw config.invalid(key, value, choices);
    }
    return new Axes(config, key, config.integers(key, List.of(), Integer.MIN_VALUE));
  }

  /**
   * The axes of a tensor.
   *
   * @param rank its number of dimensions
   * @return each axis in [0, rank), in the order in which they are given
   * @throws KerasException if one is not there or is given twice
   */
  public int[] of(int rank) {
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

  /**
   * The same axes counted from the last one, for a layer that is called with inputs of other ranks
   * than it was built for.
   *
   * @param rank the number of dimensions of what it was built for
   * @return the axes, all negative
   * @throws KerasException if one is not there or is given twice
   */
  public Axes fromTheLast(int rank) {
    return new Axes(config, key, IntStream.of(of(rank)).mapToObj(axis -> axis - rank).toList());
  }

  /**
   * The sizes of a tensor along the axes.
   *
   * @param shape its shape
   * @return the sizes in the order in which the axes are given
   * @throws KerasException if an axis is not there or its size is unknown
   */
  public long[] sizes(Shape shape) {
    long[] sizes = IntStream.of(of(shape.numDimensions())).mapToLong(shape::get).toArray();
    if (LongStream.of(sizes).anyMatch(size -> size == Shape.UNKNOWN_SIZE)) {
      throw config.invalid(
          key,
          axes == null ? "null" : axes.size() == 1 ? axes.get(0) : axes,
          "axes of known sizes of the input, of shape " + shape);
    }
    return sizes;
  }

  /**
   * Makes of a weight that has the {@linkplain #sizes sizes} of a tensor along the axes one that
   * stretches to it: of size 1 along all others.
   *
   * @param tf the operations of the graph that is added to
   * @param weight the weight
   * @param shape the tensor's shape
   * @param <T> the type of the weight
   * @return the weight, reshaped as Keras does
   */
  public <T extends TType> Operand<T> stretch(Ops tf, Operand<T> weight, Shape shape) {
    int rank = shape.numDimensions();
    int[] along = of(rank);
    return along.length == 1 && along[0] == rank - 1
        ? weight
        : tf.reshape(weight, tf.constant(stretchedSizes(shape)));
  }

  /**
   * The sizes of a tensor along the axes, with 1 for all others.
   *
   * @param shape its shape
   * @return as many sizes as the tensor has
   */
  public long[] stretchedSizes(Shape shape) {
    long[] sizes = new long[shape.numDimensions()];
    Arrays.fill(sizes, 1);
    for (int axis : of(sizes.length)) {
      sizes[axis] = shape.get(axis);
    }
    return sizes;
  }

  /**
   * The axes of a tensor that are not among these.
   *
   * @param rank its number of dimensions
   * @return the others, ascending
   */
  public int[] others(int rank) {
    int[] along = of(rank);
    return IntStream.range(0, rank)
        .filter(axis -> IntStream.of(along).noneMatch(a -> a == axis))
        .toArray();
  }
}
