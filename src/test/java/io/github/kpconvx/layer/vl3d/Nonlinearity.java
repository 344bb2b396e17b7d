package io.github.kpconvx.layer.vl3d;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.kpconvx.keras.config.KerasObject;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.DoubleUnaryOperator;

/** Activations in the forms that a configuration holds, and what they are in double arithmetic. */
enum Nonlinearity {
  /** No entry at all. */
  DEFAULT(null, false, leaky(0.3)),
  LINEAR("null", true, x -> x),
  RELU("'relu'", false, leaky(0)),
  RELU_LAYER(layer("ReLU", "'negative_slope': 0.1"), false, leaky(0.1)),
  LEAKY_RELU("'leaky_relu'", false, leaky(0.2)),
  LEAKY_RELU_LAYER(layer("LeakyReLU", "'negative_slope': 0.05"), false, leaky(0.05)),
  KERAS_2_LEAKY_RELU("{'class_name': 'LeakyReLU', 'config': {'alpha': 0.4}}", false, leaky(0.4)),
  ELU("'elu'", false, x -> x > 0 ? x : Math.expm1(x)),
  TANH("'tanh'", true, Math::tanh),
  SIGMOID(layer("Activation", "'activation': 'sigmoid'"), true, Nonlinearity::logistic),
  SOFTPLUS("'softplus'", true, x -> Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))),
  SILU("'silu'", true, x -> x * logistic(x)),
  SOFTMAX(layer("Softmax", "'axis': -1"), true, null);

  private final String json;
  private final boolean smooth;

  @SuppressWarnings("ImmutableEnumChecker") // Each is a function without state.
  private final DoubleUnaryOperator function;

  Nonlinearity(String json, boolean smooth, DoubleUnaryOperator function) {
    this.json = json;
    this.smooth = smooth;
    this.function = function;
  }

  private static String layer(String className, String config) {
    return "{'module': 'keras.layers', 'class_name': '%s', 'config': {%s}, 'registered_name': null}"
        .formatted(className, config);
  }

  private static DoubleUnaryOperator leaky(double slope) {
    return x -> x > 0 ? x : slope * x;
  }

  static double logistic(double x) {
    return 1 / (1 + Math.exp(-x));
  }

  /** What stands under {@code activation}; nothing where the key is missing. */
  Optional<JsonNode> json() {
    return Optional.ofNullable(json).map(text -> KerasObject.parseJson(text.replace('\'', '"')));
  }

  /** Whether it has a derivative everywhere. */
  boolean isSmooth() {
    return smooth;
  }

  /** Whether each channel counts for itself. */
  boolean isElementwise() {
    return function != null;
  }

  /** The channels of a point after the activation. */
  double[] of(double[] channels) {
    if (function != null) {
      return Arrays.stream(channels).map(function).toArray();
    }
    double most = Arrays.stream(channels).max().orElse(0);
    double[] powers = Arrays.stream(channels).map(x -> Math.exp(x - most)).toArray();
    double sum = Arrays.stream(powers).sum();
    return Arrays.stream(powers).map(power -> power / sum).toArray();
  }

  /** A bound on how much a difference of inputs can grow: that of silu, the steepest. */
  double steepness() {
    return 1.1;
  }
}
