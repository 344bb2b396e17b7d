package io.github.kpconvx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.numpy.NpzFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/**
 * A serialized object of Keras and what a version of Keras computed with it; {@code
 * python-compat/test_files/keras_objects.py} tells what there is.
 */
public record GoldenObject(
    String version, String kind, int number, JsonNode json, Map<String, NpyArray> arrays) {
  /** Keras's versions. */
  public static final List<String> VERSIONS = List.of("3.15.1", "3.6.0", "2.15.0");

  private static final Path DIRECTORY = Path.of("src/test/resources/io/github/kpconvx/layer");
  private static final float TOLERANCE = 1e-6f;

  /** TensorFlow's gradients in C++ are the same functions as Python's, computed otherwise. */
  private static final float GRADIENT_TOLERANCE = 1e-5f;

  private static final Set<String> GRADIENTS = Set.of("dx", "dalpha", "gradient");

  /** All that a version has, without the arrays. */
  public static JsonNode description(String version) {
    return KerasObject.parseJson(Fixtures.text(DIRECTORY.resolve("objects-" + version + ".json")));
  }

  /** The cases of a kind of all versions. */
  public static Stream<GoldenObject> cases(String kind) {
    List<GoldenObject> cases = new ArrayList<>();
    for (String version : VERSIONS) {
      Map<String, NpyArray> arrays = NpzFile.read(DIRECTORY.resolve("objects-" + version + ".npz"));
      int number = 0;
      for (JsonNode json : description(version).get(kind)) {
        cases.add(new GoldenObject(version, kind, number++, json, arrays));
      }
    }
    return cases.stream();
  }

  /** The serialized object. */
  public JsonNode form() {
    return json.get("form");
  }

  public NpyArray array(String name) {
    return arrays.get("%s/%d/%s".formatted(kind, number, name));
  }

  public Operand<TFloat32> constant(Ops tf, String name) {
    return tf.constant(Shape.of(array(name).shape()), DataBuffers.of(array(name).toFloats()));
  }

  /** Runs a graph and compares. */
  public void assertEqual(Graph graph, Map<String, Operand<TFloat32>> operands) {
    try (Session session = new Session(graph)) {
      assertEqual(session, operands);
    }
  }

  /** Runs a session and compares. */
  public void assertEqual(Session session, Map<String, Operand<TFloat32>> operands) {
    Session.Runner runner = session.runner();
    List<String> names = List.copyOf(operands.keySet());
    names.forEach(name -> runner.fetch(operands.get(name)));
    try (Result result = runner.run()) {
      for (int i = 0; i < names.size(); i++) {
        assertEqual(names.get(i), (TFloat32) result.get(i));
      }
    }
  }

  private void assertEqual(String name, TFloat32 tensor) {
    assertArrayEquals(array(name).shape(), tensor.shape().asArray(), name);
    float[] expected = array(name).toFloats();
    float[] found = new float[expected.length];
    tensor.copyTo(DataBuffers.of(found));
    float tolerance = GRADIENTS.contains(name) ? GRADIENT_TOLERANCE : TOLERANCE;
    for (int i = 0; i < expected.length; i++) {
      // Infinities are equal.
      if (expected[i] != found[i]) {
        float allowed = tolerance * Math.max(1, Math.abs(expected[i]));
        assertEquals(expected[i], found[i], allowed, "%s %s[%d]".formatted(this, name, i));
      }
    }
  }

  @Override
  public String toString() {
    return version + " " + json;
  }
}
