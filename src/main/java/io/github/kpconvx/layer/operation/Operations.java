package io.github.kpconvx.layer.operation;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.Layer;
import java.util.Collections;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The operations that a functional model may have between its layers: those of {@code keras.ops},
 * by class name, and the functions of TensorFlow in models of Keras 2, as {@code
 * tf.math.reduce_max}.
 *
 * @see <a href="https://keras.io/api/ops/">Operations in Keras</a>
 */
public final class Operations {
  /** What the names of TensorFlow's functions begin with here. */
  private static final String TENSOR_FLOW = "tf.";

  private static final Map<String, Definition> KNOWN = new TreeMap<>();

  /**
   * An operation.
   *
   * @param isTensorFlow whether it is a function of TensorFlow
   * @param signature its parameters
   * @param function what it computes
   */
  record Definition(boolean isTensorFlow, Signature signature, Function function) {}

  static {
    Arithmetic.define();
    Reductions.define();
    Shaping.define();
    Indexing.define();
    LinearAlgebra.define();
    Sorting.define();
    NeuralNetwork.define();
    Rectifiers.define();
  }

  private Operations() {}

  /**
   * Makes an operation.
   *
   * @param object the serialized operation
   * @return the operation, as a layer without weights
   * @throws KerasException if it is unknown or an argument is
   */
  public static Layer create(KerasObject object) {
    Definition definition = KNOWN.get(name(object));
    if (definition == null) {
      throw new KerasException(
          "Unknown operation "
              + object.describe()
              + "; known operations are "
              + String.join(", ", names()));
    }
    return new Operation(object, definition);
  }

  /**
   * The names of all operations.
   *
   * @return class names of {@code keras.ops}, and {@code tf.…} for functions of TensorFlow, sorted
   */
  public static Set<String> names() {
    return Collections.unmodifiableSet(KNOWN.keySet());
  }

  /**
   * The names under which the same is computed: of Keras's operation, and of TensorFlow's functions
   * that differ in the names of their parameters.
   *
   * @param name one of {@link #names}
   * @return the names, sorted, that one among them
   */
  public static Set<String> kin(String name) {
    Function function = KNOWN.get(name).function();
    Set<String> same = new TreeSet<>();
    KNOWN.forEach(
        (other, definition) -> {
          if (definition.function() == function) {
            same.add(other);
          }
        });
    return same;
  }

  private static String name(KerasObject object) {
    return object.operationName().orElse("");
  }

  /** Adds one of Keras's operations, under the names of its class. */
  static void keras(String signature, Function function, String... classNames) {
    add(new Definition(false, Signature.of(signature), function), "", classNames);
  }

  /** Adds a function of TensorFlow, under its names in the module {@code tf}. */
  static void tensorFlow(String signature, Function function, String... names) {
    add(new Definition(true, Signature.of(signature), function), TENSOR_FLOW, names);
  }

  private static void add(Definition definition, String prefix, String... names) {
    for (String name : names) {
      if (KNOWN.put(prefix + name, definition) != null) {
        throw new IllegalStateException("Operation " + prefix + name + " is defined twice");
      }
    }
  }
}
