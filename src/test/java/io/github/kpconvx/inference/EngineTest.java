package io.github.kpconvx.inference;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.Fixtures;
import io.github.kpconvx.numpy.NpyArray;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tensorflow.ndarray.Shape;

/** A loaded model answers alike with every engine, whatever the size of the cloud. */
class EngineTest {
  private static final Path CASE = Fixtures.of("network_segmentation");

  private static Model load(Engine engine) {
    return KPConvX.loader(CASE.resolve("model.keras")).withEngine(engine).load();
  }

  private static Map<String, NpyArray> cloud(Model model, int b, int r, int neighbours, long seed) {
    Random random = new Random(seed);
    int d = (int) model.inputs().get("F").shape().get(2);
    float[] x = new float[b * r * 3];
    float[] f = new float[b * r * d];
    int[] n = new int[b * r * neighbours];
    for (int i = 0; i < x.length; i++) {
      x[i] = random.nextFloat();
    }
    for (int i = 0; i < f.length; i++) {
      f[i] = (float) random.nextGaussian();
    }
    for (int i = 0; i < n.length; i++) {
      n[i] = random.nextInt(r);
    }
    return Map.of(
        "X", NpyArray.of(x, b, r, 3),
        "F", NpyArray.of(f, b, r, d),
        "N", NpyArray.of(n, b, r, neighbours));
  }

  private static float[] predict(Model model, Map<String, NpyArray> inputs) {
    return model.predictArrays(inputs, model.outputs().keySet()).get("output_0").toFloats();
  }

  /**
   * Sizes about those that clouds are padded to, numbers of neighbours from none, and clouds of
   * several tiles, the last of them smaller or not.
   */
  @ParameterizedTest
  @CsvSource({
    "1, 1, 1",
    "1, 63, 5",
    "1, 64, 5",
    "1, 65, 5",
    "3, 50, 5",
    "2, 36, 0",
    "1, 777, 17",
    "1, 16384, 2",
    "1, 16385, 2",
    "2, 9500, 3",
    "1, 40000, 2",
    "1, 140001, 2"
  })
  void anySizeOfCloud(int b, int r, int neighbours) {
    try (Model plain = load(Engine.PLAIN);
        Model folded = load(Engine.FOLDED);
        Model compiled = load(Engine.COMPILED)) {
      Map<String, NpyArray> inputs = cloud(plain, b, r, neighbours, 7);
      float[] expected = predict(plain, inputs);
      assertClose(expected, predict(folded, inputs));
      assertClose(expected, predict(compiled, inputs));
    }
  }

  private static void assertClose(float[] expected, float[] found) {
    assertEquals(expected.length, found.length);
    for (int i = 0; i < expected.length; i++) {
      assertEquals(expected[i], found[i], 1e-5 * Math.max(1, Math.abs(expected[i])));
    }
  }

  @Test
  void manyThreadsWithMoreNeighbourCountsThanGraphsAreKept() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try (Model plain = load(Engine.PLAIN);
        Model compiled = load(Engine.COMPILED)) {
      List<Map<String, NpyArray>> clouds = new ArrayList<>();
      for (int count = 1; count <= GraphPerNeighbourCount.LIMIT + 2; count++) {
        clouds.add(cloud(plain, 1, 40, count, count));
      }
      for (int round = 0; round < 2; round++) {
        List<Future<float[]>> answers = new ArrayList<>();
        for (Map<String, NpyArray> cloud : clouds) {
          answers.add(threads.submit(() -> predict(compiled, cloud)));
        }
        for (int i = 0; i < answers.size(); i++) {
          assertClose(predict(plain, clouds.get(i)), answers.get(i).get());
        }
      }
    } finally {
      threads.shutdownNow();
    }
  }

  @Test
  void warmingUpCompiles() {
    try (Model model = load(Engine.COMPILED)) {
      long d = model.inputs().get("F").shape().get(2);
      Map<String, Shape> shapes =
          Map.of("X", Shape.of(1, 300, 3), "F", Shape.of(1, 300, d), "N", Shape.of(1, 300, 12));
      Duration cold = model.warmUp(shapes);
      Duration warm = model.warmUp(shapes);
      assertTrue(warm.compareTo(cold) < 0, warm + " after " + cold);
      ModelException unknown =
          assertThrows(ModelException.class, () -> model.warmUp(Map.of("Y", Shape.of(1))));
      assertTrue(unknown.getMessage().contains("[Y]"), unknown.getMessage());
    }
  }

  @Test
  void repeatsItselfBitForBit() {
    try (Model model = load(Engine.COMPILED);
        Model other = load(Engine.COMPILED)) {
      Map<String, NpyArray> inputs = cloud(model, 2, 100, 8, 3);
      assertArrayEquals(predict(model, inputs), predict(model, inputs));
      assertArrayEquals(predict(model, inputs), predict(other, inputs));
    }
  }

  @Test
  void checksIndicesInEveryForm() {
    for (Engine form : EnumSet.range(Engine.AUTO, Engine.COMPILED)) {
      try (Model model = load(form)) {
        Map<String, NpyArray> good = cloud(model, 1, 20, 4, 1);
        int[] n = good.get("N").toInts();
        n[9] = 20;
        Map<String, NpyArray> bad =
            Map.of("X", good.get("X"), "F", good.get("F"), "N", NpyArray.of(n, 1, 20, 4));
        ModelException e = assertThrows(ModelException.class, () -> predict(model, bad));
        assertTrue(
            e.getMessage().contains("neighbour index 20") && e.getMessage().contains("R = 20"),
            e.getMessage());
      }
    }
  }
}
