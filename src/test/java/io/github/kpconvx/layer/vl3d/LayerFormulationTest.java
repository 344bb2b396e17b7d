package io.github.kpconvx.layer.vl3d;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.Fixtures;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.layer.CallContext;
import io.github.kpconvx.layer.Formulation;
import io.github.kpconvx.layer.LayerVariable;
import io.github.kpconvx.layer.Mode;
import io.github.kpconvx.layer.function.ActivationTest;
import io.github.kpconvx.layer.tiling.Padding;
import io.github.kpconvx.layer.tiling.TileSize;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.Graph;
import org.tensorflow.GraphOperation;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TType;

/**
 * What the forms of inference promise of a layer besides the values, which models are compared by.
 */
class LayerFormulationTest {
  private static final int D = 16;
  private static final int SLOTS = 6;

  private final Map<String, TFloat32> values = new LinkedHashMap<>();

  @AfterEach
  void close() {
    values.values().forEach(TFloat32::close);
  }

  private static KPConvXLayer layer(String name, double sigma) {
    return KPConvXLayer.builder()
        .name(name)
        .blocks(2)
        .hiddenChannels(12)
        .sigma(sigma)
        .groups(4)
        .build();
  }

  /** Draws a value for each weight; kernel points from their own seed. */
  private void draw(KPConvXLayer layer, long seed, long seedOfQ) {
    try (Graph graph = new Graph()) {
      KPConvXLayer same = KPConvXLayer.fromConfig(layer.serialize().json().toString());
      same.build(Ops.create(graph), D);
      Random random = new Random(seed);
      same.variables()
          .forEach(
              (name, variable) -> {
                Random source = name.endsWith("/Q") ? new Random(seedOfQ) : random;
                boolean variance = name.endsWith("moving_variance");
                Shape shape = variable.spec().shape();
                float[] value = new float[(int) shape.size()];
                for (int i = 0; i < value.length; i++) {
                  value[i] =
                      variance ? 0.5f + source.nextFloat() : (float) source.nextGaussian() * 0.3f;
                }
                values.put(name, TFloat32.tensorOf(shape, DataBuffers.of(value)));
              });
    }
  }

  private static Operand<TFloat32> floats(Ops tf, long last) {
    return tf.placeholder(TFloat32.class, Placeholder.shape(Shape.of(-1, -1, last)));
  }

  private static long loops(Graph graph, String name) {
    Stream<GraphOperation> operations =
        StreamSupport.stream(((Iterable<GraphOperation>) graph::operations).spliterator(), false);
    return operations
        .filter(op -> op.type().equals("StatelessWhile") && op.name().contains(name))
        .count();
  }

  /** Two layers in a row; returns the number of loops that compute geometries, and blocks. */
  private List<Long> partsComputed(double sigma, long seedOfQ) {
    values.values().forEach(TFloat32::close);
    values.clear();
    KPConvXLayer first = layer("first", 1);
    KPConvXLayer second = layer("second", sigma);
    draw(first, 1, 5);
    draw(second, 2, seedOfQ);
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat32> x = floats(tf, 3);
      Operand<TInt32> n = tf.placeholder(TInt32.class, Placeholder.shape(Shape.of(-1, -1, SLOTS)));
      CallContext context = CallContext.of(Mode.INFERENCE).withFormulation(Formulation.COMPILED);
      Operand<TFloat32> f = floats(tf, D);
      for (KPConvXLayer layer : List.of(first, second)) {
        layer.freeze(values);
        layer.build(tf, D);
        f = layer.call(tf, List.of(x, f, n), context);
      }
      assertEquals(D, f.shape().get(2));
      return List.of(loops(graph, "geometry"), loops(graph, "block"));
    }
  }

  @Test
  void layersOfTheSamePointsAndKernelPointsShareTheirGeometry() {
    assertEquals(List.of(1L, 4L), partsComputed(1, 5));
    assertEquals(List.of(2L, 4L), partsComputed(1.5, 5));
    assertEquals(List.of(2L, 4L), partsComputed(1, 6));
  }

  /** One layer, frozen or not, of int32 or int64 neighbours, answers alike in every form. */
  @ParameterizedTest
  @EnumSource
  void answersAlike(Formulation form) {
    KPConvXLayer variable = layer("conv", 1);
    KPConvXLayer frozen = layer("conv", 1);
    draw(variable, 3, 4);
    List<String> stages = new ArrayList<>();
    try (Graph graph = new Graph();
        Session session = new Session(graph)) {
      Ops tf = Ops.create(graph);
      Operand<TFloat32> x = floats(tf, 3);
      Operand<TFloat32> f = floats(tf, D);
      Operand<TInt64> n = tf.placeholder(TInt64.class, Placeholder.shape(Shape.of(-1, -1, SLOTS)));
      variable.build(tf, D);
      values.forEach((name, value) -> variable.variables().get(name).assign(session, value));
      Operand<TFloat32> expected = variable.call(tf, x, f, n, Mode.INFERENCE);
      frozen.freeze(values);
      frozen.build(tf, D);
      Operand<TFloat32> found =
          frozen.call(
              tf,
              List.of(x, f, n),
              CallContext.of(Mode.INFERENCE)
                  .withFormulation(form)
                  .withStages((name, value) -> stages.add(name)));
      Random random = new Random(8);
      try (TFloat32 places = TFloat32.tensorOf(Shape.of(2, 33, 3));
          TFloat32 features = TFloat32.tensorOf(Shape.of(2, 33, D));
          TInt64 neighbours = TInt64.tensorOf(Shape.of(2, 33, SLOTS))) {
        places.scalars().forEach(value -> value.setFloat(random.nextFloat()));
        // So far away that the squares overflow: without influence, and no kernel point nearer.
        places.setFloat(2e19f, 0, 5, 0);
        places.setFloat(-3e38f, 1, 7, 1);
        places.setFloat(3e38f, 1, 9, 1);
        features.scalars().forEach(value -> value.setFloat((float) random.nextGaussian()));
        neighbours.scalars().forEach(value -> value.setLong(random.nextInt(33)));
        try (var results =
            session
                .runner()
                .feed(x, places)
                .feed(f, features)
                .feed(n, neighbours)
                .fetch(expected)
                .fetch(found)
                .run()) {
          float[] a = array((TFloat32) results.get(0));
          float[] b = array((TFloat32) results.get(1));
          assertArrayEquals(a, b, 1e-5f);
          assertTrue(new Random(1).ints(50, 0, a.length).anyMatch(i -> Math.abs(a[i]) > 0.1));
        }
      }
    }
    assertEquals(
        List.of("k", "h", "block_0/A", "block_0/f", "block_0/u", "block_0/v", "block_0/F"),
        stages.subList(0, 7));
    assertEquals(12, stages.size());
  }

  /** Those that TensorFlow joins with a product, one with a parameter, one over a row. */
  private static final Set<String> USUAL = Set.of("relu", "elu", "gelu", "leaky_relu", "softmax");

  static Stream<String> usual() {
    return ActivationTest.functions().filter(USUAL::contains);
  }

  static Stream<String> others() {
    // glu halves the channels.
    return ActivationTest.functions().filter(name -> !USUAL.contains(name) && !name.equals("glu"));
  }

  /**
   * TensorFlow joins a product with what follows it, and knows more to join than it can compute.
   */
  @ParameterizedTest
  @MethodSource("usual")
  void anActivationFollowsAProduct(String activation) {
    ObjectNode config = layer("conv", 1).serialize().json();
    ((ObjectNode) config.get("config")).put("activation", activation);
    draw(layer("conv", 1), 3, 4);
    Random random = new Random(8);
    try (Graph graph = new Graph();
        Session session = new Session(graph);
        TFloat32 places = TFloat32.tensorOf(Shape.of(2, 99, 3));
        TFloat32 features = TFloat32.tensorOf(Shape.of(2, 99, D));
        TInt32 neighbours = TInt32.tensorOf(Shape.of(2, 99, SLOTS))) {
      places.scalars().forEach(value -> value.setFloat(random.nextFloat()));
      features.scalars().forEach(value -> value.setFloat((float) random.nextGaussian() * 0.3f));
      neighbours.scalars().forEach(value -> value.setInt(random.nextInt(99)));
      Ops tf = Ops.create(graph);
      Operand<TFloat32> x = floats(tf, 3);
      Operand<TFloat32> f = floats(tf, D);
      Operand<TInt32> n = tf.placeholder(TInt32.class, Placeholder.shape(Shape.of(-1, -1, SLOTS)));
      KPConvXLayer frozen = KPConvXLayer.fromConfig(config.toString());
      frozen.freeze(values);
      frozen.build(tf, D);
      Session.Runner runner = session.runner().feed(x, places).feed(f, features);
      runner.feed(n, neighbours);
      for (Formulation form : new Formulation[] {Formulation.PLAIN, Formulation.COMPILED}) {
        CallContext context = CallContext.of(Mode.INFERENCE).withFormulation(form);
        runner.fetch(frozen.call(tf, List.of(x, f, n), context));
      }
      try (var results = runner.run()) {
        float[] expected = array((TFloat32) results.get(0));
        float[] found = array((TFloat32) results.get(1));
        for (int i = 0; i < expected.length; i++) {
          assertEquals(expected[i], found[i], 1e-5f * Math.max(1, Math.abs(expected[i])));
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("others")
  @Tag(Fixtures.FULL)
  void everyOtherActivationToo(String activation) {
    anActivationFollowsAProduct(activation);
  }

  /** TensorFlow computes ahead what follows from sizes, and leaves out what then seems unused. */
  @ParameterizedTest
  @EnumSource
  void sizesMayBeKnownWhenTheGraphIsBuilt(Formulation form) {
    KPConvXLayer layer = layer("conv", 1);
    draw(layer, 5, 6);
    float[][] answers = new float[2][];
    for (boolean known : new boolean[] {false, true}) {
      int b = known ? 2 : -1;
      int r = known ? 700 : -1;
      Random random = new Random(9);
      KPConvXLayer own = layer("conv", 1);
      own.freeze(values);
      try (Graph graph = new Graph();
          Session session = new Session(graph);
          TFloat32 places = TFloat32.tensorOf(Shape.of(2, 700, 3));
          TFloat32 features = TFloat32.tensorOf(Shape.of(2, 700, D));
          TInt32 neighbours = TInt32.tensorOf(Shape.of(2, 700, SLOTS))) {
        places.scalars().forEach(value -> value.setFloat(random.nextFloat()));
        features.scalars().forEach(value -> value.setFloat((float) random.nextGaussian()));
        neighbours.scalars().forEach(value -> value.setInt(random.nextInt(700)));
        Ops tf = Ops.create(graph);
        own.build(tf, D);
        Operand<TFloat32> x = tf.placeholder(TFloat32.class, Placeholder.shape(Shape.of(b, r, 3)));
        Operand<TFloat32> f = tf.placeholder(TFloat32.class, Placeholder.shape(Shape.of(b, r, D)));
        Operand<TInt32> n = tf.placeholder(TInt32.class, Placeholder.shape(Shape.of(b, r, SLOTS)));
        Operand<TFloat32> y =
            own.call(tf, List.of(x, f, n), CallContext.of(Mode.INFERENCE).withFormulation(form));
        try (var results =
            session.runner().feed(x, places).feed(f, features).feed(n, neighbours).fetch(y).run()) {
          answers[known ? 1 : 0] = array((TFloat32) results.get(0));
        }
      }
    }
    assertArrayEquals(answers[0], answers[1], 1e-6f);
    assertTrue(new Random(1).ints(50, 0, answers[0].length).anyMatch(i -> answers[1][i] > 0.1));
  }

  private static float[] array(TFloat32 tensor) {
    float[] array = new float[(int) tensor.size()];
    tensor.copyTo(DataBuffers.of(array));
    return array;
  }

  @Test
  void anOutlineTellsWhatTheLayerDoes() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      List<Operand<?>> inputs =
          List.of(
              tf.zeros(tf.array(2, 9, 3), TFloat32.class),
              tf.zeros(tf.array(2, 9, D), TFloat32.class),
              tf.zeros(tf.array(2, 9, SLOTS), TInt32.class));
      Map<String, Shape> shapes = new LinkedHashMap<>();
      Map<String, Class<?>> types = new LinkedHashMap<>();
      KPConvXLayer outline = layer("conv", 1);
      outline.outline();
      outline.build(tf, D);
      Operand<TFloat32> output =
          outline.call(
              tf,
              inputs,
              CallContext.of(Mode.INFERENCE)
                  .withStages(
                      (name, value) -> {
                        shapes.put(name, value.shape());
                        types.put(name, value.type());
                      }));
      assertEquals(Shape.of(2, 9, D), output.shape());
      assertThrows(IllegalStateException.class, outline::outline);

      Map<String, Operand<?>> stages = new LinkedHashMap<>();
      KPConvXLayer whole = layer("conv", 1);
      whole.build(tf, D);
      whole.call(tf, inputs, CallContext.of(Mode.INFERENCE).withStages(stages::put));
      assertEquals(whole.spec(), outline.spec());
      assertEquals(List.copyOf(stages.keySet()), List.copyOf(shapes.keySet()));
      try (Session session = new Session(graph)) {
        whole.initialize(session, 1);
        stages.forEach(
            (name, value) -> {
              try (Tensor computed = session.runner().fetch(value).run().get(0)) {
                assertEquals(computed.shape(), shapes.get(name), name);
                assertEquals(((TType) computed).type(), types.get(name), name);
              }
            });
      }
      LayerVariable weight = outline.variables().get("conv/W");
      IllegalStateException e = assertThrows(IllegalStateException.class, weight::variable);
      assertTrue(e.getMessage().contains("outlined"), e.getMessage());
    }
  }

  @Test
  void saysWhatItNeeds() {
    KPConvXLayer layer = layer("conv", 1);
    draw(layer, 1, 1);
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      List<Operand<?>> inputs =
          List.of(
              floats(tf, 3),
              floats(tf, D),
              tf.placeholder(TInt32.class, Placeholder.shape(Shape.of(-1, -1, -1))));
      KPConvXLayer trainable = layer("conv", 1);
      trainable.build(tf, D);
      CallContext context = CallContext.of(Mode.INFERENCE);
      for (Formulation form : List.of(Formulation.FOLDED, Formulation.COMPILED)) {
        IllegalStateException e =
            assertThrows(
                IllegalStateException.class,
                () -> trainable.call(tf, inputs, context.withFormulation(form)));
        assertTrue(e.getMessage().contains("call freeze first"), e.getMessage());
      }
      assertThrows(IllegalStateException.class, () -> trainable.freeze(values));

      layer.freeze(values);
      layer.build(tf, D);
      IllegalStateException unknown =
          assertThrows(
              IllegalStateException.class,
              () -> layer.call(tf, inputs, context.withFormulation(Formulation.COMPILED)));
      assertTrue(unknown.getMessage().contains("needs to know κ"), unknown.getMessage());
      LayerVariable weight = layer.variables().get("conv/Phi");
      IllegalStateException kept = assertThrows(IllegalStateException.class, weight::variable);
      assertTrue(kept.getMessage().contains("Phi"), kept.getMessage());
      try (Session session = new Session(graph)) {
        assertThrows(
            IllegalStateException.class, () -> weight.assign(session, values.get("conv/Phi")));
        try (TFloat32 value = weight.read(session)) {
          assertArrayEquals(array(values.get("conv/Phi")), array(value));
        }
      }
    }
  }

  @Test
  void aFrozenLayerNeedsEveryWeightInItsShape() {
    KPConvXLayer layer = layer("conv", 1);
    draw(layer, 1, 1);
    try (Graph graph = new Graph();
        TFloat32 wrong = TFloat32.tensorOf(Shape.of(2, D))) {
      Ops tf = Ops.create(graph);
      Map<String, TFloat32> missing = new LinkedHashMap<>(values);
      missing.remove("conv/Psi");
      KPConvXLayer incomplete = layer("conv", 1);
      incomplete.freeze(missing);
      KerasException e = assertThrows(KerasException.class, () -> incomplete.build(tf, D));
      assertTrue(e.getMessage().contains("no value for weight Psi"), e.getMessage());
      Map<String, TFloat32> misshapen = new LinkedHashMap<>(values);
      misshapen.put("conv/Phi", wrong);
      KPConvXLayer other = layer("conv", 1);
      other.freeze(misshapen);
      KerasException shape = assertThrows(KerasException.class, () -> other.build(tf, D));
      assertTrue(
          shape.getMessage().contains("Phi") && shape.getMessage().contains("[2, 16, 16]"),
          shape.getMessage());
    }
  }

  @Test
  void cloudsArePaddedByAnEighthAtMost() {
    int[] sizes = Padding.sizes();
    assertEquals(64, sizes[0]);
    for (int i = 1; i < sizes.length; i++) {
      double growth = (double) sizes[i] / sizes[i - 1];
      assertTrue(growth > 1.06 && growth <= 1.125, sizes[i - 1] + " to " + sizes[i]);
    }
    assertTrue(sizes[sizes.length - 1] >= 500_000_000);
  }

  @Test
  void tilesAreOfOneSizeAndNeitherSmallNorLarge() {
    for (int size : Padding.sizes()) {
      for (int most : new int[] {256, 2048, TileSize.COMPILED_GEOMETRY}) {
        int tile = Padding.tile(size, most, 1);
        assertEquals(0, size % tile, size + " rows in tiles of " + tile);
        assertTrue(
            tile <= most && tile > Math.min(size - 1, most / 2), size + " rows, tiles of " + tile);
      }
    }
  }

  @Test
  void processorsHaveATileEachUnlessItIsTooSmall() {
    for (int size : Padding.sizes()) {
      int tile = Padding.tile(size, TileSize.COMPILED_GEOMETRY, 6);
      assertEquals(0, size % tile, size + " rows in tiles of " + tile);
      assertTrue(
          size / tile >= 6 || tile < 2 * TileSize.COMPILED_FEWEST,
          size + " rows in tiles of " + tile);
      assertTrue(
          tile >= Math.min(size, TileSize.COMPILED_FEWEST), size + " rows in tiles of " + tile);
    }
  }
}
