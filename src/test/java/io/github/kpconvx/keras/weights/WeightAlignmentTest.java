package io.github.kpconvx.keras.weights;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.keras.KerasException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.types.TFloat32;

class WeightAlignmentTest {
  private record Stub(String path, Shape shape) implements StoredWeight {
    @Override
    public String name() {
      return path;
    }

    @Override
    public String dtype() {
      return "float32";
    }

    @Override
    public TFloat32 read() {
      throw new UnsupportedOperationException();
    }
  }

  private static final LayerSpec FROZEN = layer(false);
  private static final LayerSpec TRAINED = layer(true);

  /** Q is 3 x 3, W is 3 x 4, b is 4. */
  private static LayerSpec layer(boolean trainable) {
    return new LayerSpec(
        "kp",
        "KPConvXLayer",
        List.of(
            new WeightSpec("Q", Shape.of(3, 3), trainable, true),
            WeightSpec.of("W", true, 3, 4),
            WeightSpec.of("b", true, 4)));
  }

  private static List<StoredWeight> stored(Shape... shapes) {
    List<StoredWeight> stored = new ArrayList<>();
    for (Shape shape : shapes) {
      stored.add(new Stub("s" + stored.size(), shape));
    }
    return stored;
  }

  private static final Shape Q = Shape.of(3, 3);
  private static final Shape W = Shape.of(3, 4);
  private static final Shape B = Shape.of(4);

  private static List<WeightAlignment.Run> run(String prefix, LayerSpec layer) {
    return WeightAlignment.Run.of(prefix, layer.weightsInKerasOrder());
  }

  private static Map<String, String> align(LayerSpec layer, Shape... shapes) {
    var found = WeightAlignment.align("file", run("kp/", layer), stored(shapes));
    Map<String, String> paths = new java.util.TreeMap<>();
    found.get(0).forEach((name, weight) -> paths.put(name, weight.path()));
    return paths;
  }

  @Test
  void aFloatingWeightIsFoundByItsShape() {
    for (LayerSpec layer : List.of(FROZEN, TRAINED)) {
      assertEquals(Map.of("W", "s0", "b", "s1"), align(layer, W, B));
      assertEquals(Map.of("Q", "s0", "W", "s1", "b", "s2"), align(layer, Q, W, B));
      assertEquals(Map.of("Q", "s1", "W", "s0", "b", "s2"), align(layer, W, Q, B));
      assertEquals(Map.of("Q", "s2", "W", "s0", "b", "s1"), align(layer, W, B, Q));
    }
  }

  @Test
  void theUsualPlaceWinsAndATieOtherwiseIsAnError() {
    LayerSpec alike = alike(false, 2);
    assertEquals(Map.of("A", "s0", "B", "s1", "Q", "s2"), align(alike, Q, Q, Q));
    assertEquals(Map.of("Q", "s0", "A", "s1", "B", "s2"), align(alike(true, 2), Q, Q, Q));
    // The last place is taken by a weight of another shape: two places are left.
    LayerSpec tied =
        new LayerSpec(
            "kp",
            "KPConvXLayer",
            List.of(
                new WeightSpec("Q", Q, false, true),
                WeightSpec.of("A", true, 3, 3),
                WeightSpec.of("b", true, 4)));
    KerasException e = assertThrows(KerasException.class, () -> align(tied, Q, Q, B));
    assertTrue(e.getMessage().contains("the place of weight kp/Q cannot be told"), e.getMessage());
  }

  private static LayerSpec alike(boolean trainable, int others) {
    List<WeightSpec> weights = new ArrayList<>();
    weights.add(new WeightSpec("Q", Q, trainable, true));
    for (int i = 0; i < others; i++) {
      weights.add(WeightSpec.of(String.valueOf((char) ('A' + i)), true, 3, 3));
    }
    return new LayerSpec("kp", "KPConvXLayer", weights);
  }

  @Test
  void layersOfWhichOnlySomeHoldTheFloatingWeightAreToldApart() {
    var runs =
        Stream.of(run("a/", FROZEN), run("b/", FROZEN), run("c/", TRAINED))
            .flatMap(List::stream)
            .toList();
    var found = WeightAlignment.align("file", runs, stored(W, B, W, B, Q, W, Q, B));
    assertEquals(List.of(2, 3, 3), found.stream().map(Map::size).toList());
    assertEquals("s4", found.get(1).get("Q").path());
    assertEquals("s6", found.get(2).get("Q").path());
  }

  @Test
  void errorsNameTheWeightAndBothShapes() {
    says(() -> align(FROZEN, W), "weight kp/b of shape [4] is missing", "found s0");
    says(() -> align(FROZEN), "weight kp/W of shape [3, 4] is missing", "found nothing");
    says(() -> align(FROZEN, W, Shape.of(5)), "kp/b is stored with shape [5] (s1), expected [4]");
    says(() -> align(FROZEN, W, B, B), "surplus weight s2 of shape [4]");
    says(() -> align(FROZEN, W, Q, Q), "kp/b is stored with shape [3, 3] (s1), expected [4]");
    says(() -> align(TRAINED, Q, W, B, W), "surplus weight s3 of shape [3, 4]");
    says(() -> align(TRAINED, Q, B, W), "kp/W is stored with shape");
  }

  private static void says(Runnable run, String... parts) {
    KerasException e = assertThrows(KerasException.class, run::run);
    for (String part : parts) {
      assertTrue(e.getMessage().contains(part), e.getMessage());
    }
  }

  @Test
  void aLongNetworkNeedsNoDeepStackAndLittleTime() {
    List<WeightAlignment.Run> runs = new ArrayList<>();
    List<Shape> shapes = new ArrayList<>();
    for (int i = 0; i < 500; i++) {
      runs.addAll(run("layer" + i + "/", FROZEN));
      shapes.addAll(List.of(W, B, Q));
    }
    var found = WeightAlignment.align("file", runs, stored(shapes.toArray(Shape[]::new)));
    assertEquals("s1499", found.get(499).get("Q").path());
  }
}
