package io.github.kpconvx.layer.operation;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.Argument;
import io.github.kpconvx.layer.Arguments;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.LayerCall;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;

/**
 * An operation of a functional model that is no layer: one of {@code keras.ops}, or in a model of
 * Keras 2 a function of TensorFlow (classes {@code TFOpLambda} and {@code SlicingOpLambda}).
 *
 * <p>Shapes, axes and types are checked when it is called; an error names the operation, what it
 * found and what it expected.
 *
 * @see <a href="https://keras.io/api/ops/">Operations in Keras</a>
 */
final class Operation extends Layer {
  /** What the configuration of an operation has that is no argument. */
  private static final Set<String> OF_EVERY_OPERATION = Set.of("name", "trainable", "function");

  private final Operations.Definition definition;
  private final Map<String, JsonNode> config = new LinkedHashMap<>();

  Operation(KerasObject object, Operations.Definition definition) {
    super(object);
    this.definition = definition;
    object
        .configJson()
        .properties()
        .forEach(
            entry -> {
              if (isArgument(entry.getKey())) {
                config.put(entry.getKey(), entry.getValue());
              }
            });
    config.forEach(
        (key, value) -> {
          if (!definition.signature().names().contains(key)) {
            throw new KerasException(
                "%s: unknown configuration key \"%s\"; it takes %s"
                    .formatted(object.describe(), key, definition.signature()));
          }
        });
  }

  /** In a model of Keras 2 dtype is the layer's policy, which tells nothing of the function. */
  private boolean isArgument(String key) {
    return !OF_EVERY_OPERATION.contains(key) && !(definition.isTensorFlow() && key.equals("dtype"));
  }

  @Override
  protected Set<String> keywords() {
    Set<String> names = new HashSet<>(definition.signature().names());
    names.add("name");
    return names;
  }

  @Override
  protected boolean takesConstants() {
    return true;
  }

  /** It is no layer in Keras, and in Keras 2 one whose autocast is off. */
  @Override
  protected boolean castsInputs() {
    return false;
  }

  @Override
  protected void createWeights(Ops tf, List<Shape> inputs) {}

  @Override
  protected List<Operand<?>> compute(Ops tf, LayerCall call) {
    Map<String, Argument<Operand<?>>> keywords = new LinkedHashMap<>(call.arguments().keywords());
    if (!definition.signature().names().contains("name")) {
      keywords.remove("name");
    }
    String owner = serialize().describe();
    return List.copyOf(
        definition
            .function()
            .apply(
                tf,
                new BoundArguments(
                    owner,
                    tf,
                    definition.isTensorFlow(),
                    call.context(),
                    definition
                        .signature()
                        .bind(
                            owner,
                            config,
                            new Arguments<>(call.arguments().positional(), keywords)))));
  }
}
