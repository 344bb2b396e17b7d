package io.github.kpconvx.layer.vl3d;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.TextNode;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.layer.CallContext;
import io.github.kpconvx.layer.Gradients;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.LayerVariable;
import io.github.kpconvx.layer.Mode;
import io.github.kpconvx.layer.RandomSource;
import io.github.kpconvx.layer.core.BatchNormalization;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.EagerSession;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;

/** What training mode does that golden data cannot tell: chance, freezing, order of updates. */
class TrainingModeTest {
  private static final int DRAWS = 2000;
  private static final int FEATURES = 8;

  private final Graph graph = new Graph();
  private final Session session = new Session(graph);
  private final Ops tf = Ops.create(graph);

  @AfterEach
  void close() {
    session.close();
    graph.close();
  }

  /** Two points a batch element, each the other's neighbour. */
  private static List<Operand<?>> inputs(Ops tf, int batch) {
    Random random = new Random(5);
    float[] x = new float[batch * 6];
    float[] f = new float[batch * 2 * FEATURES];
    for (int i = 0; i < x.length; i++) {
      x[i] = random.nextFloat();
    }
    for (int i = 0; i < f.length; i++) {
      f[i] = (float) random.nextGaussian();
    }
    int[] n = new int[batch * 4];
    for (int i = 0; i < n.length; i++) {
      n[i] = i % 2;
    }
    return List.of(
        tf.constant(Shape.of(batch, 2, 3), DataBuffers.of(x)),
        tf.constant(Shape.of(batch, 2, FEATURES), DataBuffers.of(f)),
        tf.constant(Shape.of(batch, 2, 2), DataBuffers.of(n)));
  }

  private KPConvXLayer layer(KPConvXLayer.Builder builder) {
    KPConvXLayer layer = builder.name("conv").hiddenChannels(4).build();
    layer.build(tf, FEATURES);
    layer.initialize(session, 1);
    return layer;
  }

  private float[] fetch(Operand<TFloat32> operand) {
    try (var result = session.runner().fetch(operand).run()) {
      TFloat32 tensor = (TFloat32) result.get(0);
      float[] values = new float[(int) tensor.size()];
      tensor.copyTo(DataBuffers.of(values));
      return values;
    }
  }

  private void run(List<? extends Op> operations) {
    Session.Runner runner = session.runner();
    operations.forEach(runner::addTarget);
    runner.run().close();
  }

  @ParameterizedTest
  @ValueSource(doubles = {0.1, 0.3, 0.8})
  void dropPathDropsWholeElementsAtItsRateAndScalesTheOthers(double probability) {
    KPConvXLayer layer = layer(KPConvXLayer.builder().dropPath(probability));
    List<Operand<?>> inputs = inputs(tf, DRAWS);
    List<Operand<TFloat32>> v = new ArrayList<>();
    CallContext context =
        CallContext.of(Mode.TRAINING)
            .withRandom(RandomSource.seeded(tf.constant(new long[] {7, 0})))
            .withStages(
                (name, value) -> {
                  if (name.equals("block_0/v")) {
                    v.add(floats(value));
                  }
                });
    Operand<TFloat32> y = layer.call(tf, inputs, context);
    float[] residual = fetch(tf.math.sub(y, floats(inputs.get(1))));
    float[] branch = fetch(v.get(0));
    int dropped = 0;
    int size = 2 * FEATURES;
    for (int element = 0; element < DRAWS; element++) {
      double factor = 0;
      for (int i = element * size; i < (element + 1) * size; i++) {
        factor = Math.max(factor, Math.abs(residual[i]) > 1e-6 ? 1 / (1 - probability) : 0);
      }
      dropped += factor == 0 ? 1 : 0;
      for (int i = element * size; i < (element + 1) * size; i++) {
        assertEquals(branch[i] * factor, residual[i], 1e-5 * Math.max(1, Math.abs(branch[i])));
      }
    }
    // Four standard deviations of a binomial.
    assertEquals(
        probability,
        (double) dropped / DRAWS,
        4 * Math.sqrt(probability * (1 - probability) / DRAWS));
  }

  @Test
  void dropPathOneIsTheIdentityWithGradientsOfZero() {
    KPConvXLayer layer = layer(KPConvXLayer.builder().blocks(2).dropPath(1));
    List<Operand<?>> inputs = inputs(tf, 3);
    Operand<TFloat32> y = layer.call(tf, inputs, Mode.TRAINING);
    assertArrayEquals(fetch(floats(inputs.get(1))), fetch(y));
    Operand<TFloat32> sum = tf.reduceSum(tf.math.square(y), tf.constant(new int[] {0, 1, 2}));
    for (Operand<TFloat32> gradient :
        Gradients.of(
            tf,
            sum,
            layer.trainableVariables().values().stream().map(LayerVariable::value).toList())) {
      float[] values = fetch(gradient);
      assertArrayEquals(new float[values.length], values);
    }
  }

  @Test
  void withoutDropPathNothingIsDropped() {
    KPConvXLayer layer = layer(KPConvXLayer.builder());
    List<Operand<?>> inputs = inputs(tf, 3);
    Operand<TFloat32> y = layer.call(tf, inputs, Mode.TRAINING);
    assertArrayEquals(fetch(y), fetch(y));
  }

  @Test
  void dropPathDoesNothingInInference() {
    KPConvXLayer layer = layer(KPConvXLayer.builder().dropPath(0.5));
    Operand<TFloat32> y = layer.call(tf, inputs(tf, 40), Mode.INFERENCE);
    assertArrayEquals(fetch(y), fetch(y));
    assertTrue(layer.updates().isEmpty());
  }

  @Test
  void unseededDropsDifferFromRunToRun() {
    KPConvXLayer layer = layer(KPConvXLayer.builder().dropPath(0.5));
    Operand<TFloat32> y = layer.call(tf, inputs(tf, 60), Mode.TRAINING);
    assertFalse(Arrays.equals(fetch(y), fetch(y)));
  }

  @Test
  void seededNumbersRepeatAndHaveStreamsOfTheirOwn() {
    var seed = tf.placeholder(org.tensorflow.types.TInt64.class);
    RandomSource source = RandomSource.seeded(seed);
    Operand<TInt32> shape = tf.array(1000);
    Operand<TFloat32> first = source.uniform(tf, shape);
    Operand<TFloat32> second = source.uniform(tf, shape);
    float[][] drawn = new float[4][];
    long[][] seeds = {{3, 0}, {3, 0}, {3, 1}, {4, 0}};
    for (int i = 0; i < seeds.length; i++) {
      try (var value = org.tensorflow.types.TInt64.vectorOf(seeds[i]);
          var result = session.runner().feed(seed, value).fetch(first).fetch(second).run()) {
        drawn[i] = new float[2000];
        float[] half = new float[1000];
        for (int o = 0; o < 2; o++) {
          ((TFloat32) result.get(o)).copyTo(DataBuffers.of(half));
          System.arraycopy(half, 0, drawn[i], 1000 * o, 1000);
        }
      }
    }
    assertArrayEquals(drawn[0], drawn[1]);
    for (int i : new int[] {2, 3}) {
      assertFalse(Arrays.equals(drawn[0], drawn[i]));
    }
    assertFalse(
        Arrays.equals(Arrays.copyOf(drawn[0], 1000), Arrays.copyOfRange(drawn[0], 1000, 2000)));
    double mean = 0;
    for (float value : drawn[0]) {
      assertTrue(value >= 0 && value < 1);
      mean += value / drawn[0].length;
    }
    assertEquals(0.5, mean, 0.03);
  }

  @Test
  void aFrozenLayerKeepsStatisticsAndWeights() {
    KPConvXLayer layer =
        layer(
            KPConvXLayer.builder()
                .set("trainable", BooleanNode.FALSE)
                .set("regularizer", TextNode.valueOf("l2"))
                .set("constraint", TextNode.valueOf("non_neg")));
    List<Operand<?>> inputs = inputs(tf, 3);
    Operand<TFloat32> training = layer.call(tf, inputs, Mode.TRAINING);
    Operand<TFloat32> inference = layer.call(tf, inputs, Mode.INFERENCE);
    assertArrayEquals(fetch(inference), fetch(training));
    assertEquals(Map.of(), layer.trainableVariables());
    assertEquals(Map.of(), layer.regularizationLosses(tf));
    assertEquals(Map.of(), layer.projections(tf));
    assertEquals(List.of(), layer.updates());
    assertFalse(layer.variables().isEmpty());
  }

  @Test
  void updatesOfSeveralCallsHappenInTheirOrder() {
    BatchNormalization normalization = BatchNormalization.withMomentum("bn", 0.5);
    normalization.build(tf, List.of(Shape.of(-1, 1)));
    normalization.initialize(session, 0);
    for (float value : new float[] {8, 16}) {
      Operand<TFloat32> x = tf.constant(new float[][] {{value - 1}, {value + 1}});
      normalization.call(tf, List.of(x), Mode.TRAINING);
    }
    run(normalization.updates());
    // (0 · 0.5 + 8 · 0.5) · 0.5 + 16 · 0.5, and likewise from 1 with a variance of 1.
    assertArrayEquals(new float[] {10}, read(normalization, "bn/moving_mean"));
    assertArrayEquals(new float[] {1}, read(normalization, "bn/moving_variance"));
  }

  private float[] read(Layer layer, String weight) {
    try (TFloat32 value = layer.variables().get(weight).read(session)) {
      float[] values = new float[(int) value.size()];
      value.copyTo(DataBuffers.of(values));
      return values;
    }
  }

  @Test
  void aSeedMakesTheFirstWeightsRepeatable() {
    KPConvXLayer layer = layer(KPConvXLayer.builder());
    float[] first = read(layer, "conv/W");
    float[] psi = read(layer, "conv/Psi");
    layer.initialize(session, 2);
    assertFalse(Arrays.equals(first, read(layer, "conv/W")));
    layer.initialize(session, 1);
    assertArrayEquals(first, read(layer, "conv/W"));
    assertArrayEquals(psi, read(layer, "conv/Psi"));
    assertFalse(Arrays.equals(Arrays.copyOf(first, 4), Arrays.copyOf(psi, 4)));
    double[] q = layer.config().shells().points()[3];
    assertEquals(q[1], read(layer, "conv/Q")[10], 1e-7);
    // Glorot's limit for (m_q, D) in the last two axes times the number of blocks.
    for (float value : first) {
      assertTrue(Math.abs(value) <= Math.sqrt(6.0 / (21 + FEATURES)), "" + value);
    }
    assertArrayEquals(new float[] {1, 1, 1, 1}, read(layer, "conv/bn_htilde/0/gamma"));
    assertArrayEquals(new float[] {0, 0, 0, 0}, read(layer, "conv/bn_htilde/0/beta"));
  }

  @Test
  void gradientsAreFiniteWhereANeighbourLiesOnItsKernelPoint() {
    KPConvXLayer layer = layer(KPConvXLayer.builder().deformable(true));
    // Every point is its own only neighbour, and Q_0 is 0: each distance is exactly 0.
    List<Operand<?>> inputs =
        List.of(
            tf.constant(new float[][][] {{{1, 2, 3}, {4, 5, 6}}}),
            tf.random.randomUniform(tf.array(1, 2, FEATURES), TFloat32.class),
            tf.constant(new int[][][] {{{0}, {1}}}));
    Operand<TFloat32> y = layer.call(tf, inputs, Mode.INFERENCE);
    Operand<TFloat32> sum = tf.reduceSum(y, tf.constant(new int[] {0, 1, 2}));
    List<Operand<TFloat32>> gradients =
        Gradients.of(
            tf, sum, List.of(floats(inputs.get(0)), layer.variables().get("conv/Q").value()));
    assertArrayEquals(new float[6], fetch(gradients.get(0)));
    assertArrayEquals(new float[63], fetch(gradients.get(1)));
  }

  @Test
  void whatTheScalarDoesNotDependOnHasAGradientOfZero() {
    Operand<TFloat32> a = tf.constant(new float[] {1, 2});
    Operand<TFloat32> b = tf.constant(new float[] {3, 4});
    Operand<TFloat32> scalar = tf.reduceSum(tf.math.square(b), tf.constant(0));
    List<Operand<TFloat32>> gradients = Gradients.of(tf, scalar, List.of(a, b));
    assertArrayEquals(new float[] {0, 0}, fetch(gradients.get(0)));
    assertArrayEquals(new float[] {6, 8}, fetch(gradients.get(1)));
    assertArrayEquals(
        new float[] {0, 0}, fetch(Gradients.of(tf, tf.constant(1f), List.of(a)).get(0)));
    try (EagerSession eager = EagerSession.create()) {
      Ops eagerly = Ops.create(eager);
      Operand<TFloat32> one = eagerly.constant(1f);
      assertThrows(IllegalArgumentException.class, () -> Gradients.of(eagerly, one, List.of(one)));
    }
  }

  @Test
  void everyWeightButTheKernelPointsIsRegularizedAndConstrained() {
    KPConvXLayer layer =
        layer(
            KPConvXLayer.builder()
                .deformable(true)
                .set("regularizer", TextNode.valueOf("l1"))
                .set("constraint", TextNode.valueOf("non_neg")));
    Set<String> weights =
        Set.of(
            "conv/W",
            "conv/Phi",
            "conv/phi",
            "conv/Psi",
            "conv/psi",
            "conv/Atilde",
            "conv/btilde",
            "conv/Ahat",
            "conv/bhat");
    Map<String, Operand<TFloat32>> losses = layer.regularizationLosses(tf);
    assertEquals(weights, losses.keySet());
    double expected = 0;
    for (float value : read(layer, "conv/W")) {
      expected += 0.01 * Math.abs(value);
    }
    assertEquals(expected, fetch(losses.get("conv/W"))[0], 1e-5);
    Map<String, Op> projections = layer.projections(tf);
    assertEquals(weights, projections.keySet());
    float[] before = read(layer, "conv/Phi");
    run(List.copyOf(projections.values()));
    float[] after = read(layer, "conv/Phi");
    for (int i = 0; i < before.length; i++) {
      assertEquals(Math.max(0, before[i]), after[i]);
    }
  }

  @Test
  void theKernelPointInitializerIsReadAndWrittenAsPythonDoes() {
    FibonacciShellInitializer initializer =
        new FibonacciShellInitializer(List.of(0.0, 0.8), List.of(1, 5));
    var json = initializer.serialize(true);
    assertEquals(2, json.configJson().get("shells").intValue());
    assertTrue(json.configJson().get("deformable").booleanValue());
    assertArrayEquals(initializer.points(), FibonacciShellInitializer.of(json).points());
    assertThrows(KerasException.class, () -> initializer.call(tf, Shape.of(5, 3), 0));
    var wrong = json.json();
    wrong.withObject("/config").put("shells", 3);
    String message =
        assertThrows(
                KerasException.class,
                () ->
                    FibonacciShellInitializer.of(
                        io.github.kpconvx.keras.config.KerasObject.of(wrong)))
            .getMessage();
    assertTrue(message.contains("shells = 3, expected 2"), message);
    wrong.withObject("/config").put("shells", 2).put("radius", 3);
    message =
        assertThrows(
                KerasException.class,
                () ->
                    FibonacciShellInitializer.of(
                        io.github.kpconvx.keras.config.KerasObject.of(wrong)))
            .getMessage();
    assertTrue(message.contains("\"radius\""), message);
  }

  @SuppressWarnings("unchecked") // Of X and F.
  private static Operand<TFloat32> floats(Operand<?> operand) {
    return (Operand<TFloat32>) operand;
  }
}
