package io.github.kpconvx.layer.operation;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.Argument;
import io.github.kpconvx.layer.Arguments;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.tensorflow.Operand;

/**
 * The parameters of an operation with their defaults, written as in Python: {@code x, axis=None,
 * keepdims=False}. Defaults are JSON but for None, False and True. One may be {@code *xs}, which
 * takes all arguments without a name that are left.
 *
 * <p>Where an operation names a parameter otherwise than the function that computes it, {@code
 * input_tensor>x} tells both.
 */
final class Signature {
  private record Parameter(String name, String meaning, boolean all, JsonNode otherwise) {}

  private final List<Parameter> parameters;

  private Signature(List<Parameter> parameters) {
    this.parameters = parameters;
  }

  static Signature of(String text) {
    List<Parameter> parameters = new ArrayList<>();
    for (String part : text.split(", ", -1)) {
      String[] sides = part.split("=", 2);
      String[] names = sides[0].replace("*", "").split(">", 2);
      JsonNode otherwise =
          sides.length < 2
              ? null
              : KerasObject.parseJson(
                  switch (sides[1]) {
                    case "None" -> "null";
                    case "False" -> "false";
                    case "True" -> "true";
                    default -> sides[1];
                  });
      parameters.add(
          new Parameter(names[0], names[names.length - 1], part.startsWith("*"), otherwise));
    }
    return new Signature(List.copyOf(parameters));
  }

  Set<String> names() {
    return parameters.stream().map(Parameter::name).collect(Collectors.toSet());
  }

  /**
   * Gives each parameter its argument, as Python does.
   *
   * @param owner the operation, for messages
   * @param config arguments that Keras keeps in the operation's configuration
   * @param given those of the call
   * @return an argument for each parameter, by its meaning
   * @throws KerasException if one is missing, given twice or unknown
   */
  Map<String, Argument<Operand<?>>> bind(
      String owner, Map<String, JsonNode> config, Arguments<Operand<?>> given) {
    Map<String, Argument<Operand<?>>> named = new LinkedHashMap<>(given.keywords());
    config.forEach((key, value) -> putOnce(owner, named, key, new Argument.Constant<>(value)));
    Deque<Argument<Operand<?>>> positional = new ArrayDeque<>(given.positional());
    Map<String, Argument<Operand<?>>> bound = new LinkedHashMap<>();
    for (Parameter parameter : parameters) {
      Argument<Operand<?>> argument = named.remove(parameter.name());
      if (parameter.all()) {
        argument = new Argument.Items<>(List.copyOf(positional));
        positional.clear();
      } else if (argument == null && !positional.isEmpty()) {
        argument = positional.pop();
      } else if (argument == null && parameter.otherwise() != null) {
        argument = new Argument.Constant<>(parameter.otherwise());
      } else if (argument == null) {
        throw new KerasException(
            "%s: its argument %s is missing; it takes %s".formatted(owner, parameter.name(), this));
      }
      bound.put(parameter.meaning(), argument);
    }
    if (!positional.isEmpty()) {
      throw new KerasException(
          "%s: %d arguments too many; it takes %s".formatted(owner, positional.size(), this));
    }
    named.forEach(
        (key, argument) -> {
          if (!argument.isUnset()) {
            throw new KerasException(
                "%s: unknown argument \"%s\"; it takes %s".formatted(owner, key, this));
          }
        });
    return bound;
  }

  private static void putOnce(
      String owner,
      Map<String, Argument<Operand<?>>> named,
      String key,
      Argument<Operand<?>> argument) {
    if (named.put(key, argument) != null) {
      throw new KerasException(
          owner + ": " + key + " is given twice, in its configuration and in its call");
    }
  }

  /** The parameters as in Python, by the names that the operation gives them. */
  @Override
  public String toString() {
    return parameters.stream()
        .map(
            parameter ->
                (parameter.all() ? "*" : "")
                    + parameter.name()
                    + (parameter.otherwise() == null ? "" : "=" + parameter.otherwise()))
        .collect(Collectors.joining(", ", "(", ")"));
  }
}
