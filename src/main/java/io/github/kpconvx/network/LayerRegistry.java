package io.github.kpconvx.network;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.Layer;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.TreeMap;

/**
 * The layers that a network may be made of, by Keras class name. Immutable: {@link #with} and
 * {@link #withBuiltIn} give a new registry.
 *
 * <pre>{@code
 * LayerRegistry registry = StandardLayers.registry().with("my_package>MyLayer", MyLayer::new);
 * }</pre>
 */
public final class LayerRegistry {
  private final Map<String, LayerFactory> builtIn;
  private final Map<String, LayerFactory> operations;
  private final Map<String, LayerFactory> custom;

  private LayerRegistry(
      Map<String, LayerFactory> builtIn,
      Map<String, LayerFactory> operations,
      Map<String, LayerFactory> custom) {
    this.builtIn = builtIn;
    this.operations = operations;
    this.custom = custom;
  }

  /**
   * A registry that knows no layer.
   *
   * @return the registry
   */
  public static LayerRegistry empty() {
    return new LayerRegistry(Map.of(), Map.of(), Map.of());
  }

  /**
   * Adds one of Keras's own layers, or replaces one.
   *
   * @param name its class name
   * @param factory makes it
   * @return a registry that has it
   */
  public LayerRegistry withBuiltIn(String name, LayerFactory factory) {
    Map<String, LayerFactory> more = new TreeMap<>(builtIn);
    more.put(name, factory);
    return new LayerRegistry(more, operations, custom);
  }

  /**
   * Adds operations of functional models, which have names of their own: {@code Add} is a layer and
   * an operation.
   *
   * @param names what {@link KerasObject#operationName} gives for them
   * @param factory makes them
   * @return a registry that has them
   */
  public LayerRegistry withOperations(Collection<String> names, LayerFactory factory) {
    Map<String, LayerFactory> more = new TreeMap<>(operations);
    names.forEach(name -> more.put(name, factory));
    return new LayerRegistry(builtIn, more, custom);
  }

  /**
   * Adds a layer that is not Keras's own, or replaces one.
   *
   * @param name its class name, which stands for that class in any Python module, or its registered
   *     name, {@code package>ClassName}, which stands for that one only
   * @param factory makes it
   * @return a registry that has it
   */
  public LayerRegistry with(String name, LayerFactory factory) {
    Map<String, LayerFactory> more = new TreeMap<>(custom);
    more.put(name, factory);
    return new LayerRegistry(builtIn, operations, more);
  }

  /**
   * Adds the layers whose factories {@link ServiceLoader} finds, or replaces some with them.
   *
   * @param loader where it looks
   * @return a registry that has them
   * @throws KerasException if one cannot be made or names no class, or two name the same
   */
  public LayerRegistry withProviders(ClassLoader loader) {
    Map<String, LayerFactory> found = new TreeMap<>();
    try {
      for (LayerFactory factory : ServiceLoader.load(LayerFactory.class, loader)) {
        String provider = factory.getClass().getName();
        if (factory.names().isEmpty()) {
          throw new KerasException(
              "The layer factory %s names no class that it is for, expected names() to tell some"
                  .formatted(provider));
        }
        for (String name : factory.names()) {
          LayerFactory other = found.put(name, factory);
          if (other != null) {
            throw new KerasException(
                "The layer factories %s and %s are both for %s, expected one; give the one that is meant to the loader"
                    .formatted(other.getClass().getName(), provider, name));
          }
        }
      }
    } catch (ServiceConfigurationError e) {
      throw new KerasException("A layer factory cannot be made: " + e.getMessage(), e);
    }
    Map<String, LayerFactory> more = new TreeMap<>(custom);
    more.putAll(found);
    return new LayerRegistry(builtIn, operations, more);
  }

  /**
   * The class names of Keras's own layers that it has.
   *
   * @return the names, sorted
   */
  public Set<String> builtIn() {
    return Collections.unmodifiableSet(builtIn.keySet());
  }

  /**
   * The operations of functional models that it has.
   *
   * @return what {@link KerasObject#operationName} gives for them, sorted
   */
  public Set<String> operations() {
    return Collections.unmodifiableSet(operations.keySet());
  }

  /**
   * The layers that it has and that are not Keras's own.
   *
   * @return their class names or registered names, sorted
   */
  public Set<String> custom() {
    return Collections.unmodifiableSet(custom.keySet());
  }

  /**
   * Makes a layer.
   *
   * @param object the serialized layer
   * @return the layer, yet to be built
   * @throws UnsupportedModelException if its class is unknown
   * @throws KerasException if its configuration is not allowed
   */
  public Layer create(KerasObject object) {
    return factory(object)
        .orElseThrow(() -> new UnsupportedModelException(List.of(UnsupportedLayer.unknown(object))))
        .create(object);
  }

  /** Whether an object is one of Keras's own layers, which no layer of one's own stands for. */
  boolean isKeras(KerasObject object) {
    return object.isBuiltIn()
        && builtIn.containsKey(object.className())
        && !custom.containsKey(object.className());
  }

  private Optional<LayerFactory> factory(KerasObject object) {
    if (object.isOperation()) {
      String name = object.operationName().orElseThrow();
      return Optional.ofNullable(operations.getOrDefault(name, custom.get(name)));
    }
    LayerFactory factory =
        object.registeredName().map(custom::get).orElse(custom.get(object.className()));
    // Somebody's own layer may be called Dense; it is not Keras's.
    if (factory == null && object.isBuiltIn()) {
      factory = builtIn.get(object.className());
    }
    return Optional.ofNullable(factory);
  }
}
