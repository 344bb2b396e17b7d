package io.github.kpconvx.layer.vl3d;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.Property;
import io.github.kpconvx.Sample;
import io.github.kpconvx.layer.Mode;
import io.github.kpconvx.layer.vl3d.LayerSetup.Norm;
import io.github.kpconvx.layer.vl3d.LayerSetup.Norms;
import io.github.kpconvx.layer.vl3d.LayerSetup.Shells;
import io.github.kpconvx.layer.vl3d.PointSet.Draw;
import io.github.kpconvx.layer.vl3d.PointSet.Geometry;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.tensorflow.exceptions.TFInvalidArgumentException;

/**
 * What does not change a layer's output, or changes it in a known way: bit by bit where the same
 * numbers are computed, else within what rounding explains.
 */
class LayerInvarianceTest {
  private static final double FORWARD = 1e-5;

  /** Graphs are slow to start: each layer is built once. */
  private static final Map<LayerSetup, BuiltLayer> BUILT = new HashMap<>();

  private static final Shells CENTRED = new Shells(List.of(0.0, 0.5, 1.0), List.of(1, 4, 6));
  private static final Shells HOLLOW = new Shells(List.of(0.7), List.of(5));
  private static final Shells POINT = new Shells(List.of(0.0), List.of(1));
  private static final List<Norm> MIXED =
      List.of(new Norm(false, true, 1e-3, 0.9, true), new Norm(true, false, 1e-2, 0.5, false));
  private static final LayerSetup[] SETUPS = {
    new LayerSetup(1, CENTRED, 1, 1, 5, 7, false, 0, Nonlinearity.DEFAULT, 0.9, Norms.NONE, false),
    new LayerSetup(
        2,
        CENTRED,
        0.6,
        2,
        3,
        4,
        true,
        0,
        Nonlinearity.SILU,
        0.9,
        new Norms(Optional.of(MIXED), Optional.empty(), Optional.of(MIXED)),
        false),
    new LayerSetup(3, HOLLOW, 1.5, 4, 2, 3, false, 0, Nonlinearity.TANH, 0.5, Norms.NONE, true),
    new LayerSetup(1, POINT, 2, 3, 1, 8, true, 0, Nonlinearity.RELU, 0.9, Norms.NONE, true)
  };

  @AfterAll
  static void close() {
    BUILT.values().forEach(BuiltLayer::close);
    BUILT.clear();
  }

  private static BuiltLayer built(LayerSetup setup) {
    return BUILT.computeIfAbsent(setup, BuiltLayer::new);
  }

  /** A layer with weights, and what it makes of a point set. */
  private static final class Example {
    private final LayerSetup setup;
    private final PointSet points;
    private final Mode mode;
    private final Map<String, float[]> weights;
    private final BuiltLayer.Run run;

    Example(LayerSetup setup, Draw draw, Mode mode) {
      this(setup, draw.points(setup.features()), mode, built(setup).drawWeights(draw));
    }

    Example(LayerSetup setup, PointSet points, Mode mode, Map<String, float[]> weights) {
      this.setup = setup;
      this.points = points;
      this.mode = mode;
      this.weights = weights;
      built(setup).assign(weights);
      this.run = built(setup).run(points, mode);
    }

    Example with(PointSet others) {
      return new Example(setup, others, mode, weights);
    }

    /** The same in another unit of length. */
    Example scaled(double unit) {
      Map<String, float[]> others = new LinkedHashMap<>(weights);
      others.put("Q", times(weights.get("Q"), (float) unit));
      return new Example(
          setup.scaled(unit), points.withX(times(points.x(), (float) unit)), mode, others);
    }

    float[] output() {
      return run.output();
    }

    /** How far rounding may have carried each output away. */
    double[] errors() {
      Map<String, double[]> doubles = LayerOracleTest.doubles(weights);
      return LayerOracle.run(
              setup,
              doubles,
              points,
              LayerOracleTest.doubles(points.x()),
              LayerOracleTest.doubles(points.f()),
              new LayerOracle.Given(
                  run.nearest(), new boolean[setup.blocks()][points.batch()], Map.of()),
              mode == Mode.TRAINING)
          .output()
          .error();
    }

    /** Whether rounding could decide which kernel point is nearest. */
    boolean hasTies() {
      double[] q = LayerOracleTest.doubles(weights.get("Q"));
      return LayerOracle.checkNearest(points, q, run.nearest(), false) > 0;
    }

    /** Compares outputs of the same points, whose errors are alike. */
    void sameAs(float[] others) {
      double[] errors = errors();
      assertEquals(errors.length, others.length);
      for (int i = 0; i < others.length; i++) {
        float y = output()[i];
        double allowed = FORWARD * Math.max(1, Math.abs(y)) + 2 * errors[i];
        assertTrue(
            Math.abs(others[i] - y) <= allowed,
            "output %d: %s became %s, allowed are %s".formatted(i, y, others[i], allowed));
      }
    }
  }

  /** Of which no neighbour is equally near to two kernel points but by chance. */
  private static Draw cloud(RandomGenerator random) {
    return PointSet.any(random, Geometry.CLOUD);
  }

  private static int[] shuffled(int size, long seed) {
    List<Integer> order = new ArrayList<>(IntStream.range(0, size).boxed().toList());
    Collections.shuffle(order, new Random(seed));
    return order.stream().mapToInt(Integer::intValue).toArray();
  }

  @Property
  void permutedPointsGivePermutedOutputs(Sample sample) {
    LayerSetup setup = sample.drawOneOf(SETUPS);
    Draw draw = sample.draw(PointSet::any);
    Mode mode = sample.drawOneOf(Mode.values());
    Example example = new Example(setup, draw, mode);
    PointSet points = example.points;
    int[] order = shuffled(points.points(), draw.seed());
    int[] place = new int[order.length];
    for (int i = 0; i < order.length; i++) {
      place[order[i]] = i;
    }
    int[] rows =
        IntStream.range(0, points.rows())
            .map(row -> row / points.points() * points.points() + order[row % points.points()])
            .toArray();
    long[] n = new long[points.n().length];
    for (int i = 0; i < n.length; i++) {
      int slot = rows[i / points.slots()] * points.slots() + i % points.slots();
      n[i] = place[(int) points.n()[slot]];
    }
    PointSet permuted =
        points
            .withX(PointSet.pick(points.x(), 3, rows))
            .withF(PointSet.pick(points.f(), setup.features(), rows))
            .withN(points.slots(), n);
    float[] found = example.with(permuted).output();
    float[] back = new float[found.length];
    for (int row = 0; row < rows.length; row++) {
      System.arraycopy(
          found, row * setup.features(), back, rows[row] * setup.features(), setup.features());
    }
    example.sameAs(back);
  }

  @Property
  void theOrderOfNeighboursDoesNotMatter(Sample sample) {
    LayerSetup setup = sample.drawOneOf(SETUPS);
    Draw draw = sample.draw(PointSet::any);
    Mode mode = sample.drawOneOf(Mode.values());
    Example example = new Example(setup, draw, mode);
    int slots = draw.slots();
    long[] n = example.points.n().clone();
    for (int row = 0; row < example.points.rows(); row++) {
      int[] order = shuffled(slots, draw.seed() + row);
      for (int slot = 0; slot < slots; slot++) {
        n[row * slots + slot] = example.points.n()[row * slots + order[slot]];
      }
    }
    example.sameAs(example.with(example.points.withN(slots, n)).output());
  }

  @Property
  void aNeighbourCountsAsOftenAsItIsNamed(Sample sample) {
    LayerSetup setup = sample.drawOneOf(SETUPS);
    Draw draw = sample.draw(PointSet::any);
    Mode mode = sample.drawOneOf(Mode.values());
    Example example = new Example(setup, draw, mode);
    int slots = draw.slots();
    long[] twice = new long[2 * example.points.n().length];
    for (int i = 0; i < twice.length; i++) {
      twice[i] = example.points.n()[i / (2 * slots) * slots + i % slots];
    }
    Map<String, float[]> weights = new LinkedHashMap<>(example.weights);
    weights.put("W", times(weights.get("W"), 0.5f));
    example.sameAs(
        new Example(setup, example.points.withN(2 * slots, twice), mode, weights).output());
  }

  @Property
  void theOriginDoesNotMatter(Sample sample) {
    LayerSetup setup = sample.drawOneOf(SETUPS);
    Draw draw = sample.draw(PointSet::any);
    Mode mode = sample.drawOneOf(Mode.values());
    int shift = sample.draw(random -> random.nextInt(-4000, 4001));
    Example drawn = new Example(setup, draw, mode);
    float[] x = drawn.points.x().clone();
    float[] shifted = new float[x.length];
    for (int i = 0; i < x.length; i++) {
      // Few enough digits that the sum has them all.
      x[i] = Math.round(x[i] % 1024 * 64) / 64f;
      shifted[i] = x[i] + shift / 4f * (1 + i % 3);
    }
    Example example = drawn.with(drawn.points.withX(x));
    assertArrayEquals(example.output(), drawn.with(drawn.points.withX(shifted)).output());
  }

  @Property
  void theUnitOfLengthDoesNotMatter(Sample sample) {
    LayerSetup setup = sample.drawOneOf(SETUPS);
    Mode mode = sample.drawOneOf(Mode.values());
    double unit = sample.drawOneOf(0.0625, 1000.0, 0.3048, 256.0);
    boolean exact = Math.scalb(1.0, Math.getExponent(unit)) == unit;
    Draw draw =
        sample.draw(
            LayerInvarianceTest::cloud,
            each -> {
              Example example = new Example(setup, each, mode);
              return exact || !(example.hasTies() || example.scaled(unit).hasTies());
            });
    Example example = new Example(setup, draw, mode);
    float[] scaled = example.scaled(unit).output();
    if (exact) {
      assertArrayEquals(example.output(), scaled);
    } else {
      example.sameAs(scaled);
    }
  }

  @Property
  void turningAndMirroringPointsAndKernelPointsChangesNothing(Sample sample) {
    LayerSetup setup = sample.drawOneOf(SETUPS);
    Draw draw = sample.draw(random -> PointSet.any(random, Geometry.GRID));
    Mode mode = sample.drawOneOf(Mode.values());
    Example example = new Example(setup, draw, mode);
    int[] axes = shuffled(3, draw.seed());
    Random random = new Random(draw.seed());
    float[] signs = {1 - 2 * random.nextInt(2), 1 - 2 * random.nextInt(2), 1};
    Map<String, float[]> weights = new LinkedHashMap<>(example.weights);
    weights.put("Q", turned(weights.get("Q"), axes, signs));
    PointSet points = example.points.withX(turned(example.points.x(), axes, signs));
    // Nothing is rounded on a grid.
    assertArrayEquals(example.output(), new Example(setup, points, mode, weights).output());
  }

  private static float[] turned(float[] points, int[] axes, float[] signs) {
    float[] turned = new float[points.length];
    for (int i = 0; i < points.length; i++) {
      turned[i] = signs[i % 3] * points[i / 3 * 3 + axes[i % 3]];
    }
    return turned;
  }

  @Property
  void theOrderOfKernelPointsDoesNotMatter(Sample sample) {
    LayerSetup setup = sample.drawOneOf(SETUPS);
    Mode mode = sample.drawOneOf(Mode.values());
    Draw draw =
        sample.draw(LayerInvarianceTest::cloud, each -> !new Example(setup, each, mode).hasTies());
    Example example = new Example(setup, draw, mode);
    int m = setup.kernelPoints();
    int[] order = shuffled(m, draw.seed());
    Map<String, float[]> weights = new LinkedHashMap<>(example.weights);
    weights.put("Q", PointSet.pick(weights.get("Q"), 3, order));
    // The rows of W and the columns of Psi and psi, a group of them for each kernel point.
    Map.of("W", setup.features(), "Psi", setup.columns(), "psi", setup.columns())
        .forEach(
            (name, size) -> {
              float[] values = weights.get(name);
              int[] rows =
                  IntStream.range(0, values.length / size)
                      .map(row -> row / m * m + order[row % m])
                      .toArray();
              weights.put(name, PointSet.pick(values, size, rows));
            });
    example.sameAs(new Example(setup, example.points, mode, weights).output());
  }

  @Property
  void elementsOfABatchKnowNothingOfEachOther(Sample sample) {
    LayerSetup setup = sample.drawOneOf(SETUPS);
    Draw draw = sample.draw(PointSet::any);
    Example example = new Example(setup, draw, Mode.INFERENCE);
    float[][] alone = new float[draw.batch()][];
    for (int b = 0; b < draw.batch(); b++) {
      alone[b] = example.with(example.points.elements(b)).output();
    }
    example.sameAs(joined(alone));
  }

  @Property
  void aRepeatedElementHasRepeatedOutputs(Sample sample) {
    LayerSetup setup = sample.drawOneOf(SETUPS);
    Draw draw = sample.draw(PointSet::any);
    Mode mode = sample.drawOneOf(Mode.values());
    int[] all = IntStream.range(0, 2 * draw.batch()).map(b -> b % draw.batch()).toArray();
    Example once = new Example(setup, draw, mode);
    Example twice = once.with(once.points.elements(all));
    float[][] halves = new float[2][];
    int size = once.output().length;
    for (int half = 0; half < 2; half++) {
      halves[half] = Arrays.copyOfRange(twice.output(), half * size, (half + 1) * size);
      // Everything twice has the same statistics as once.
      once.sameAs(halves[half]);
    }
  }

  @Property
  void blocksFollowEachOther(Sample sample) {
    LayerSetup setup = sample.drawOneOf(SETUPS);
    Draw draw = sample.draw(PointSet::any);
    Mode mode = sample.drawOneOf(Mode.values());
    Example example = new Example(setup, draw, mode);
    PointSet points = example.points;
    for (int t = 0; t < setup.blocks(); t++) {
      Map<String, float[]> weights = new LinkedHashMap<>();
      for (Map.Entry<String, float[]> weight : example.weights.entrySet()) {
        String name = weight.getKey();
        float[] values = weight.getValue();
        int size = values.length / setup.blocks();
        if (name.equals("Q")) {
          weights.put(name, values);
        } else if (!name.contains("/")) {
          weights.put(name, Arrays.copyOfRange(values, t * size, (t + 1) * size));
        } else if (name.contains("/" + t + "/")) {
          weights.put(name.replace("/" + t + "/", "/0/"), values);
        }
      }
      Norms norms =
          new Norms(
              only(setup.norms().phi(), t),
              only(setup.norms().htilde(), t),
              only(setup.norms().hhat(), t));
      LayerSetup one = setup.withBlocks(1).withNorms(norms);
      points = points.withF(new Example(one, points, mode, weights).output());
    }
    example.sameAs(points.f());
  }

  private static Optional<List<Norm>> only(Optional<List<Norm>> norms, int t) {
    return norms.map(all -> List.of(all.get(t)));
  }

  @Property
  void aGroupIsChannelsThatShareTheirModulation(Sample sample) {
    LayerSetup setup = sample.drawOneOf(SETUPS);
    Draw draw = sample.draw(PointSet::any);
    Mode mode = sample.drawOneOf(Mode.values());
    Example example = new Example(setup, draw, mode);
    Map<String, float[]> weights = new LinkedHashMap<>(example.weights);
    for (String name : List.of("Psi", "psi")) {
      float[] shared = weights.get(name);
      float[] own = new float[shared.length * setup.groups()];
      for (int i = 0; i < own.length; i++) {
        own[i] = shared[i / setup.groups()];
      }
      weights.put(name, own);
    }
    example.sameAs(new Example(setup.withGroups(1), example.points, mode, weights).output());
  }

  @Property
  void onlyPointsWithinReachMatter(Sample sample) {
    LayerSetup setup = sample.drawOneOf(SETUPS);
    Draw draw = sample.draw(PointSet::any);
    LayerSetup one = setup.withBlocks(1).withNorms(Norms.NONE);
    Example example = new Example(one, draw, Mode.INFERENCE);
    PointSet points = example.points;
    float[] h = example.run.values().get("h");
    int row = Math.floorMod(draw.seed(), points.rows());
    boolean[] matters = new boolean[points.rows()];
    matters[row] = true;
    for (int slot = 0; slot < points.slots(); slot++) {
      matters[points.neighbour(row, slot)] |= h[row * points.slots() + slot] > 0;
    }
    int d = setup.features();
    float[] f = points.f().clone();
    for (int i = 0; i < f.length; i++) {
      f[i] = matters[i / d] ? f[i] : 7 - 3 * f[i];
    }
    assertArrayEquals(
        PointSet.pick(example.output(), d, row),
        PointSet.pick(example.with(points.withF(f)).output(), d, row));
  }

  @Property
  void pointsWithoutFeaturesAreAllAlike(Sample sample) {
    LayerSetup setup = sample.drawOneOf(SETUPS);
    Draw draw = sample.draw(PointSet::any);
    Geometry geometry = sample.drawOneOf(Geometry.values());
    LayerSetup one = setup.withBlocks(1).withNorms(Norms.NONE);
    Example drawn = new Example(one, draw, Mode.INFERENCE);
    float[] nothing = new float[drawn.points.f().length];
    Example empty = drawn.with(drawn.points.withF(nothing));
    PointSet elsewhere =
        new Draw(draw.batch(), draw.points(), draw.slots(), geometry, draw.seed() + 1)
            .points(one.features());
    assertArrayEquals(empty.output(), drawn.with(elsewhere.withF(nothing)).output());
    float[] first = new float[nothing.length];
    for (int i = 0; i < first.length; i++) {
      first[i] = empty.output()[i % one.features()];
    }
    empty.sameAs(first);
  }

  @Property
  void nothingComesOfNoNeighboursNoPointsAndNoElements(Sample sample) {
    LayerSetup setup = sample.drawOneOf(SETUPS);
    Draw draw = sample.draw(PointSet::any);
    LayerSetup one = setup.withBlocks(1).withNorms(Norms.NONE);
    Example drawn = new Example(one, draw, Mode.INFERENCE);
    Example alone = drawn.with(drawn.points.withN(0, new long[0]));
    assertArrayEquals(new float[drawn.output().length], alone.run.values().get("block_0/f"));
    PointSet noPoints =
        new PointSet(draw.batch(), 0, draw.slots(), new float[0], new float[0], new long[0]);
    assertEquals(0, drawn.with(noPoints).output().length);
    assertEquals(0, drawn.with(drawn.points.elements()).output().length);
  }

  @Property
  void droppingEveryBranchLeavesTheFeatures(Sample sample) {
    LayerSetup setup = sample.drawOneOf(SETUPS);
    Draw draw = sample.draw(PointSet::any);
    Example example = new Example(setup.withDropPath(1), draw, Mode.TRAINING);
    assertArrayEquals(example.points.f(), example.output());
  }

  @Property
  void widerIndicesAndDeformableKernelPointsComputeTheSame(Sample sample) {
    LayerSetup setup = sample.drawOneOf(SETUPS);
    Draw draw = sample.draw(PointSet::any);
    Mode mode = sample.drawOneOf(Mode.values());
    Example example = new Example(setup, draw, mode);
    LayerSetup other = setup.withWide(!setup.wide()).withDeformable(!setup.deformable());
    assertArrayEquals(
        example.output(), new Example(other, example.points, mode, example.weights).output());
  }

  @Property
  void aWrongNeighbourIsNamed(Sample sample) {
    LayerSetup setup = sample.drawOneOf(SETUPS);
    Draw draw = sample.draw(PointSet::any);
    Example example = new Example(setup, draw, Mode.INFERENCE);
    PointSet points = example.points;
    int place = Math.floorMod(draw.seed(), points.n().length);
    long index =
        sample.draw(
            random -> setup.wide() ? wrong(random) : (int) wrong(random),
            drawn -> drawn < 0 || drawn >= points.points());
    long[] n = points.n().clone();
    n[place] = index;
    String message =
        assertThrows(
                TFInvalidArgumentException.class,
                () -> example.with(points.withN(points.slots(), n)))
            .getMessage();
    int perElement = points.points() * points.slots();
    String expected =
        "neighbour index %d at (batch element, point, slot) = [%d %d %d] is outside [0, R) with R = %d"
            .formatted(
                index,
                place / perElement,
                place % perElement / points.slots(),
                place % points.slots(),
                points.points());
    assertTrue(message.contains(expected), () -> message + " is not " + expected);
  }

  /** Some are right once cut to 32 bits. */
  private static long wrong(RandomGenerator random) {
    return random.nextBoolean()
        ? Sample.oneOf(
            random, -1L, 9L, 1000L, (1L << 32) - 1, Long.MAX_VALUE, Long.MIN_VALUE, 1L << 32)
        : random.nextLong() >> random.nextInt(Long.SIZE);
  }

  @Property
  void aCoordinateThatIsNotFiniteIsRefused(Sample sample) {
    LayerSetup setup = sample.drawOneOf(SETUPS);
    Draw draw = sample.draw(PointSet::any);
    float wrong = sample.drawOneOf(Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY);
    Example example = new Example(setup, draw, Mode.INFERENCE);
    float[] x = example.points.x().clone();
    x[Math.floorMod(draw.seed(), x.length)] = wrong;
    String message =
        assertThrows(TFInvalidArgumentException.class, () -> example.with(example.points.withX(x)))
            .getMessage();
    assertTrue(message.contains("X holds a coordinate that is not finite"), message);
  }

  private static float[] times(float[] values, float factor) {
    float[] scaled = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      scaled[i] = values[i] * factor;
    }
    return scaled;
  }

  private static float[] joined(float[][] parts) {
    float[] all = new float[Arrays.stream(parts).mapToInt(part -> part.length).sum()];
    int at = 0;
    for (float[] part : parts) {
      System.arraycopy(part, 0, all, at, part.length);
      at += part.length;
    }
    return all;
  }
}
