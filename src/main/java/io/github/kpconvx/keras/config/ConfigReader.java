package io.github.kpconvx.keras.config;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.TextFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeSet;
import java.util.stream.IntStream;
import java.util.stream.Stream;

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
   * A reader for the JSON object that is the text of a file.
   *
   * @param file a file in UTF-8 or UTF-16
   * @return the reader, whose messages name the file
   * @throws KerasException if the file cannot be read, is no text or not exactly one JSON object
   */
  public static ConfigReader read(Path file) {
    String name = file.toString();
    return new ConfigReader(name, Json.object(TextFile.bytes(file), name));
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
   * The keys that are there.
   *
   * @return the keys in their order
   */
  public List<String> keys() {
    List<String> keys = new ArrayList<>();
    config.fieldNames().forEachRemaining(keys::add);
    return keys;
  }

  /**
   * Whether a value is a list: a JSON array, or a tuple or NumPy array as Keras serializes them.
   *
   * @param key the key
   * @return true if it is there and is one
   */
  public boolean isList(String key) {
    return plain(json(key)).isArray();
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

  /**
   * A whole number between bounds.
   *
   * @param key the key
   * @param defaultValue the value where the key is missing
   * @param least the least allowed value
   * @param most the greatest allowed value
   * @return the number
   * @throws KerasException if the value is no such number
   */
  public int integer(String key, int defaultValue, int least, int most) {
    int value = integer(key, defaultValue, least);
    if (value > most) {
      throw invalid(key, json(key), "an integer from " + least + " to " + most);
    }
    return value;
  }

  private int integer(String key, JsonNode found, int least) {
    OptionalLong whole = whole(plain(found));
    if (whole.isEmpty() || whole.getAsLong() < least || whole.getAsLong() > Integer.MAX_VALUE) {
      String bound = least == Integer.MIN_VALUE ? "" : " of at least " + least;
      throw invalid(key, plain(found), "an integer" + bound);
    }
    return Math.toIntExact(whole.getAsLong());
  }

  /**
   * A whole number of 64 bits, such as a seed.
   *
   * @param key the key
   * @param others what else would be allowed, for messages
   * @return the number; empty where the key is missing or its value is null
   * @throws KerasException if the value is something else
   */
  public OptionalLong wholeNumber(String key, String... others) {
    JsonNode value = json(key);
    if (value.isNull()) {
      return OptionalLong.empty();
    }
    OptionalLong whole = whole(plain(value));
    if (whole.isEmpty()) {
      throw invalid(
          key,
          value,
          Stream.concat(Stream.of("null", "an integer"), Stream.of(others)).toArray(String[]::new));
    }
    return whole;
  }

  /** Python's numbers that are whole may be written as such, 3, or as NumPy does, 3.0. */
  private static OptionalLong whole(JsonNode value) {
    if (!value.isNumber() || !Double.isFinite(value.doubleValue())) {
      return OptionalLong.empty();
    }
    try {
      return OptionalLong.of(value.decimalValue().longValueExact());
    } catch (ArithmeticException e) { // It has a fraction, or more than 64 bits.
      return OptionalLong.empty();
    }
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
   * A number, or numbers in lists of any depth, as of a NumPy array.
   *
   * @param key the key
   * @return the numbers with their shape; of no dimension if it is one number
   * @throws KerasException if the key is missing, or the value is none or holds lists of different
   *     lengths
   */
  public NumberArray array(String key) {
    List<Double> values = new ArrayList<>();
    List<Long> shape = new ArrayList<>();
    collect(key, plain(json(key)), 0, shape, values);
    if (shape.stream().reduce(1L, Math::multiplyExact) != values.size()) {
      throw invalid(key, json(key), "lists of equal length");
    }
    return new NumberArray(
        shape.stream().mapToLong(size -> size).toArray(),
        values.stream().mapToDouble(value -> value).toArray());
  }

  private void collect(
      String key, JsonNode value, int depth, List<Long> shape, List<Double> values) {
    if (!value.isArray()) {
      if (depth < shape.size()) {
        throw invalid(key, json(key), "lists of equal depth");
      }
      values.add(number(key, value));
      return;
    }
    if (depth == shape.size() && values.isEmpty()) {
      shape.add((long) value.size());
    }
    if (depth >= shape.size() || shape.get(depth) != value.size()) {
      throw invalid(key, json(key), "lists of equal length");
    }
    for (int i = 0; i < value.size(); i++) {
      collect(key, plain(value.get(i)), depth + 1, shape, values);
    }
  }

  /**
   * A list of texts.
   *
   * @param key the key
   * @return the texts
   * @throws KerasException if the value is no such list
   */
  public List<String> texts(String key) {
    List<String> texts = new ArrayList<>();
    for (JsonNode element : elements(key)) {
      if (!element.isTextual()) {
        throw invalid(key, json(key), "a list of strings");
      }
      texts.add(element.textValue());
    }
    return texts;
  }

  /**
   * The sizes of a shape, of which some may be open.
   *
   * @param key the key
   * @param least the least allowed size
   * @return the sizes; -1 where the list has null
   * @throws KerasException if the value is no list of such sizes and nulls
   */
  public long[] sizes(String key, int least) {
    return elements(key).stream()
        .mapToLong(element -> element.isNull() ? -1 : integer(key, element, least))
        .toArray();
  }

  /**
   * One of several words.
   *
   * @param key the key
   * @param defaultValue the value where the key is missing
   * @param words what each allowed word means
   * @param <T> what the words mean
   * @return what the word means
   * @throws KerasException if the value is none of the words
   */
  public <T> T choice(String key, T defaultValue, Map<String, T> words) {
    if (!has(key)) {
      return defaultValue;
    }
    T meaning = words.get(Json.text(json(key)));
    if (meaning == null) {
      throw invalid(
          key,
          json(key),
          new TreeSet<>(words.keySet()).stream().map(w -> '"' + w + '"').toArray(String[]::new));
    }
    return meaning;
  }

  /**
   * An object under a key.
   *
   * @param key the key
   * @return a reader of it, whose messages tell the key as well; of an empty object where the key
   *     is missing
   * @throws KerasException if the value is no object
   */
  public ConfigReader object(String key) {
    if (!has(key)) {
      return new ConfigReader(owner + ": " + key, JsonNodeFactory.instance.objectNode());
    }
    if (!(json(key) instanceof ObjectNode object)) {
      throw invalid(key, json(key), "an object {…}");
    }
    return new ConfigReader(owner + ": " + key, object);
  }

  /**
   * The objects of a list.
   *
   * @param key the key
   * @return a reader of each, whose messages tell the key and the place in the list
   * @throws KerasException if the value is no list of objects
   */
  public List<ConfigReader> objects(String key) {
    List<ConfigReader> readers = new ArrayList<>();
    for (JsonNode element : elements(key)) {
      if (!(element instanceof ObjectNode object)) {
        throw invalid(key, json(key), "a list of objects {…}");
      }
      readers.add(new ConfigReader("%s: %s[%d]".formatted(owner, key, readers.size()), object));
    }
    return readers;
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
    return switch (Json.text(value.path("class_name"))) {
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
