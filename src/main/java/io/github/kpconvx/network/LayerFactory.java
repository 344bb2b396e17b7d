package io.github.kpconvx.network;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.Layer;
import java.util.Set;

/**
 * Makes layers or operations of a class from their serialized form.
 *
 * <p>Given to {@link LayerRegistry#with}, or found by {@link java.util.ServiceLoader}: a class with
 * a public constructor without arguments that {@code
 * META-INF/services/io.github.kpconvx.network.LayerFactory} names, and that tells its {@link
 * #names}. Must be safe for use by many threads.
 */
@FunctionalInterface
public interface LayerFactory {
  /**
   * Makes the layer.
   *
   * @param object the serialized layer
   * @return the layer, yet to be built
   * @throws KerasException if its configuration is not allowed
   */
  Layer create(KerasObject object);

  /**
   * The classes that it is for; needed of one that is found as a service.
   *
   * @return names as {@link LayerRegistry#with} takes them; none, unless the factory tells some
   */
  default Set<String> names() {
    return Set.of();
  }
}
