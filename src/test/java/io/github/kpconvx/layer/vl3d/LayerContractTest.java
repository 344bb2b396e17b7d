package io.github.kpconvx.layer.vl3d;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.KernelPoints;
import io.github.kpconvx.layer.Mode;
import io.github.kpconvx.layer.RandomDrop;
import io.github.kpconvx.layer.RandomSource;
import io.github.kpconvx.layer.WeightLoader;
import io.github.kpconvx.layer.core.BatchNormalization;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TType;

/** What a layer asks of its callers, and what it tells of its weights. */
class LayerContractTest {
  private final Graph graph = new Graph();
  private final Ops tf = Ops.create(graph);

  @AfterEach
  void close() {
    graph.close();
  }

  private static <E extends RuntimeException> void assertRefused(
      Class<E> kind, Executable refused, String... parts) {
    String message = assertThrows(kind, refused).getMessage();
    for (String part : parts) {
      assertTrue(message.contains(part), () -> part + " in: " + message);
    }
  }

  private static KPConvXLayer conv() {
    return KPConvXLayer.builder().name("conv").hiddenChannels(4).build();
  }

  private <T extends TType> Operand<T> input(Class<T> type, long... shape) {
    return tf.placeholder(type, Placeholder.shape(Shape.of(shape)));
  }

  private Operand<?> floats(String shape) {
    return input(TFloat32.class, numbers(shape));
  }

  private Operand<?> indices(String shape) {
    return input(TInt32.class, numbers(shape));
  }

  /** Numbers separated by spaces; −1 stands for an unknown dimension. */
  private static long[] numbers(String text) {
    return List.of(text.split(" ")).stream().mapToLong(Long::parseLong).toArray();
  }

  @ParameterizedTest
  @CsvSource({
    "-1 -1 2, -1 -1 8, -1 -1 5, 'X has shape [-1, -1, 2], expected (B, R, 3)'",
    "-1 3, -1 -1 8, -1 -1 5, 'X has shape [-1, 3], expected (B, R, 3)'",
    "-1 -1 3, -1 8, -1 -1 5, 'F has shape [-1, 8], expected (B, R, D)'",
    "-1 -1 3, -1 -1 8, -1 -1, 'N has shape [-1, -1], expected (B, R, κ)'",
    "-1 -1 3, -1 -1 -1, -1 -1 5, 'the feature dimension D is unknown; F has shape [-1, -1, -1]'",
  })
  void isBuiltForShapesThatFit(String x, String f, String n, String message) {
    List<Shape> shapes = List.of(Shape.of(numbers(x)), Shape.of(numbers(f)), Shape.of(numbers(n)));
    assertRefused(KerasException.class, () -> conv().build(tf, shapes), "\"conv\": " + message);
  }

  @Test
  void isBuiltForThreeInputs() {
    List<Shape> two = List.of(Shape.of(-1, -1, 3), Shape.of(-1, -1, 8));
    assertRefused(
        KerasException.class, () -> conv().build(tf, two), "takes three inputs, X, F and N; got 2");
  }

  @ParameterizedTest
  @CsvSource({
    "1 4 2, 1 4 8, 1 4 5, 'X has shape [1, 4, 2], expected (B, R, 3)'",
    "1 4 3, 1 4 16, 1 4 5, 'F has shape [1, 4, 16], expected (B, R, D) with D = 8'",
    "1 4 3, 4 8, 1 4 5, 'F has shape [4, 8], expected (B, R, D) with D = 8'",
    "1 4 3, 1 4 8, 4 5, 'N has shape [4, 5], expected (B, R, κ)'",
  })
  void isCalledWithShapesThatFit(String x, String f, String n, String message) {
    KPConvXLayer layer = conv();
    layer.build(tf, 8);
    List<Operand<?>> inputs = List.of(floats(x), floats(f), indices(n));
    String found =
        assertThrows(KerasException.class, () -> layer.call(tf, inputs, Mode.INFERENCE))
            .getMessage();
    assertTrue(found.endsWith("\"conv\": " + message), found);
  }

  @Test
  void isCalledWithInputsOfTheTypesItTakes() {
    KPConvXLayer layer = conv();
    layer.build(tf, 8);
    Operand<?> x = floats("-1 -1 3");
    Operand<?> f = floats("-1 -1 -1");
    Operand<?> n = indices("-1 -1 -1");
    layer.call(tf, List.of(x, f, n), Mode.INFERENCE);
    layer.call(tf, List.of(input(TFloat64.class, -1, -1, 3), f, n), Mode.INFERENCE);
    Map<String, List<Operand<?>>> wrong =
        Map.of(
            "takes three inputs, X, F and N; got 2", List.of(x, f),
            "X is int32, expected float32", List.of(n, f, n),
            "F is int32, expected float32", List.of(x, n, n),
            "N is float32, expected int32 or int64", List.of(x, f, f));
    wrong.forEach(
        (message, inputs) ->
            assertRefused(
                KerasException.class, () -> layer.call(tf, inputs, Mode.INFERENCE), message));
  }

  @Test
  void isBuiltOnceAndBeforeAllElse() {
    KPConvXLayer layer = conv();
    List<Operand<?>> inputs = List.of(floats("-1 -1 3"), floats("-1 -1 8"), indices("-1 -1 5"));
    List<Executable> early =
        List.of(
            () -> layer.call(tf, inputs, Mode.INFERENCE),
            layer::spec,
            layer::variables,
            layer::ownVariables,
            layer::trainableVariables,
            () -> layer.regularizationLosses(tf),
            () -> layer.projections(tf));
    for (Executable call : early) {
      assertRefused(IllegalStateException.class, call, "Layer conv is not built: call build first");
    }
    layer.build(tf, 8);
    assertRefused(
        IllegalStateException.class, () -> layer.build(tf, 8), "Layer conv is built already");
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void weightsAreInKerasOrderTrainableOnesFirst(boolean deformable) {
    KPConvXLayer layer =
        KPConvXLayer.builder().name("conv").deformable(deformable).hiddenChannels(4).build();
    layer.build(tf, 8);
    List<String> all = List.copyOf(layer.variables().keySet());
    assertEquals(deformable ? 0 : 9, all.indexOf("conv/Q"));
    assertEquals(deformable ? 1 : 0, all.indexOf("conv/W"));
    assertEquals("conv/bn_phi/0/gamma", all.get(10));
    assertEquals("conv/bn_hhat/0/moving_variance", all.get(21));
    List<String> trainable =
        all.stream()
            .filter(name -> !name.contains("moving_") && (deformable || !name.equals("conv/Q")))
            .toList();
    assertEquals(trainable, List.copyOf(layer.trainableVariables().keySet()));
  }

  @Test
  void theActivityOfSublayersIsRegularizedToo() {
    KerasObject phi =
        KerasObject.parse(
            """
            {"class_name": "BatchNormalization",
             "config": {"name": "bn", "activity_regularizer": "l2"}}
            """);
    KPConvXLayer layer =
        KPConvXLayer.builder()
            .name("conv")
            .hiddenChannels(4)
            .set("bn_phi", JsonNodeFactory.instance.arrayNode().add(phi.json()))
            .build();
    layer.build(tf, 8);
    List<Operand<?>> inputs = List.of(floats("-1 -1 3"), floats("-1 -1 8"), indices("-1 -1 5"));
    layer.call(tf, inputs, Mode.INFERENCE);
    assertEquals(Map.of(), layer.regularizationLosses(tf));
    layer.call(tf, inputs, Mode.TRAINING);
    layer.call(tf, inputs, Mode.TRAINING);
    assertEquals(
        List.of("conv/bn_phi/0/activity_regularizer", "conv/bn_phi/0/activity_regularizer#1"),
        List.copyOf(layer.regularizationLosses(tf).keySet()));
  }

  @Test
  void aWeightTakesValuesOfItsShapeOnly() {
    KPConvXLayer layer = conv();
    layer.build(tf, 8);
    try (Session session = new Session(graph);
        TFloat32 wrong = TFloat32.tensorOf(Shape.of(8))) {
      assertRefused(
          KerasException.class,
          () -> layer.variables().get("conv/phi").assign(session, wrong),
          "Weight phi has shape [1, 8], cannot take a value of shape [8]");
    }
  }

  private static BatchNormalization normalization(String config) {
    return new BatchNormalization(
        KerasObject.parse("{\"class_name\": \"BatchNormalization\", \"config\": " + config + "}"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"name\": \"bn\", \"momentun\": 0.5}|unknown configuration key \"momentun\"",
        "{\"momentum\": 1.01}|momentum = 1.01, expected a number in [0, 1]",
        "{\"momentum\": -0.01}|momentum = -0.01, expected a number in [0, 1]",
        "{\"epsilon\": -1e-9}|epsilon = -1.0E-9, expected a number of at least 0",
        "{\"virtual_batch_size\": 4}|virtual_batch_size = 4, expected null",
      })
  void aNormalizationRefusesWhatItDoesNotDo(String config, String message) {
    assertRefused(KerasException.class, () -> normalization(config), message);
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, 0.25, 1})
  void aNormalizationHasAMomentumFrom0To1AndAnyEpsilonFrom0(double momentum) {
    String config = "{\"epsilon\": 0, \"momentum\": " + momentum + "}";
    assertEquals(momentum, normalization(config).momentum());
  }

  @ParameterizedTest
  @ValueSource(strings = {"{}", "{\"axis\": -1}", "{\"axis\": 2}", "{\"axis\": [2]}"})
  void aNormalizationIsOverTheLastAxis(String config) {
    BatchNormalization layer = normalization(config);
    layer.build(tf, List.of(Shape.of(-1, -1, 6)));
    layer.variables().values().forEach(v -> assertEquals(Shape.of(6), v.spec().shape()));
  }

  @ParameterizedTest
  @ValueSource(strings = {"{\"axis\": 1}", "{\"axis\": [-2]}"})
  void aNormalizationMayBeOverAnotherAxis(String config) {
    BatchNormalization layer = normalization(config);
    layer.build(tf, List.of(Shape.of(-1, 5, 6)));
    layer.variables().values().forEach(v -> assertEquals(Shape.of(5), v.spec().shape()));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"axis\": 3}|axis = 3, expected different axes of a tensor of rank 3",
        "{\"axis\": 0}|axis = 0, expected axes of known sizes of the input, of shape [-1, 6, 6]",
      })
  void aNormalizationOverAnAxisThatIsNotThereIsRefused(String config, String message) {
    BatchNormalization layer = normalization(config);
    assertRefused(
        KerasException.class, () -> layer.build(tf, List.of(Shape.of(-1, 6, 6))), message);
  }

  @Test
  void aNormalizationOverAllAxesIsRefused() {
    assertRefused(
        KerasException.class, () -> normalization("{\"axis\": null}"), "axis = null, expected");
  }

  @Test
  void aNormalizationOfUnknownSizeIsRefused() {
    assertRefused(
        KerasException.class,
        () -> normalization("{}").build(tf, List.of(Shape.of(2, 3, -1))),
        "axis = -1, expected axes of known sizes of the input, of shape [2, 3, -1]");
  }

  @Test
  void aNormalizationTakesOneInput() {
    BatchNormalization layer = normalization("{}");
    layer.build(tf, List.of(Shape.of(-1, 6)));
    Operand<?> input = floats("-1 6");
    assertRefused(
        KerasException.class,
        () -> layer.call(tf, List.of(input, input), Mode.INFERENCE),
        "takes one input, got 2");
  }

  @Test
  void nothingIsDroppedAtRandomWithAProbabilityOf0() {
    Operand<TFloat32> x = tf.constant(new float[] {1, 2});
    assertSame(x, RandomDrop.apply(tf, x, tf.array(2), 0, RandomSource.unseeded()));
  }

  @Test
  void onlyKernelPointsMayBeMissingAndOnlyWhereTheyComeFromElsewhere() {
    KPConvXLayer layer = conv();
    layer.build(tf, 8);
    assertRefused(
        KerasException.class,
        () -> WeightLoader.read(List.of(layer), Map.of(), KernelPoints.fromFileOnly()),
        "holds no kernel points Q");
    BatchNormalization normalization = normalization("{\"name\": \"bn\"}");
    normalization.build(tf, List.of(Shape.of(-1, 6)));
    assertRefused(
        KerasException.class,
        () -> WeightLoader.read(List.of(normalization), Map.of(), KernelPoints.recomputed()),
        "\"bn\"",
        "there is no weight gamma");
  }
}
