package io.github.kpconvx.layer.function;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.keras.config.Json;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.weights.ClassNames;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;

/**
 * Keras's own objects of one kind, such as its initializers, by every name that Keras 2 or Keras 3
 * reads.
 *
 * <p>A serialized object may be a bare name, which stands for default arguments, a Keras 3 object
 * or a Keras 2 object.
 *
 * @param <T> what the objects are in Java
 */
final class ObjectRegistry<T> {
  private final String kind;
  private final Map<String, Function<ConfigReader, T>> factories = new TreeMap<>();
  private final Map<String, String> aliases = new TreeMap<>();
  private final Map<String, String> refusals = new TreeMap<>();
  private final Map<String, Function<ConfigReader, T>> others = new TreeMap<>();

  /** An empty registry of what messages call by a kind, such as "initializer". */
  ObjectRegistry(String kind) {
    this.kind = kind;
  }

  /** Adds an object under a name. */
  ObjectRegistry<T> add(String name, Function<ConfigReader, T> factory) {
    factories.put(name, factory);
    return this;
  }

  /** Adds a class under its name, that name in snake case, and any further ones. */
  ObjectRegistry<T> addClass(
      String className, Function<ConfigReader, T> factory, String... others) {
    aliases.put(ClassNames.toSnakeCase(className), className);
    for (String alias : others) {
      aliases.put(alias, className);
    }
    return add(className, factory);
  }

  /** Adds a class that is not Keras's own, under its name in whichever Python module. */
  ObjectRegistry<T> addOther(String className, Function<ConfigReader, T> factory) {
    others.put(className, factory);
    return this;
  }

  /** The names of what was added, in alphabetical order; capital letters come first. */
  Set<String> names() {
    Set<String> names = new TreeSet<>(factories.keySet());
    names.addAll(others.keySet());
    return Collections.unmodifiableSet(names);
  }

  /** Tells of a name that Keras knows why it cannot be used here. */
  ObjectRegistry<T> refuse(String name, String reason) {
    refusals.put(name, reason);
    return this;
  }

  /**
   * Reads a serialized object that stands under a key of another one.
   *
   * @throws KerasException if it is unknown or an argument is not allowed
   */
  T read(String owner, String key, JsonNode value) {
    Optional<KerasObject> serialized =
        Optional.of(value).filter(KerasObject::isKerasObject).map(KerasObject::of);
    Optional<Function<ConfigReader, T>> other =
        serialized.map(KerasObject::className).map(others::get);
    if (other.isPresent()) {
      KerasObject object = serialized.get();
      return other
          .get()
          .apply(
              ConfigReader.of(
                  "%s: %s %s".formatted(owner, key, object.className()), object.configJson()));
    }
    Optional<KerasObject> object = serialized.filter(KerasObject::isBuiltIn);
    String name = object.map(KerasObject::className).orElse(Json.text(value));
    ObjectNode config =
        object.map(KerasObject::configJson).orElseGet(JsonNodeFactory.instance::objectNode);
    return factory(owner, key, name, value)
        .apply(ConfigReader.of("%s: %s %s".formatted(owner, key, name), config));
  }

  /**
   * Reads a serialized object that stands by itself.
   *
   * @throws KerasException if it is unknown or an argument is not allowed
   */
  T read(KerasObject object) {
    return factory(object.describe(), kind, object.className(), object.json())
        .apply(object.config());
  }

  private Function<ConfigReader, T> factory(String owner, String key, String name, JsonNode value) {
    if (refusals.containsKey(name)) {
      throw new KerasException("%s: %s %s %s".formatted(owner, key, name, refusals.get(name)));
    }
    Function<ConfigReader, T> factory = factories.get(aliases.getOrDefault(name, name));
    if (factory == null) {
      throw new KerasException(
          "%s: unknown %s %s; known %ss are %s"
              .formatted(
                  owner, key, KerasObject.abbreviate(value), kind, String.join(", ", names())));
    }
    return factory;
  }
}
