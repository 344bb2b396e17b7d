package io.github.kpconvx.layer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.kpconvx.Fixtures;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.KerasObject;
import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.numpy.NpzFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/** Compares each object, in each of its forms, with what three versions of Keras computed. */
class KerasObjectsTest {
  private static final Path DIRECTORY = Path.of("src/test/resources/io/github/kpconvx/layer");
  private static final float TOLERANCE = 1e-6f;

  /** Of gradients: TensorFlow's in C++ are the same functions as Python's, computed otherwise. */
  private static final float GRADIENT_TOLERANCE = 1e-5f;

  private static final Set<String> GRADIENTS = Set.of("dx", "gradient");

  /** What Keras knows and this project refuses, saying why. */
  private static final Set<String> REFUSED =
      Set.of(
          "threshold", "STFT", "STFTInitializer", "stft", "RadialConstraint", "radial_constraint");

  /** One case: a serialized object and what Keras made of it. */
  private record Golden(
      String version, String kind, int number, JsonNode json, Map<String, NpyArray> arrays) {
    NpyArray array(String name) {
      return arrays.get("%s/%d/%s".formatted(kind, number, name));
    }

    JsonNode form() {
      return json.get("form");
    }

    @Override
    public String toString() {
      return version + " " + json;
    }
  }

  private static JsonNode description(String version) {
    return KerasObject.parseJson(Fixtures.text(DIRECTORY.resolve("objects-" + version + ".json")));
  }

  private static Stream<Golden> cases(String kind) {
    List<Golden> cases = new ArrayList<>();
    for (String version : List.of("3.15.1", "3.6.0", "2.15.1")) {
      Map<String, NpyArray> arrays = NpzFile.read(DIRECTORY.resolve("objects-" + version + ".npz"));
      for (JsonNode json : description(version).get(kind).get("cases")) {
        int number = (int) cases.stream().filter(c -> c.version().equals(version)).count();
        cases.add(new Golden(version, kind, number, json, arrays));
      }
    }
    return cases.stream();
  }

  static Stream<Golden> activations() {
    return cases("activations");
  }

  static Stream<Golden> regularizers() {
    return cases("regularizers");
  }

  static Stream<Golden> constraints() {
    return cases("constraints");
  }

  static Stream<Golden> initializers() {
    return cases("initializers");
  }

  @ParameterizedTest
  @MethodSource("activations")
  void activation(Golden golden) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat32> x = constant(tf, golden.array("x"));
      Activation activation = Activation.of("Owner", "activation", golden.form());
      Operand<TFloat32> y = activation.apply(tf, x);
      Operand<TFloat32> dx = gradient(tf, tf.math.mul(y, constant(tf, golden.array("dy"))), x);
      Map<String, Operand<TFloat32>> found = new TreeMap<>(Map.of("y", y, "dx", dx));
      assertGolden(golden, graph, found);
      assertEquals(activation.keepsShape(), golden.array("x").size() == golden.array("y").size());
    }
  }

  @ParameterizedTest
  @MethodSource("regularizers")
  void regularizer(Golden golden) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat32> weight = tf.identity(constant(tf, golden.array("weight")));
      Operand<TFloat32> penalty =
          Regularizer.of("Owner", "regularizer", golden.form()).orElseThrow().call(tf, weight);
      assertEquals(Shape.scalar(), penalty.shape());
      // TensorFlow refuses to differentiate what does not depend on x, such as a penalty of 0.
      Operand<TFloat32> zero =
          tf.reduceSum(
              tf.math.mul(tf.constant(0f), weight),
              tf.range(tf.constant(0), tf.rank(weight), tf.constant(1)));
      Operand<TFloat32> gradient = gradient(tf, tf.math.add(penalty, zero), weight);
      assertGolden(golden, graph, Map.of("penalty", penalty, "gradient", gradient));
    }
  }

  @ParameterizedTest
  @MethodSource("constraints")
  void constraint(Golden golden) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat32> projection =
          Constraint.of("Owner", "constraint", golden.form())
              .orElseThrow()
              .call(tf, constant(tf, golden.array("weight")));
      assertGolden(golden, graph, Map.of("projection", projection));
    }
  }

  @ParameterizedTest
  @MethodSource("initializers")
  void initializer(Golden golden) {
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
      assertGolden(golden, graph, Map.of("value", tf.stack(List.of(first, second))));
    }
  }

  private static Operand<TFloat32> constant(Ops tf, NpyArray array) {
    return tf.constant(Shape.of(array.shape()), DataBuffers.of(array.toFloats()));
  }

  @SuppressWarnings("unchecked") // The gradient of a float32 is one.
  private static Operand<TFloat32> gradient(Ops tf, Operand<TFloat32> y, Operand<TFloat32> x) {
    return (Operand<TFloat32>) (Operand<?>) tf.gradients(y, List.of(x)).dy(0);
  }

  private static void assertGolden(
      Golden golden, Graph graph, Map<String, Operand<TFloat32>> operands) {
    try (Session session = new Session(graph)) {
      Session.Runner runner = session.runner();
      List<String> names = List.copyOf(operands.keySet());
      names.forEach(name -> runner.fetch(operands.get(name)));
      try (Result result = runner.run()) {
        for (int i = 0; i < names.size(); i++) {
          TFloat32 tensor = (TFloat32) result.get(i);
          NpyArray expected = golden.array(names.get(i));
          assertArrayEquals(expected.shape(), tensor.shape().asArray(), names.get(i));
          float[] found = new float[expected.size()];
          tensor.copyTo(DataBuffers.of(found));
          assertClose(
              golden + " " + names.get(i),
              expected.toFloats(),
              found,
              GRADIENTS.contains(names.get(i)) ? GRADIENT_TOLERANCE : TOLERANCE);
        }
      }
    }
  }

  /** Within a tolerance of 1 or of the value; infinities are equal. */
  private static void assertClose(String what, float[] expected, float[] found, float tolerance) {
    for (int i = 0; i < expected.length; i++) {
      if (expected[i] != found[i]) {
        float allowed = tolerance * Math.max(1, Math.abs(expected[i]));
        assertEquals(expected[i], found[i], allowed, what + " [" + i + "]");
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"3.15.1", "3.6.0", "2.15.1"})
  void readsEveryNameThatKerasReads(String version) {
    JsonNode description = description(version);
    int names = 0;
    for (String kind : List.of("activations", "regularizers", "constraints", "initializers")) {
      for (JsonNode name : description.get(kind).get("names")) {
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
