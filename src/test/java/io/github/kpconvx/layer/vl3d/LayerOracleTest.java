package io.github.kpconvx.layer.vl3d;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.kpconvx.Property;
import io.github.kpconvx.Sample;
import io.github.kpconvx.layer.Mode;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;

/** Layers of any kind, on points of any kind, against double arithmetic. */
class LayerOracleTest {
  private static final double FORWARD = 1e-5;
  private static final double GRADIENT = 1e-4;

  /**
   * Rounding makes noise of a gradient that is 0: how large it may be as a part of the largest of
   * all. With statistics of the batch gradients are sums of what cancels out.
   */
  private static final Map<Mode, Double> NOISE = Map.of(Mode.INFERENCE, 1e-2, Mode.TRAINING, 1.0);

  /**
   * How large such noise may be as a part of the gradients of single rows, eight roundings: of rows
   * that hardly differ those are large, and cancel out in the gradients of all weights.
   */
  private static final double NOISE_OF_ROWS = 0x1p-21;

  /**
   * Of the central differences. A normalization by two points' statistics bends so sharply that
   * larger steps miss the slope; the oracle's double arithmetic allows smaller ones.
   */
  private static final double STEP = 1e-6;

  private static int kinks;
  private static int slots;
  private static int ties;
  private static int values;
  private static int loose;

  private static List<PointSet.Draw> draws(Sample sample) {
    return sample.draw(random -> Stream.generate(() -> PointSet.any(random)).limit(3).toList());
  }

  @AfterAll
  static void report() {
    System.out.printf(
        "%,d slots, in %d rounding could decide the kernel point;"
            + " %,d values compared, %,d of them more loosely than to %.0e;"
            + " %d point sets too near to a kink for differences%n",
        slots, ties, values, loose, FORWARD, kinks);
  }

  @Property
  void inference(Sample sample) {
    LayerSetup setup = sample.draw(LayerSetup::any);
    List<PointSet.Draw> draws = draws(sample);
    try (BuiltLayer layer = new BuiltLayer(setup)) {
      for (PointSet.Draw draw : draws) {
        compare(setup, layer, draw, Mode.INFERENCE);
      }
    }
  }

  @Property
  void training(Sample sample) {
    LayerSetup setup = sample.draw(LayerSetup::any);
    List<PointSet.Draw> draws = draws(sample);
    try (BuiltLayer layer = new BuiltLayer(setup)) {
      for (PointSet.Draw draw : draws) {
        compare(setup, layer, draw, Mode.TRAINING);
      }
    }
  }

  /**
   * The layer's gradients against central differences of the oracle, in a random direction of each
   * weight and input.
   */
  @Property
  void gradients(Sample sample) {
    LayerSetup setup =
        sample.draw(LayerSetup::any, each -> each.activation().isSmooth() && each.dropPath() < 1);
    List<PointSet.Draw> draws = draws(sample);
    Mode mode = sample.drawOneOf(Mode.INFERENCE, Mode.TRAINING);
    try (BuiltLayer layer = new BuiltLayer(setup)) {
      for (PointSet.Draw draw : draws) {
        compareGradients(setup, layer, draw, mode);
      }
    }
  }

  private static void compareGradients(
      LayerSetup setup, BuiltLayer layer, PointSet.Draw draw, Mode mode) {
    PointSet points = draw.points(setup.features());
    Map<String, float[]> weights = layer.drawWeights(draw);
    layer.assign(weights);
    Random random = new Random(draw.seed() + 2);
    float[] factors = new float[points.f().length];
    for (int i = 0; i < factors.length; i++) {
      factors[i] = (float) random.nextGaussian();
    }
    BuiltLayer.Run run = layer.differentiate(points, mode, factors);
    boolean training = mode == Mode.TRAINING;
    LayerOracle.Given given =
        new LayerOracle.Given(run.nearest(), dropped(setup, points, run, training), Map.of());
    Map<String, double[]> operands = operands(weights, points);
    LayerOracle expected = oracle(setup, operands, points, given, training);
    if (expected.nearestKink() < 100 * STEP) {
      kinks++;
      return;
    }
    Map<String, float[]> gradients = new HashMap<>(run.values());
    gradients.keySet().removeIf(name -> !name.startsWith("gradient/"));
    double largest =
        gradients.values().stream().mapToDouble(LayerOracleTest::largest).max().orElseThrow();
    gradients.forEach(
        (name, gradient) -> {
          String operand = name.substring("gradient/".length());
          double[] at = operands.get(operand);
          double[][] sides = new double[2][at.length];
          double slope = 0;
          double size = 0;
          for (int i = 0; i < at.length; i++) {
            double direction = random.nextGaussian();
            sides[0][i] = at[i] - STEP * direction;
            sides[1][i] = at[i] + STEP * direction;
            slope += gradient[i] * direction;
            size += Math.abs(direction);
          }
          double difference = 0;
          for (int side = 0; side < 2; side++) {
            operands.put(operand, sides[side]);
            double[] y = oracle(setup, operands, points, given, training).output().value();
            for (int i = 0; i < y.length; i++) {
              difference += (2 * side - 1) * y[i] * factors[i];
            }
          }
          operands.put(operand, at);
          double each =
              Math.max(
                  GRADIENT * Math.max(largest(gradient), NOISE.get(mode) * largest),
                  NOISE_OF_ROWS * expected.amplification() * largest);
          double allowed = size * each;
          assertEquals(difference / (2 * STEP), slope, allowed, () -> name + ", to " + allowed);
        });
  }

  private static double largest(float[] values) {
    double largest = 0;
    for (float value : values) {
      largest = Math.max(largest, Math.abs(value));
    }
    return largest;
  }

  private static Map<String, double[]> operands(Map<String, float[]> weights, PointSet points) {
    Map<String, double[]> operands = doubles(weights);
    operands.put("X", doubles(points.x()));
    operands.put("F", doubles(points.f()));
    return operands;
  }

  private static LayerOracle oracle(
      LayerSetup setup,
      Map<String, double[]> operands,
      PointSet points,
      LayerOracle.Given given,
      boolean training) {
    return LayerOracle.run(
        setup, operands, points, operands.get("X"), operands.get("F"), given, training);
  }

  private static void compare(LayerSetup setup, BuiltLayer layer, PointSet.Draw draw, Mode mode) {
    PointSet points = draw.points(setup.features());
    Map<String, float[]> weights = layer.drawWeights(draw);
    layer.assign(weights);
    BuiltLayer.Run found = mode == Mode.TRAINING ? layer.step(points) : layer.run(points, mode);
    int[] k = found.nearest();
    Map<String, double[]> doubles = operands(weights, points);
    boolean exact = draw.geometry() == PointSet.Geometry.GRID;
    ties += LayerOracle.checkNearest(points, doubles.get("Q"), k, exact);
    slots += k.length;
    boolean training = mode == Mode.TRAINING;
    LayerOracle oracle =
        oracle(
            setup,
            doubles,
            points,
            new LayerOracle.Given(k, dropped(setup, points, found, training), found.values()),
            training);
    assertEquals(oracle.stages().keySet(), found.values().keySet());
    found.values().forEach((name, values) -> close(name, oracle.stages().get(name), values));
    compareWeights(weights, oracle.moved(), layer.weights());
  }

  /** Weights stay as they were, but for the moving statistics. */
  private static void compareWeights(
      Map<String, float[]> before,
      Map<String, LayerOracle.Values> moved,
      Map<String, float[]> after) {
    Set<String> statistics = new HashSet<>(before.keySet());
    statistics.removeIf(name -> !name.contains("moving_"));
    assertEquals(statistics, moved.keySet());
    after.forEach(
        (name, value) -> {
          if (statistics.contains(name)) {
            close(name, moved.get(name), value);
          } else {
            assertArrayEquals(before.get(name), value, name);
          }
        });
  }

  /** The elements that a block left as they were. */
  private static boolean[][] dropped(
      LayerSetup setup, PointSet points, BuiltLayer.Run found, boolean training) {
    boolean[][] dropped = new boolean[setup.blocks()][points.batch()];
    if (training && setup.dropPath() > 0) {
      int size = points.points() * setup.features();
      float[] before = points.f();
      for (int t = 0; t < setup.blocks(); t++) {
        float[] after = found.values().get("block_" + t + "/F");
        for (int b = 0; b < points.batch(); b++) {
          dropped[t][b] =
              Arrays.equals(before, b * size, (b + 1) * size, after, b * size, (b + 1) * size);
        }
        before = after;
      }
    }
    return dropped;
  }

  private static void close(String name, LayerOracle.Values expected, float[] found) {
    assertEquals(expected.value().length, found.length, name);
    for (int i = 0; i < found.length; i++) {
      double y = expected.value()[i];
      double contract = FORWARD * Math.max(1, Math.abs(y));
      double allowed = Math.max(contract, expected.error()[i]);
      values++;
      loose += expected.error()[i] > contract ? 1 : 0;
      // Not >, so that NaN fails.
      if (!(Math.abs(found[i] - y) <= allowed)) {
        throw new AssertionError(
            "%s[%d]: expected %s, found %s, which is farther than %s"
                .formatted(name, i, y, found[i], allowed));
      }
    }
  }

  static Map<String, double[]> doubles(Map<String, float[]> weights) {
    Map<String, double[]> doubles = new HashMap<>();
    weights.forEach((name, value) -> doubles.put(name, doubles(value)));
    return doubles;
  }

  static double[] doubles(float[] values) {
    double[] doubles = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      doubles[i] = values[i];
    }
    return doubles;
  }
}
