package io.github.kpconvx.keras.config;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.keras.KerasException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Iterator;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.IntStream;

/**
 * Reads the entries of a Keras configuration, each checked, with errors that name the owner, the
 * key, the value and what is allowed.
 *
 * <p>A missing key takes the default that the caller gives. Where a Python list is expected, a
 * tuple and a NumPy array as Keras serializes them are read too; likewise a NumPy scalar where a
 * number is expected.
 */
public final class ConfigReader {
  /** The keys that the configuration of every Keras layer may have. */
  public static final List<String> LAYER_KEYS =
      List.of(
          "name",
          "trainable",
          "dtype",
          "batch_input_shape",
          "batch_shape",
          "activity_regularizer",
          "autocast");

  private final String owner;
  private final ObjectNode config;

  ConfigReader(String owner, ObjectNode config) {
    this.owner = owner;
    this.config = config;
  }

  /**
   * A reader for a configuration that stands by itself.
   *
   * @param owner whose configuration it is, for messages
   * @param config the configuration
   * @return the reader
   */
  public static ConfigReader of(String owner, ObjectNode config) {
    return new ConfigReader(owner, config.deepCopy());
  }

  /**
   * Whose configuration it is.
   *
   * @return what messages begin with
   */
  public String owner() {
    return owner;
  }

  /**
   * Whether a key is there, be its value null or not.
   *
   * @param key the key
   * @return true if it is there
   */
  public boolean has(String key) {
    return config.has(key);
  }

  /**
   * Refuses keys that nobody reads.
   *
   * @param known the keys of the class, in addition to those of every layer
   * @throws KerasException if the configuration has another key; names it and lists the known ones
   */
  public void rejectUnknownKeys(Collection<String> known) {
    TreeSet<String> keys = new TreeSet<>(known);
    keys.addAll(LAYER_KEYS);
    allowOnly(keys);
  }

  /**
   * Refuses keys that nobody reads, in the configuration of an object that is no layer.
   *
   * @param known all keys of the class
   * @throws KerasException if the configuration has another key; names it and lists the known ones
   */
  public void allowOnly(Collection<String> known) {
    for (Iterator<String> keys = config.fieldNames(); keys.hasNext(); ) {
      String key = keys.next();
      if (!known.contains(key)) {
        throw new KerasException(
            owner
                + ": unknown configuration key \""
                + key
                + "\"; known keys are "
                + (known.isEmpty() ? "none" : String.join(", ", new TreeSet<>(known))));
      }
    }
  }

  /**
   * Refuses a data type policy other than float32, the only one that the layers compute in.
   *
   * @throws KerasException if the configuration has another policy
   */
  public void requireFloat32() {
    JsonNode dtype = json("dtype");
    JsonNode name = dtype.isObject() ? dtype.path("config").path("name") : dtype;
    if (!dtype.isNull() && !name.asText().equals("float32")) {
      throw invalid("dtype", dtype, "\"float32\"");
    }
  }

  /**
   * Any value.
   *
   * @param key the key
   * @return its value; a JSON null if it is missing
   */
  public JsonNode json(String key) {
    JsonNode value = config.get(key);
    return value == null ? NullNode.getInstance() : value;
  }

  /**
   * A text.
   *
   * @param key the key
   * @param defaultValue the value where the key is missing
   * @return the text
   * @throws KerasException if the value is no text
   */
  public String text(String key, String defaultValue) {
    JsonNode value = config.get(key);
    if (value == null) {
      return defaultValue;
    }
    if (!value.isTextual()) {
      throw invalid(key, value, "a string");
    }
    return value.textValue();
  }

  /**
   * True or false.
   *
   * @param key the key
   * @param defaultValue the value where the key is missing
   * @return the value
   * @throws KerasException if the value is neither
   */
  public boolean bool(String key, boolean defaultValue) {
    JsonNode value = config.get(key);
    if (value == null) {
      return defaultValue;
    }
    if (!value.isBoolean()) {
      throw invalid(key, value, "true or false");
    }
    return value.booleanValue();
  }

  /**
   * A whole number that is not less than a bound.
   *
   * @param key the key
   * @param defaultValue the value where the key is missing
   * @param least the least allowed value
   * @return the number
   * @throws KerasException if the value is no such number
   */
  public int integer(String key, int defaultValue, int least) {
    JsonNode value = config.get(key);
    return value == null ? defaultValue : integer(key, value, least);
  }

  private int integer(String key, JsonNode found, int least) {
    JsonNode value = plain(found);
    boolean whole = value.isNumber() && value.doubleValue() == Math.rint(value.doubleValue());
    if (!whole || value.doubleValue() < least || value.doubleValue() > Integer.MAX_VALUE) {
      String bound = least == Integer.MIN_VALUE ? "" : " of at least " + least;
      throw invalid(key, value, "an integer" + bound);
    }
    return value.intValue();
  }

  /**
   * A finite number.
   *
   * @param key the key
   * @param defaultValue the value where the key is missing
   * @return the number
   * @throws KerasException if the value is no finite number
   */
  public double number(String key, double defaultValue) {
    JsonNode value = config.get(key);
    return value == null ? defaultValue : number(key, value);
  }

  /**
   * A finite number that is not less than a bound.
   *
   * @param key the key
   * @param defaultValue the value where the key is missing
   * @param least the least allowed value
   * @return the number
   * @throws KerasException if the value is no such number
   */
  public double number(String key, double defaultValue, double least) {
    double value = number(key, defaultValue);
    if (value < least) {
      throw invalid(key, has(key) ? json(key) : value, "a finite number of at least " + least);
    }
    return value;
  }

  private double number(String key, JsonNode found) {
    JsonNode value = plain(found);
    if (!value.isNumber() || !Double.isFinite(value.doubleValue())) {
      throw invalid(key, value, "a finite number");
    }
    return value.doubleValue();
  }

  /**
   * A list of whole numbers that are not less than a bound.
   *
   * @param key the key
   * @param defaultValue the value where the key is missing
   * @param least the least allowed value
   * @return the numbers
   * @throws KerasException if the value is no such list
   */
  public List<Integer> integers(String key, List<Integer> defaultValue, int least) {
    return config.has(key)
        ? elements(key).stream().map(element -> integer(key, element, least)).toList()
        : defaultValue;
  }

  /**
   * A list of finite numbers.
   *
   * @param key the key
   * @param defaultValue the value where the key is missing
   * @return the numbers
   * @throws KerasException if the value is no such list
   */
  public List<Double> numbers(String key, List<Double> defaultValue) {
    return config.has(key)
        ? elements(key).stream().map(element -> number(key, element)).toList()
        : defaultValue;
  }

  /**
   * A list of anything: a JSON array, or a tuple or NumPy array as Keras serializes them.
   *
   * @param key the key
   * @return the elements
   * @throws KerasException if the value is no list
   */
  public List<JsonNode> elements(String key) {
    JsonNode value = json(key);
    JsonNode array = plain(value);
    if (!array.isArray()) {
      throw invalid(key, value, "a list");
    }
    List<JsonNode> elements = new ArrayList<>();
    IntStream.range(0, array.size()).forEach(i -> elements.add(array.get(i)));
    return elements;
  }

  /** What a tuple, an array or a scalar holds that Keras serialized as an object. */
  private static JsonNode plain(JsonNode value) {
    return switch (value.path("class_name").asText()) {
      case "__tuple__" -> value.path("items");
      case "__numpy__", "__tensor__" -> value.path("config").path("value");
      default -> value;
    };
  }

  /**
   * The error for a value that is not allowed.
   *
   * @param key the key
   * @param value what was found
   * @param allowed what is allowed
   * @return the error, to be thrown
   */
  public KerasException invalid(String key, Object value, String... allowed) {
    String found =
        value instanceof JsonNode node ? KerasObject.abbreviate(node) : String.valueOf(value);
    return new KerasException(
        owner
            + ": "
            + key
            + " = "
            + found
            + ", expected "
            + String.join(" or ", Arrays.asList(allowed)));
  }
}
