package io.github.kpconvx.layer;

import com.fasterxml.jackson.databind.node.TextNode;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.function.Constraint;
import io.github.kpconvx.layer.function.Initializer;
import io.github.kpconvx.layer.function.Regularizer;
import java.util.Objects;
import java.util.Optional;

/**
 * How a weight starts, what its size costs and what it is kept to while it is trained. Immutable.
 *
 * @param initializer makes its first value
 * @param regularizer the penalty on it, if there is one
 * @param constraint what it is projected onto after each step, if there is anything
 */
public record WeightRules(
    Initializer initializer, Optional<Regularizer> regularizer, Optional<Constraint> constraint) {

  public WeightRules {
    Objects.requireNonNull(initializer, "initializer");
    Objects.requireNonNull(regularizer, "regularizer");
    Objects.requireNonNull(constraint, "constraint");
  }

  /**
   * A weight without penalty or constraint.
   *
   * @param initializer makes its first value
   * @return the rules
   */
  public static WeightRules startingAt(Initializer initializer) {
    return new WeightRules(initializer, Optional.empty(), Optional.empty());
  }

  /**
   * Reads {@code …initializer}, {@code …regularizer} and {@code …constraint} of a layer.
   *
   * @param object the serialized layer
   * @param prefix what the three keys begin with, such as {@code kernel_}; may be empty
   * @param ifNull the name of the initializer where none is given, such as {@code zeros}
   * @return the rules
   * @throws KerasException if one of them is unknown or has an argument that is not allowed
   */
  public static WeightRules of(KerasObject object, String prefix, String ifNull) {
    ConfigReader config = object.config();
    String owner = object.describe();
    String initializer = prefix + "initializer";
    String regularizer = prefix + "regularizer";
    String constraint = prefix + "constraint";
    return new WeightRules(
        Initializer.of(
            owner,
            initializer,
            config.json(initializer),
            Initializer.of(owner, initializer, TextNode.valueOf(ifNull), null)),
        Regularizer.of(owner, regularizer, config.json(regularizer)),
        Constraint.of(owner, constraint, config.json(constraint)));
  }
}
