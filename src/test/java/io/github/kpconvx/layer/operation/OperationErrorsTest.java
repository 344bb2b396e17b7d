package io.github.kpconvx.layer.operation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.Argument;
import io.github.kpconvx.layer.Arguments;
import io.github.kpconvx.layer.CallContext;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.LayerCall;
import io.github.kpconvx.layer.Mode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.exceptions.TFInvalidArgumentException;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/** What operations say of arguments that do not do. */
class OperationErrorsTest {

  private static KerasObject keras(String className, String config) {
    return KerasObject.parse(
        """
        {"module": "keras.src.ops.numpy", "class_name": "%s", "config": %s,
         "registered_name": "%s", "name": "it"}"""
            .formatted(className, config, className));
  }

  private static KerasObject tensorFlow(String function) {
    return KerasObject.parse(
        """
        {"class_name": "TFOpLambda", "config": {"name": "it", "dtype": "float32", "function": "%s"}}"""
            .formatted(function));
  }

  /** Adds the operation to a graph, x being (2, 5, 4) and first, then the constants. */
  private static List<Operand<?>> call(
      Ops tf, KerasObject object, List<String> constants, Map<String, String> keywords) {
    Layer operation = Operations.create(object);
    Operand<TFloat32> x = tf.zeros(tf.array(2, 5, 4), TFloat32.class);
    List<Argument<Operand<?>>> positional = new ArrayList<>();
    positional.add(new Argument.Tensor<>(x));
    constants.forEach(text -> positional.add(constant(text)));
    Map<String, Argument<Operand<?>>> named = new LinkedHashMap<>();
    keywords.forEach((name, text) -> named.put(name, constant(text)));
    operation.build(tf, List.of(x.shape()));
    return operation.call(
        tf,
        new LayerCall(
            new Arguments<>(positional, named), Map.of(), CallContext.of(Mode.INFERENCE)));
  }

  private static Argument<Operand<?>> constant(String text) {
    JsonNode json = KerasObject.parseJson(text.replace('\'', '"'));
    return new Argument.Constant<>(json);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "Max|{'axis': 3}||axis 3 is none of its input of shape [2, 5, 4], expected one from -3 to 2",
        "Max|{'axis': [1, -2]}||axis = [1, 1] has an axis twice",
        "Max|{'axis': 0.5}||axis = 0.5, expected an integer",
        "Max|{'axes': 1}||unknown configuration key \"axes\"; it takes (x, axis=null",
        "Add|{}||its argument x2 is missing; it takes (x1, x2)",
        "Add|{}|1;2|1 arguments too many",
        "Add|{}|\"a\"|expected a number, or lists of numbers of equal sizes, found \"a\"",
        "Add|{}|[[1], [1, 2]]|expected a number, or lists of numbers of equal sizes",
        "Add|{}|[1, 2, 3]|cannot be computed from inputs of shapes",
        "Matmul|{}|[[1.0], [1.0]]|cannot multiply matrices of shapes [2, 5, 4] and [2, 1], as 4 is not 2",
        "Reshape|{'newshape': [7, -1]}||shape [7, -1] does not fit its input of shape [2, 5, 4]",
        "Reshape|{'newshape': [null, -1]}||at most one size left open",
        "Squeeze|{'axis': 1}||axis 1 of its input of shape [2, 5, 4] cannot be left out",
        "ExpandDims|{'axis': 4}||axis 4 is none of its input of shape [2, 5, 4], expected one from -4 to 3",
        "Transpose|{'axes': [0, 1]}||expected one for each axis",
        "Split|{'indices_or_sections': 3, 'axis': 1}||into 3 equal pieces along axis 1",
        "GetItem|{}|[0, 0, 0, 0]|4 indices for its input of shape [2, 5, 4]",
        "GetItem|{}|[0, 5]|index 5 is out of range for axis 1",
        "Take|{'axis': 1}|[0.5]|indices are of type float32, expected integers",
        "Cast|{'dtype': 'int8'}||dtype = \"int8\", expected one of bool, uint8",
        "Where|{}||x1",
        "Pad|{'pad_width': [[1, 1], [1, 1]], 'mode': 'constant'}||expected (before, after)",
        "Pad|{'pad_width': 1, 'mode': 'wrap'}||mode = \"wrap\", expected constant"
      })
  void nameWhatIsWrong(String className, String config, String constants, String message) {
    KerasObject object = keras(className, config.replace('\'', '"'));
    List<String> given = constants == null ? List.of() : List.of(constants.split(";"));
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      KerasException error =
          assertThrows(KerasException.class, () -> call(tf, object, given, Map.of()));
      assertTrue(error.getMessage().contains(message), error.getMessage());
      assertTrue(error.getMessage().contains(className + " \"it\""), error.getMessage());
    }
  }

  @Test
  void namesOfFunctionsAndArgumentsAreChecked() {
    KerasException unknown =
        assertThrows(KerasException.class, () -> Operations.create(tensorFlow("math.zeta")));
    assertTrue(unknown.getMessage().contains("Unknown operation TFOpLambda \"it\""));
    assertTrue(unknown.getMessage().contains("tf.math.reduce_max"), unknown.getMessage());
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      KerasObject sum = tensorFlow("math.reduce_sum");
      KerasException argument =
          assertThrows(KerasException.class, () -> call(tf, sum, List.of(), Map.of("axes", "1")));
      assertTrue(argument.getMessage().contains("axes"), argument.getMessage());
      assertEquals(1, call(tf, sum, List.of(), Map.of("axis", "1", "name", "'a'")).size());
      KerasException types =
          assertThrows(
              KerasException.class,
              () ->
                  call(
                      tf,
                      tensorFlow("math.add"),
                      List.of(),
                      Map.of(
                          "y",
                          "{'class_name': '__tensor__', 'config': {'value': 'a', 'dtype': 'int32'}}")));
      assertTrue(types.getMessage().contains("expected a number"), types.getMessage());
    }
  }

  /** On a GPU TensorFlow's own gather gives zeros for these. */
  @ParameterizedTest
  @ValueSource(strings = {"[0, 5]", "[-6, 1]"})
  void indicesAreCheckedInTheGraph(String indices) {
    KerasObject take = keras("Take", "{\"axis\": 1}");
    try (Graph graph = new Graph();
        Session session = new Session(graph)) {
      Operand<?> y = call(Ops.create(graph), take, List.of(indices), Map.of()).get(0);
      TFInvalidArgumentException error =
          assertThrows(TFInvalidArgumentException.class, () -> session.runner().fetch(y).run());
      assertTrue(
          error.getMessage().contains("expected from -5 up to, without it, 5"), error.getMessage());
      // TensorFlow escapes quotes; Model's errors do not.
      assertTrue(error.getMessage().contains("Take \\\"it\\\": indices from"), error.getMessage());
    }
  }
}
