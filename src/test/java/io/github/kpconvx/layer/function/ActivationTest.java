package io.github.kpconvx.layer.function;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.TextNode;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.Gradients;
import io.github.kpconvx.layer.vl3d.KPConvXLayer;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;

public class ActivationTest {

  private static Activation read(String json) {
    return Activation.of("Dense \"head\"", "activation", KerasObject.parseJson(json));
  }

  private static float[] values(TFloat32 tensor) {
    float[] values = new float[(int) tensor.size()];
    tensor.copyTo(DataBuffers.of(values));
    return values;
  }

  @Test
  void nullIsLinear() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat32> x = tf.constant(1f);
      assertEquals(x, Activation.of("Owner", "activation", NullNode.getInstance()).apply(tf, x));
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"rely\"|Dense \"head\": unknown activation \"rely\"; known activations are Activation, ELU,",
        "3|unknown activation 3",
        "{\"class_name\": \"Rely\", \"config\": {}}|unknown activation {\"class_name\":\"Rely\"",
        "{\"module\": \"mine\", \"class_name\": \"ReLU\", \"config\": {}}|unknown activation",
        "{\"class_name\": \"ReLU\", \"config\": {}, \"registered_name\": \"me>ReLU\"}|unknown",
        "{\"module\": \"mine\", \"class_name\": \"function\", \"config\": \"relu\"}|unknown",
        "{\"class_name\": \"function\", \"config\": \"me>relu\"}|unknown activation \"me>relu\"",
        "{\"class_name\": \"relu\", \"config\": {\"threshold\": 1}}|known keys are none",
        "\"PReLU\"|Dense \"head\": activation PReLU has weights; expected a function without any",
        "\"threshold\"|activation threshold needs two arguments, threshold and default_value,",
        "{\"class_name\": \"LeakyReLU\", \"config\": {\"slope\": 1}}"
            + "|Dense \"head\": activation LeakyReLU: unknown configuration key \"slope\"; known keys"
            + " are activity_regularizer, alpha,",
        "{\"class_name\": \"LeakyReLU\", \"config\": {\"negative_slope\": -0.1}}"
            + "|negative_slope = -0.1, expected a finite number of at least 0.0",
        "{\"class_name\": \"LeakyReLU\", \"config\": {\"alpha\": -1}}|alpha = -1, expected",
        "{\"class_name\": \"LeakyReLU\", \"config\": {\"negative_slope\": null}}"
            + "|negative_slope = null, expected a finite number",
        "{\"class_name\": \"LeakyReLU\", \"config\": {\"dtype\": \"float16\"}}"
            + "|dtype = \"float16\", expected \"float32\"",
        "{\"class_name\": \"ReLU\", \"config\": {\"threshold\": -1}}|threshold = -1, expected",
        "{\"class_name\": \"ReLU\", \"config\": {\"max_value\": -1}}|max_value = -1, expected",
        "{\"class_name\": \"ReLU\", \"config\": {\"negative_slope\": -1}}|negative_slope = -1,",
        "{\"class_name\": \"ReLU\", \"config\": {\"max_value\": \"6\"}}|max_value = \"6\", expected",
        "{\"class_name\": \"ReLU\", \"config\": {\"alpha\": 6}}|unknown configuration key",
        "{\"class_name\": \"ELU\", \"config\": {\"alpha\": \"a\"}}|alpha = \"a\", expected a finite",
        "{\"class_name\": \"ELU\", \"config\": {\"beta\": 1}}|unknown configuration key \"beta\"",
        "{\"class_name\": \"Softmax\", \"config\": {\"axis\": \"last\"}}|axis = \"last\", expected"
            + " null or an axis or a list of axes",
        "{\"class_name\": \"Softmax\", \"config\": {\"axis\": 0.5}}|axis = 0.5, expected an integer",
        "{\"class_name\": \"Softmax\", \"config\": {\"axes\": 1}}|unknown configuration key",
        "{\"class_name\": \"ThresholdedReLU\", \"config\": {\"theta\": -1}}|theta = -1, expected",
        "{\"class_name\": \"ThresholdedReLU\", \"config\": {\"thetta\": 1}}|key \"thetta\"",
        "{\"class_name\": \"ThresholdedReLU\", \"config\": {\"theta\": null}}|theta = null,",
        "{\"class_name\": \"Identity\", \"config\": {\"gain\": 1}}|unknown configuration key",
        "{\"class_name\": \"Activation\", \"config\": {}}|activation = nothing, expected a name",
        "{\"class_name\": \"Activation\", \"config\": {\"activation\": \"x\"}}"
            + "|Dense \"head\": activation Activation: unknown activation \"x\"",
        "{\"class_name\": \"Activation\", \"config\": {\"function\": \"relu\"}}|unknown config",
      })
  void refusesWhatItDoesNotKnow(String json, String message) {
    KerasException error = assertThrows(KerasException.class, () -> read(json));
    assertTrue(error.getMessage().contains(message), error.getMessage());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"class_name\": \"Softmax\", \"config\": {\"axis\": 3}}|axis = 3, expected different"
            + " axes of a tensor of rank 3",
        "{\"class_name\": \"Softmax\", \"config\": {\"axis\": -4}}|axis = -4",
        "{\"class_name\": \"Softmax\", \"config\": {\"axis\": [0, -3]}}|axis = [0,-3]",
        "\"glu\"|Activation glu: its input has shape [2, 3, 5], expected a last dimension",
      })
  void refusesAnInputThatDoesNotFit(String json, String message) {
    Activation activation = read(json);
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat32> x = tf.zeros(tf.array(2, 3, 5), TFloat32.class);
      KerasException error = assertThrows(KerasException.class, () -> activation.apply(tf, x));
      assertTrue(error.getMessage().contains(message), error.getMessage());
    }
  }

  @Test
  void gluNeedsToKnowItsLastDimension() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat32> x =
          tf.placeholder(TFloat32.class, Placeholder.shape(Shape.of(2, Shape.UNKNOWN_SIZE)));
      Activation glu = read("\"glu\"");
      assertThrows(KerasException.class, () -> glu.apply(tf, x));
      assertThrows(KerasException.class, () -> glu.apply(tf, tf.constant(1f)));
    }
  }

  /** What changes the number of channels cannot stand between the matrix products. */
  @Test
  void aKPConvXLayerRefusesGlu() {
    assertFalse(read("\"glu\"").keepsShape());
    KerasException error =
        assertThrows(
            KerasException.class, () -> KPConvXLayer.fromConfig("{\"activation\": \"glu\"}"));
    assertTrue(
        error.getMessage().contains("expected one that keeps the number of channels"),
        error.getMessage());
  }

  /** The functions of {@code keras.activations}, by name. */
  public static Stream<String> functions() {
    return Activations.REGISTRY.names().stream()
        .filter(name -> Character.isLowerCase(name.charAt(0)));
  }

  static Stream<String> finiteFunctions() {
    // Of numbers this large these are not finite, nor are Keras's.
    return functions().filter(name -> !Set.of("exponential", "sparsemax").contains(name));
  }

  @ParameterizedTest
  @MethodSource("finiteFunctions")
  void isFiniteWithItsGradientWhereverFloatsAre(String name) {
    float most = Float.MAX_VALUE;
    float least = Float.MIN_VALUE;
    try (Graph graph = new Graph();
        Session session = new Session(graph)) {
      Ops tf = Ops.create(graph);
      Operand<TFloat32> x =
          tf.constant(new float[][] {{most / 2, -most / 2, least, -least, -0f, 2e19f}});
      Operand<TFloat32> y =
          Activation.of("Owner", "activation", TextNode.valueOf(name)).apply(tf, x);
      Operand<TFloat32> dx = Gradients.of(tf, tf.reduceSum(y, tf.array(0, 1)), List.of(x)).get(0);
      try (Result result = session.runner().fetch(y).fetch(dx).run()) {
        for (int i = 0; i < 2; i++) {
          for (float value : values((TFloat32) result.get(i))) {
            assertTrue(Float.isFinite(value), name + ": " + value);
          }
        }
      }
    }
  }

  @Test
  void squareplusIsTheIdentityWhereItsSquareWouldOverflow() {
    try (Graph graph = new Graph();
        Session session = new Session(graph)) {
      Ops tf = Ops.create(graph);
      Operand<TFloat32> y =
          read("\"squareplus\"").apply(tf, tf.constant(new float[] {3e38f, -3e38f}));
      try (Result result = session.runner().fetch(y).run()) {
        assertArrayEquals(new float[] {3e38f, 0}, values((TFloat32) result.get(0)));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"softmax\"",
        "\"log_softmax\"",
        "\"sparsemax\"",
        "\"glu\"",
        "{\"class_name\": \"Softmax\", \"config\": {\"axis\": [1, 2]}}",
        "{\"class_name\": \"Softmax\", \"config\": {\"axis\": 0}}",
      })
  void worksAlongAxesOfUnknownSize(String json) {
    Activation activation = read(json);
    try (Graph graph = new Graph();
        Session session = new Session(graph);
        TFloat32 input =
            TFloat32.tensorOf(Shape.of(1, 2, 2), DataBuffers.of(new float[] {1, 2, 0, 0.5f}))) {
      Ops tf = Ops.create(graph);
      Placeholder<TFloat32> x =
          tf.placeholder(TFloat32.class, Placeholder.shape(Shape.of(-1, -1, 2)));
      Operand<TFloat32> whole = activation.apply(tf, tf.constant(input));
      Operand<TFloat32> y = activation.apply(tf, x);
      try (Result result = session.runner().feed(x, input).fetch(whole).fetch(y).run()) {
        assertArrayEquals(
            values((TFloat32) result.get(0)), values((TFloat32) result.get(1)), 1e-6f);
      }
    }
  }

  @Test
  void aLayerOnItsOwnIsAFunctionToo() {
    KerasObject layer = KerasObject.parse("{\"class_name\": \"Identity\", \"config\": {}}");
    assertSame(Activations.LINEAR, Activation.of(layer));
  }

  @Test
  void aLayerOnItsOwnNamesItself() {
    KerasObject layer =
        KerasObject.parse(
            "{\"class_name\": \"ReLU\", \"config\": {\"name\": \"r\", \"threshold\": -1}}");
    KerasException error = assertThrows(KerasException.class, () -> Activation.of(layer));
    assertTrue(error.getMessage().startsWith("ReLU \"r\": threshold = -1"), error.getMessage());
    KerasObject unknown =
        KerasObject.parse("{\"class_name\": \"Dense\", \"config\": {\"name\": \"d\"}}");
    error = assertThrows(KerasException.class, () -> Activation.of(unknown));
    assertTrue(
        error.getMessage().startsWith("Dense \"d\": unknown activation {\"class_name\""),
        error.getMessage());
  }
}
