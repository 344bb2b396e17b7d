package io.github.kpconvx.network;

import io.github.kpconvx.keras.config.KerasObject;

/**
 * A layer or operation of a model that cannot be rebuilt.
 *
 * @param path where it stands: its name, after those of the models that it is nested in, as in
 *     {@code encoder/pool}; empty for what is no part of a model
 * @param object the serialized layer
 * @param isKnown whether there is a layer of its class, though not for its configuration or call
 * @param reason what keeps it from being rebuilt, and what it would need
 */
public record UnsupportedLayer(String path, KerasObject object, boolean isKnown, String reason) {
  private static final String LAMBDA = "Lambda";

  /** A layer of a class that no factory is for. */
  static UnsupportedLayer unknown(KerasObject object) {
    String what = object.isOperation() ? "unknown operation" : "unknown layer";
    String need =
        object.isBuiltIn() && object.className().equals(LAMBDA)
            ? "it holds Python code, which is never run: it would need to be a layer or operation with a name in Python"
            : "it would need a factory registered as \"" + registeredAs(object) + "\"";
    return new UnsupportedLayer(
        "",
        object,
        false,
        what
            + " "
            + object.describe()
            + object.module().map(module -> " of module " + module).orElse("")
            + ", "
            + need);
  }

  /** A layer of a known class. */
  static UnsupportedLayer of(KerasObject object, String reason) {
    return new UnsupportedLayer("", object, true, reason);
  }

  private static String registeredAs(KerasObject object) {
    return object
        .operationName()
        .or(() -> object.registeredName().filter(name -> name.contains(">")))
        .orElse(object.className());
  }

  /**
   * Its name in the model that it is a layer of.
   *
   * @return the last part of the path
   */
  public String name() {
    return path.substring(path.lastIndexOf('/') + 1);
  }

  /**
   * The name that a factory for its class is registered under.
   *
   * @return what {@link LayerRegistry#with} takes
   */
  public String registeredAs() {
    return registeredAs(object);
  }

  /** The same layer as part of a model or layer. */
  UnsupportedLayer within(String name) {
    return new UnsupportedLayer(path.isEmpty() ? name : name + "/" + path, object, isKnown, reason);
  }

  /** Where it stands and why. */
  String describe() {
    return path.isEmpty() ? reason : path + ": " + reason;
  }
}
