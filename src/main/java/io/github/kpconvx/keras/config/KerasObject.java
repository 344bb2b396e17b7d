package io.github.kpconvx.keras.config;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.keras.KerasException;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A serialized Keras object: what {@code keras.saving.serialize_keras_object} writes for a layer, a
 * model, an initializer and the like.
 *
 * <p>Keras 3 writes {@code module}, {@code class_name}, {@code config} and {@code registered_name};
 * Keras 2 writes {@code class_name} and {@code config} alone. Both are read, and what was read is
 * written back unchanged. Immutable.
 *
 * @see <a href="https://keras.io/api/models/model_saving_apis/serialization_utils/">Keras
 *     serialization utilities</a>
 */
public final class KerasObject {
  /** The key under which Keras 2 tells its version beside a model's configuration. */
  public static final String KERAS_VERSION = "keras_version";

  /** What the versions of Keras 2 begin with. */
  public static final String KERAS_2 = "2.";

  private static final Pattern KERAS_3 = Pattern.compile("3\\.(\\d{1,6})\\..*");

  /** The modules of Keras 3's operations. */
  private static final Pattern OPERATIONS =
      Pattern.compile("keras\\.(src\\.)?(ops|activations)(\\.|$)");

  /** The classes under which Keras 2 keeps functions of TensorFlow. */
  private static final Set<String> OF_TENSORFLOW =
      Set.of("TFOpLambda", "SlicingOpLambda", "InstanceMethod", "ClassMethod");

  private final ObjectNode json;

  /** Empty if nobody says. */
  private final String version;

  private KerasObject(ObjectNode json, String version) {
    this.json = json;
    this.version = version;
  }

  /**
   * Parses the JSON text of an object.
   *
   * @param json the text, such as that of {@code model.to_json()}
   * @return the object
   * @throws KerasException if the text is no JSON or no serialized Keras object
   */
  public static KerasObject parse(String json) {
    return of(parseJson(json));
  }

  /**
   * Takes an object from parsed JSON, of which it keeps a copy.
   *
   * @param node a JSON object with {@code class_name} and {@code config}
   * @return the object
   * @throws KerasException if the node is no serialized Keras object
   */
  public static KerasObject of(JsonNode node) {
    if (!isKerasObject(node)) {
      throw new KerasException(
          "Expected a serialized Keras object, {\"class_name\": …, \"config\": {…}}, found "
              + abbreviate(node));
    }
    return new KerasObject(node.deepCopy(), Json.text(node.path(KERAS_VERSION)));
  }

  /**
   * Makes an object of a given class, as Keras 3 writes it.
   *
   * @param module the Python module that Keras imports the class from
   * @param className the class
   * @param registeredName the name it is registered under, or null
   * @param config its configuration, of which a copy is kept
   * @return the object
   */
  public static KerasObject of(
      String module, String className, String registeredName, ObjectNode config) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("module", Objects.requireNonNull(module, "module"));
    json.put("class_name", Objects.requireNonNull(className, "className"));
    json.set("config", config.deepCopy());
    json.put("registered_name", registeredName);
    return new KerasObject(json, "");
  }

  /**
   * Parses any JSON text.
   *
   * @param json the text
   * @return the parsed JSON
   * @throws KerasException if the text is no JSON
   */
  public static JsonNode parseJson(String json) {
    return Json.value(json.getBytes(StandardCharsets.UTF_8), "The text");
  }

  /**
   * Whether a JSON node has the form of a serialized object.
   *
   * @param node any node, or null
   * @return true if it has a {@code class_name} and a {@code config} object
   */
  public static boolean isKerasObject(JsonNode node) {
    return node != null && node.path("class_name").isTextual() && node.path("config").isObject();
  }

  /**
   * The class name, without package or module.
   *
   * @return the name, such as {@code Dense}
   */
  public String className() {
    String name = json.get("class_name").textValue();
    return name.substring(name.lastIndexOf('>') + 1);
  }

  /**
   * The Python module of the class; Keras 2 objects have none.
   *
   * @return the module, such as {@code keras.layers}
   */
  public Optional<String> module() {
    return Optional.ofNullable(json.path("module").textValue());
  }

  /**
   * The name the class is registered under, such as {@code package>ClassName}. Keras 2 may write it
   * in place of the class name.
   *
   * @return the name, if there is one
   */
  public Optional<String> registeredName() {
    String name = json.get("class_name").textValue();
    return name.contains(">")
        ? Optional.of(name)
        : Optional.ofNullable(json.path("registered_name").textValue());
  }

  /**
   * Whether this is one of Keras's own classes, not one of somebody else's that happens to have the
   * same name.
   *
   * @return true for objects of Keras's modules and for Keras 2 objects without a module or package
   */
  public boolean isBuiltIn() {
    String module = module().orElse("keras");
    return (module.equals("keras") || module.startsWith("keras.") || module.startsWith("tf_keras"))
        && !registeredName().orElse("").contains(">");
  }

  /**
   * Whether this is an operation of a functional model, not a layer, which may have the same class
   * name.
   *
   * @return true for those of {@code keras.ops}, and in a model of Keras 2 for functions of
   *     TensorFlow
   */
  public boolean isOperation() {
    return operationName().isPresent();
  }

  /**
   * The name of an operation of a functional model.
   *
   * @return its class name, such as {@code TakeAlongAxis}, or for a function of TensorFlow in a
   *     model of Keras 2 its place, such as {@code tf.math.reduce_max}; nothing for layers
   */
  public Optional<String> operationName() {
    if (!isBuiltIn()) {
      return Optional.empty();
    }
    if (OF_TENSORFLOW.contains(className())) {
      return Optional.of("tf." + Json.text(json.path("config").path("function")));
    }
    String module = module().orElse("");
    return OPERATIONS.matcher(module).lookingAt() ? Optional.of(className()) : Optional.empty();
  }

  /**
   * An object that is part of this one, written by the same version of Keras.
   *
   * @param node a JSON object with {@code class_name} and {@code config}
   * @return the object
   * @throws KerasException if the node is no serialized Keras object
   */
  public KerasObject part(JsonNode node) {
    return new KerasObject(of(node).json, version);
  }

  /**
   * The same object, where its file tells which version of Keras wrote it. Keras 2 keeps its
   * version in the configuration too.
   *
   * @param kerasVersion the version, such as {@code 3.6.0}
   * @return the object, whose parts know the version too
   */
  public KerasObject writtenBy(String kerasVersion) {
    ObjectNode written = json;
    if (kerasVersion.startsWith(KERAS_2)) {
      written = json.deepCopy();
      written.put(KERAS_VERSION, kerasVersion);
    }
    return new KerasObject(written, kerasVersion);
  }

  /**
   * The version of Keras that wrote it.
   *
   * @return the version, if anybody says
   */
  public Optional<String> kerasVersion() {
    return Optional.of(version).filter(text -> !text.isEmpty());
  }

  /**
   * Whether a Keras 3 before some version wrote it.
   *
   * @param minor the second number of that version, such as 14 for 3.14
   * @return true if it says so; false if nobody says
   */
  public boolean isOfKeras3Before(int minor) {
    Matcher matcher = KERAS_3.matcher(version);
    return matcher.matches() && Integer.parseInt(matcher.group(1)) < minor;
  }

  /**
   * Whether Keras 2 wrote it: its file says so or, where nobody says, it names no module.
   *
   * @return true for objects of Keras 2
   */
  public boolean isOfKeras2() {
    return version.isEmpty() ? module().isEmpty() : version.startsWith(KERAS_2);
  }

  /**
   * A reader of the configuration that knows whose it is. Words of Keras 2 that mean something else
   * in Keras 3 it gives as what they mean.
   *
   * @return a reader over a copy of the configuration
   */
  public ConfigReader config() {
    ObjectNode config = configJson();
    if (isOfKeras2()) {
      Keras2Config.clarify(config);
    }
    return new ConfigReader(describe(), config);
  }

  /**
   * The configuration.
   *
   * @return a copy of it
   */
  public ObjectNode configJson() {
    return ((ObjectNode) json.get("config")).deepCopy();
  }

  /**
   * The whole object.
   *
   * @return a copy of it
   */
  public ObjectNode json() {
    return json.deepCopy();
  }

  /**
   * Class and name for messages.
   *
   * @return for example {@code Dense "head"}
   */
  public String describe() {
    JsonNode configured = json.get("config").path("name");
    // Keras 3.6 leaves the name out of the configuration of an operation with arguments.
    JsonNode name = configured.isTextual() ? configured : json.path("name");
    return name.isTextual() ? className() + " \"" + name.textValue() + "\"" : className();
  }

  /**
   * The beginning of a JSON text, for messages.
   *
   * @param node any node
   * @return its text, cut where it is long
   */
  public static String abbreviate(JsonNode node) {
    String text = String.valueOf(node);
    return text.length() <= 120 ? text : text.substring(0, 117) + "…";
  }

  /**
   * The object as JSON text.
   *
   * @return the text
   */
  @Override
  public String toString() {
    return json.toString();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof KerasObject that && json.equals(that.json);
  }

  @Override
  public int hashCode() {
    return json.hashCode();
  }
}
