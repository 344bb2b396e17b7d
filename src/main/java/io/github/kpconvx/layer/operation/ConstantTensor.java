package io.github.kpconvx.layer.operation;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.Json;
import io.github.kpconvx.keras.config.KerasObject;
import java.util.ArrayList;
import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TNumber;

/**
 * Numbers in a configuration: a number, a list of numbers nested at will, or an array or tensor as
 * Keras serializes it, which tells its type.
 *
 * @param type the type of its elements, Python's for what has none of its own
 * @param shape its shape
 * @param elements its elements in C order, as numbers; true and false as 1 and 0
 */
record ConstantTensor(NumericType type, Shape shape, List<JsonNode> elements) {

  /**
   * Reads numbers.
   *
   * @param owner whose they are, for messages
   * @param json the JSON
   * @throws KerasException if it is something else, or a list of lists of unequal sizes
   */
  static ConstantTensor of(String owner, JsonNode json) {
    JsonNode value = json;
    NumericType given = null;
    String className = Json.text(json.path("class_name"));
    if (className.equals("__numpy__") || className.equals("__tensor__")) {
      value = json.path("config").path("value");
      given = NumericType.named(owner, Json.text(json.path("config").path("dtype")));
    }
    List<Long> sizes = new ArrayList<>();
    for (JsonNode first = value; first.isArray(); first = first.path(0)) {
      sizes.add((long) first.size());
    }
    List<JsonNode> elements = new ArrayList<>();
    if (!collect(value, 0, sizes, elements)) {
      throw new KerasException(
          owner
              + ": expected a number, or lists of numbers of equal sizes, found "
              + KerasObject.abbreviate(json));
    }
    if (given == null) {
      given =
          NumericType.common(elements.stream().map(ConstantTensor::pythonType).distinct().toList());
      if (!sizes.isEmpty() && given.isPython()) { // A list becomes a tensor of a type of its own.
        given = NumericType.of(given.tensorType());
      }
    }
    return new ConstantTensor(
        given, Shape.of(sizes.stream().mapToLong(size -> size).toArray()), elements);
  }

  private static boolean collect(
      JsonNode json, int depth, List<Long> sizes, List<JsonNode> elements) {
    if (depth == sizes.size()) {
      elements.add(json);
      return json.isNumber() || json.isBoolean();
    }
    boolean fits = json.isArray() && json.size() == sizes.get(depth);
    for (int i = 0; fits && i < json.size(); i++) {
      fits = collect(json.get(i), depth + 1, sizes, elements);
    }
    return fits;
  }

  private static NumericType pythonType(JsonNode number) {
    return number.isBoolean()
        ? NumericType.BOOL
        : number.isIntegralNumber() ? NumericType.PYTHON_INT : NumericType.PYTHON_FLOAT;
  }

  /** The same as a constant of a graph. */
  Operand<TNumber> operand(Ops tf, NumericType as) {
    Operand<?> constant =
        switch (as) {
          case FLOAT64 -> tf.constant(shape, DataBuffers.of(doubles()));
          case INT64, UINT16, UINT8 ->
              tf.constant(
                  shape,
                  DataBuffers.of(elements.stream().mapToLong(ConstantTensor::whole).toArray()));
          case INT32, PYTHON_INT ->
              tf.constant(
                  shape,
                  DataBuffers.of(elements.stream().mapToInt(json -> (int) whole(json)).toArray()));
          case BOOL -> {
            boolean[] values = new boolean[elements.size()];
            for (int i = 0; i < values.length; i++) {
              values[i] = number(elements.get(i)) != 0;
            }
            yield tf.constant(shape, DataBuffers.of(values));
          }
          default -> {
            float[] values = new float[elements.size()];
            for (int i = 0; i < values.length; i++) {
              values[i] = (float) number(elements.get(i));
            }
            yield tf.constant(shape, DataBuffers.of(values));
          }
        };
    return Tensors.cast(tf, Tensors.any(constant), as.tensorType());
  }

  private double[] doubles() {
    return elements.stream().mapToDouble(ConstantTensor::number).toArray();
  }

  private static double number(JsonNode json) {
    return json.isBoolean() ? (json.booleanValue() ? 1 : 0) : json.doubleValue();
  }

  private static long whole(JsonNode json) {
    return json.isIntegralNumber() ? json.longValue() : (long) number(json);
  }
}
