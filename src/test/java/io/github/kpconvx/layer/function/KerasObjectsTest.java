package io.github.kpconvx.layer.function;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.kpconvx.GoldenObject;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.layer.Gradients;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/** Compares each object, in each of its forms, with what three versions of Keras computed. */
class KerasObjectsTest {
  /** What Keras knows and this project refuses, saying why. */
  private static final Set<String> REFUSED =
      Set.of(
          "threshold", "STFT", "STFTInitializer", "stft", "RadialConstraint", "radial_constraint");

  static Stream<GoldenObject> activations() {
    return GoldenObject.cases("activations");
  }

  static Stream<GoldenObject> regularizers() {
    return GoldenObject.cases("regularizers");
  }

  static Stream<GoldenObject> constraints() {
    return GoldenObject.cases("constraints");
  }

  static Stream<GoldenObject> initializers() {
    return GoldenObject.cases("initializers");
  }

  @ParameterizedTest
  @MethodSource("activations")
  void activation(GoldenObject golden) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat32> x = golden.constant(tf, "x");
      Activation activation = Activation.of("Owner", "activation", golden.form());
      Operand<TFloat32> y = activation.apply(tf, x);
      Operand<TFloat32> products = tf.math.mul(y, golden.constant(tf, "dy"));
      Operand<TFloat32> loss = tf.reduceSum(tf.reshape(products, tf.array(-1)), tf.constant(0));
      Operand<TFloat32> dx = Gradients.of(tf, loss, List.of(x)).get(0);
      golden.assertEqual(graph, Map.of("y", y, "dx", dx));
      assertEquals(activation.keepsShape(), golden.array("x").size() == golden.array("y").size());
    }
  }

  @ParameterizedTest
  @MethodSource("regularizers")
  void regularizer(GoldenObject golden) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat32> weight = tf.identity(golden.constant(tf, "weight"));
      Operand<TFloat32> penalty =
          Regularizer.of("Owner", "regularizer", golden.form()).orElseThrow().call(tf, weight);
      assertEquals(Shape.scalar(), penalty.shape());
      Operand<TFloat32> gradient = Gradients.of(tf, penalty, List.of(weight)).get(0);
      golden.assertEqual(graph, Map.of("penalty", penalty, "gradient", gradient));
    }
  }

  @ParameterizedTest
  @MethodSource("constraints")
  void constraint(GoldenObject golden) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat32> projection =
          Constraint.of("Owner", "constraint", golden.form())
              .orElseThrow()
              .call(tf, golden.constant(tf, "weight"));
      golden.assertEqual(graph, Map.of("projection", projection));
    }
  }

  @ParameterizedTest
  @MethodSource("initializers")
  void initializer(GoldenObject golden) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Initializer initializer =
          Initializer.of("Owner", "initializer", golden.form(), (ops, shape, seed) -> null);
      long[] dimensions =
          StreamSupport.stream(golden.json().get("shape").spliterator(), false)
              .mapToLong(JsonNode::longValue)
              .toArray();
      long seed = golden.json().get("seed").longValue();
      Operand<TFloat32> first = initializer.call(tf, Shape.of(dimensions), seed);
      Operand<TFloat32> second = initializer.call(tf, Shape.of(dimensions), seed);
      assertEquals(Shape.of(dimensions), first.shape());
      golden.assertEqual(graph, Map.of("value", tf.stack(List.of(first, second))));
    }
  }

  @ParameterizedTest
  @FieldSource("io.github.kpconvx.GoldenObject#VERSIONS")
  void readsEveryNameThatKerasReads(String version) {
    int names = 0;
    for (String kind : List.of("activations", "regularizers", "constraints", "initializers")) {
      for (JsonNode name : GoldenObject.description(version).get("names").get(kind)) {
        if (REFUSED.contains(name.textValue())) {
          KerasException error =
              assertThrows(KerasException.class, () -> read(kind, name), name.textValue());
          assertTrue(error.getMessage().startsWith("Owner: key " + name.textValue()));
        } else {
          read(kind, name);
          names++;
        }
      }
    }
    assertTrue(names > 60, "only " + names + " names");
  }

  private static void read(String kind, JsonNode value) {
    Object object =
        switch (kind) {
          case "activations" -> Activation.of("Owner", "key", value);
          case "regularizers" -> Regularizer.of("Owner", "key", value).orElse(null);
          case "constraints" -> Constraint.of("Owner", "key", value).orElse(null);
          default -> Initializer.of("Owner", "key", value, null);
        };
    assertNotNull(object, value.toString());
  }
}
