package io.github.kpconvx.layer.vl3d;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.inference.StandardLayers;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.Mode;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.exceptions.TFInvalidArgumentException;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/** What VL3D's layers refuse, and what they start from. */
class VL3DLayersTest {
  private static final String RBF =
      "\"max_radii\": [1, 1, 1], \"radii_resolution\": 2, \"angular_resolutions\": [1, 2]";

  private static Layer layer(String className, String config) {
    return StandardLayers.registry(GaussianFilter.FALLING)
        .create(
            KerasObject.of(
                "src.model.deeplearn.layer.any",
                className,
                className,
                (ObjectNode) KerasObject.parseJson(config)));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "KPConvLayer|{\"sigma\": 0}|sigma = 0.0, expected a number greater than 0",
        "KPConvLayer|{\"num_kernel_points\": 7, \"mq\": 8}|mq = 8, expected num_kernel_points = 7",
        "KPConvXLayer|{\"mq\": 20}|mq = 20, expected 21, the sum of shell_points",
        "KPConvLayer|{\"A_trainable\": true}|unknown configuration key \"A_trainable\"",
        "LightKPConvLayer|{\"num_kernel_points\": 0}|num_kernel_points = 0",
        "HourglassLayer|{\"Dout\": 3}|Dh = nothing",
        "HourglassLayer|{\"Dh\": 3, \"Dout\": 3, \"activation\": \"tanh\"}|activation = \"tanh\"",
        "HourglassLayer|{\"Dh\": 3, \"Dout\": 3, \"spectral_strategy\": \"a\"}|spectral_strategy",
        "FeaturesDownsamplingLayer|{\"filter\": \"median\"}|filter = \"median\", expected",
        "GroupingPointNetLayer|{}|dim_out = nothing",
        "GroupingPointNetLayer|{\"dim_out\": 3, \"structure_dimensionality\": 2}|expected 3",
        "GroupingPointNetLayer|{\"dim_out\": 3, \"H_activation\": \"glu\"}|keeps the number",
        "FeaturesStructuringLayer|{}|max_radii = nothing",
        "RBFFeatExtractLayer|{RBF, \"kernel_function_type\": \"Cauchy\"}|kernel_function_type",
        "RBFFeatExtractLayer|{RBF, \"structure_initialization_type\": \"torus\"}|\"torus\", expected",
        "RBFFeatExtractLayer|{RBF, \"num_kernel_points\": 6}|num_kernel_points = 6, expected",
        "RBFFeatExtractLayer|{RBF, \"structure_dimensionality\": 2}|expected 3",
        "RBFFeatProcessingLayer|{\"num_kernels\": 2, \"means\": [1]}|stdevs = nothing"
      })
  void refusesConfigurations(String className, String config, String message) {
    KerasException error =
        assertThrows(KerasException.class, () -> layer(className, config.replace("RBF", RBF)));
    assertTrue(error.getMessage().contains(message), error.getMessage());
  }

  /** As VL3D's get_config may write them, and given back unchanged. */
  @Test
  void derivedKeysThatAgreeAreKept() {
    Layer layer = layer("KPConvXLayer", "{\"mq\": 21, \"num_kernel_points\": 21}");
    assertEquals("{\"mq\":21,\"num_kernel_points\":21}", layer.getConfig());
  }

  @Test
  void processingRefusesMarkovAndListsThatDiffer() {
    String start = "{\"num_kernels\": 2, \"means\": [1], ";
    for (String rest :
        List.of("\"stdevs\": [1, 2]}", "\"stdevs\": [1], \"kernel_function_type\": \"Markov\"}")) {
      assertThrows(KerasException.class, () -> layer("RBFFeatProcessingLayer", start + rest));
    }
  }

  private interface Feed {
    List<Operand<?>> of(Ops tf);
  }

  private static String failure(Layer layer, Feed feed) {
    try (Graph graph = new Graph();
        Session session = new Session(graph)) {
      Ops tf = Ops.create(graph);
      List<Operand<?>> inputs = feed.of(tf);
      layer.build(tf, inputs.stream().map(Operand::shape).toList());
      Operand<TFloat32> y = layer.call(tf, inputs, Mode.INFERENCE);
      layer.initialize(session, 1);
      return assertThrows(
              TFInvalidArgumentException.class, () -> session.runner().fetch(y).run().close())
          .getMessage();
    }
  }

  private static Operand<TFloat32> zeros(Ops tf, long... shape) {
    return tf.zeros(tf.constant(Shape.of(shape)), TFloat32.class);
  }

  @Test
  void indicesAreCheckedInTheGraph() {
    String strided =
        failure(
            layer("StridedKPConvLayer", "{\"Dout\": 2, \"num_kernel_points\": 3}"),
            tf ->
                List.of(
                    zeros(tf, 1, 4, 3),
                    zeros(tf, 1, 2, 3),
                    zeros(tf, 1, 4, 5),
                    tf.constant(new int[][][] {{{0, 1}, {2, 4}}})));
    assertTrue(
        strided.contains(
            "neighbour index 4 at (batch element, point, slot) = [0 1 1] is outside [0, R_a) with"
                + " R_a = 4"),
        strided);
    String plain =
        failure(
            layer("GroupingPointNetLayer", "{\"dim_out\": 2}"),
            tf ->
                List.of(
                    zeros(tf, 1, 2, 3),
                    zeros(tf, 1, 2, 5),
                    tf.constant(new long[][][] {{{0}, {-1}}})));
    assertTrue(plain.contains("neighbour index -1 at"), plain);
  }

  @Test
  void sizesAreCheckedInTheGraph() {
    String features =
        failure(
            layer("FeaturesUpsamplingLayer", "{}"),
            tf ->
                List.of(
                    zeros(tf, 1, 4, 3),
                    zeros(tf, 1, 2, 3),
                    zeros(tf, 1, 3, 5),
                    tf.constant(new int[][][] {{{0}, {1}}})));
    assertTrue(features.contains("F and Xa disagree in (B, R)"), features);
    String batch =
        failure(
            layer("FeaturesDownsamplingLayer", "{}"),
            tf ->
                List.of(
                    zeros(tf, 2, 4, 3),
                    zeros(tf, 1, 2, 3),
                    zeros(tf, 2, 4, 5),
                    tf.constant(new int[][][] {{{0}, {1}}})));
    assertTrue(batch.contains("Xa and Xb disagree in B"), batch);
  }

  @Test
  void inputsOfOtherRanksAndTypesAreRefused() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Layer layer = layer("KPConvLayer", "{\"name\": \"kp\"}");
      List<Shape> shapes = List.of(Shape.of(1, 4, 2), Shape.of(1, 4, 5), Shape.of(1, 4, 2));
      assertTrue(
          assertThrows(KerasException.class, () -> layer.build(tf, shapes))
              .getMessage()
              .contains("\"kp\": X has shape [1, 4, 2], expected (B, R, 3)"));
      Layer two = layer("KPConvLayer", "{}");
      assertTrue(
          assertThrows(KerasException.class, () -> two.build(tf, shapes.subList(0, 2)))
              .getMessage()
              .contains("takes 3 inputs, X, F, N; got 2"));
      Layer built = layer("KPConvLayer", "{\"num_kernel_points\": 2, \"Dout\": 2}");
      List<Operand<?>> inputs = List.of(zeros(tf, 1, 4, 3), zeros(tf, 1, 4, 5), zeros(tf, 1, 4, 2));
      built.build(tf, inputs.stream().map(Operand::shape).toList());
      assertTrue(
          assertThrows(KerasException.class, () -> built.call(tf, inputs, Mode.INFERENCE))
              .getMessage()
              .contains("N is float32, expected int32 or int64"));
    }
  }

  /** At a minimum of the energy; the farthest point on the ball, and the first at its centre. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 15})
  void kernelPointsFillTheBall(int count) {
    try (Graph graph = new Graph();
        Session session = new Session(graph)) {
      Ops tf = Ops.create(graph);
      Operand<TFloat32> points =
          new KernelPointBallInitializer(2, count).call(tf, Shape.of(count, 3), 7);
      try (TFloat32 q = (TFloat32) session.runner().fetch(points).run().get(0)) {
        double farthest = 0;
        double[] others = new double[(count - 1) * 3];
        for (int k = 0; k < count; k++) {
          double square = 0;
          for (int c = 0; c < 3; c++) {
            square += Math.pow(q.getFloat(k, c), 2);
            if (k > 0) {
              others[(k - 1) * 3 + c] = q.getFloat(k, c);
            }
          }
          assertTrue(k > 0 || square == 0);
          farthest = Math.max(farthest, Math.sqrt(square));
        }
        assertEquals(count < 3 ? 0 : 2, farthest, 1e-5);
        if (count == 15) {
          assertAtMinimum(others);
        }
      }
    }
  }

  /** The gradient vanishes at some scale: there the pull inwards equals the repulsion. */
  private static void assertAtMinimum(double[] q) {
    double[] repulsion = new double[q.length];
    KernelPointBallInitializer.energy(q, repulsion);
    double dot = 0;
    double square = 0;
    for (int i = 0; i < q.length; i++) {
      repulsion[i] -= 2 * q[i];
      dot -= repulsion[i] * q[i];
      square += q[i] * q[i];
    }
    for (int i = 0; i < q.length; i++) {
      assertEquals(-dot / square * q[i], repulsion[i], 1e-4);
    }
  }

  @Test
  void aStructuresPointsAreThoseOfItsType() {
    List<Integer> counts = new ArrayList<>();
    for (String type :
        List.of(
            "concentric_ellipsoids",
            "concentric_grids",
            "concentric_rectangulars",
            "concentric_cylinders",
            "cone",
            "zeros")) {
      counts.add(
          new KernelPointStructureInitializer(List.of(1.0, 1.0, 1.0), 2, List.of(1, 3), type)
              .count());
    }
    assertEquals(List.of(10, 28, 27, 10, 7, 10), counts);
    for (List<Integer> wrong : List.of(List.of(2, 3), List.of(1), List.of(1, 2000))) {
      assertThrows(
          KerasException.class,
          () -> new KernelPointStructureInitializer(List.of(1.0, 1.0, 1.0), 2, wrong, "zeros"));
    }
    assertThrows(
        KerasException.class,
        () ->
            new KernelPointStructureInitializer(
                List.of(1.0, 1.0, 1.0), 3, List.of(1, 2, 2), "cone"));
  }
}
