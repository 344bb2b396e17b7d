package io.github.kpconvx.pointcloud.receptive;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.pointcloud.Coordinates;
import io.github.kpconvx.pointcloud.PointCloudException;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class HierarchyTest {
  private static final double[] RANDOM = new Random(2).doubles(900, -3, 3).toArray();

  private static FeatureTable ones(int points) {
    return FeatureTable.of(1, IntStream.range(0, points).mapToDouble(i -> 1).toArray());
  }

  private static ReceptiveFields fields(double[] places, Partition partition, Hierarchy hierarchy) {
    return ReceptiveFields.of(
        Coordinates.of(places), ones(places.length / 3), partition, hierarchy);
  }

  private static Hierarchy first(int count, int down, Oversampling oversampling) {
    return new Hierarchy(
        List.of(new Depth(Selection.count(count), 1, down, 1)), 1, false, oversampling);
  }

  @ParameterizedTest
  @EnumSource
  void neighbourhoodsHoldWhatIsAround(Neighbourhoods.Shape shape) {
    boolean round = shape == Neighbourhoods.Shape.SPHERE || shape == Neighbourhoods.Shape.CYLINDER;
    Neighbourhoods partition =
        new Neighbourhoods(
            shape, 2, round ? 2 : 1.5, round ? 2 : 1, Neighbourhoods.Centres.grid(0.9));
    ReceptiveFields found = fields(RANDOM, partition, first(5, 1, Oversampling.none()));
    boolean flat =
        shape == Neighbourhoods.Shape.CYLINDER || shape == Neighbourhoods.Shape.RECTANGULAR2D;
    assertTrue(found.size() > 10);
    for (ReceptiveField field : found) {
      Part part = field.part();
      int[] around =
          IntStream.range(0, RANDOM.length / 3)
              .filter(
                  i -> {
                    double dx = Math.abs(RANDOM[3 * i] - part.centerX());
                    double dy = Math.abs(RANDOM[3 * i + 1] - part.centerY());
                    double dz = Math.abs(RANDOM[3 * i + 2] - part.centerZ());
                    return switch (shape) {
                      case SPHERE -> dx * dx + dy * dy + dz * dz <= 4;
                      case CYLINDER -> dx * dx + dy * dy <= 4;
                      case RECTANGULAR3D -> dx <= 2 && dy <= 1.5 && dz <= 1;
                      case RECTANGULAR2D -> dx <= 2 && dy <= 1.5;
                    };
                  })
              .toArray();
      assertArrayEquals(around, field.points());
      assertTrue(!flat || part.centerZ() == 0);
      assertTrue(around.length >= 5);
    }
  }

  @Test
  void aGridEndsWithTheHighest() {
    double[] places = {0, 0, 7, 1, 2.5, 7};
    double[] centres = Neighbourhoods.Centres.grid(0.5).of(Coordinates.of(places), 2);
    assertArrayEquals(
        new double[] {0, 0, 7, 1, 0, 7, 0, 1, 7, 1, 1, 7, 0, 2, 7, 1, 2, 7, 0, 2.5, 7, 1, 2.5, 7},
        centres);
  }

  @Test
  void thinNeighbourhoodsAreLeftOut() {
    double[] places = {0, 0, 0, 0.1, 0, 0, 0.3, 0, 0, 50, 0, 0};
    Neighbourhoods partition =
        new Neighbourhoods(
            Neighbourhoods.Shape.SPHERE, 1, Neighbourhoods.Centres.furthest(Selection.all()));
    ReceptiveFields found = fields(places, partition, first(3, 1, Oversampling.none()));
    assertEquals(3, found.size());
    Scores scores = new Scores(Reduction.MEAN, 4, 1);
    found.forEach(field -> scores.add(field, new float[] {2, 2, 2}));
    assertEquals(1, scores.missing());
    assertArrayEquals(new float[] {2, 2, 2, 0}, scores.result());
    assertError(
        "none of 4 neighbourhoods has 4 points, the largest has 3; take a larger radius",
        () -> fields(places, partition, first(4, 1, Oversampling.none())));
    assertError(
        "The point cloud: has 4 points, expected at least 5",
        () -> fields(places, new WholeCloud(), first(5, 1, Oversampling.none())));
    assertError(
        "with its margin has 1 points, expected at least 2; take larger tiles",
        () -> fields(places, new Tiles(10, 0), first(2, 1, Oversampling.none())).get(1));
  }

  @Test
  void thinFieldsAreFilledUpFromTheClosestPairs() {
    double[] places = {0, 0, 0, 4, 0, 0, 5, 0, 0};
    ReceptiveField field =
        ReceptiveFields.of(
                Coordinates.of(places),
                FeatureTable.of(1, 10, 20, 40),
                new WholeCloud(),
                first(7, 1, Oversampling.nearest(2)))
            .get(0);
    // Midpoints of 1 and 2, 0 and 1, 0 and 2; then of the closest of all six: 1 and 3, 2 and 3, 4
    // and 5 are all half a metre apart, of which the first is taken.
    float[] x = field.inputs().get("X_1").toFloats();
    double[] along = IntStream.range(0, 7).mapToDouble(i -> x[3 * i] + 3).toArray();
    assertArrayEquals(new double[] {0, 4, 5, 4.5, 2, 2.5, 4.25}, along, 1e-6);
    assertArrayEquals(
        new float[] {10, 20, 40, 30, 15, 25, 25}, field.inputs().get("Fin").toFloats());
    assertArrayEquals(new int[] {7, 8, 9, 8, 7, 7, 8}, field.labels(7, 8, 9));
    Scores scores = new Scores(Reduction.MEAN, 3, 1);
    scores.add(field, new float[] {1, 2, 3, 4, 5, 6, 7});
    assertArrayEquals(new float[] {1, 2, 3}, scores.result());
    assertError(
        "the whole cloud: 3 points cannot be filled up to 7: all lie in one place",
        () -> fields(new double[9], new WholeCloud(), first(7, 1, Oversampling.nearest(2))).get(0));
    assertError(
        "has 3 points, expected at least 4",
        () -> fields(places, new WholeCloud(), first(7, 1, Oversampling.nearest(4))));
  }

  @Test
  void eachDepthIsScaledToTheUnitSphere() {
    Hierarchy hierarchy =
        new Hierarchy(
            List.of(
                new Depth(Selection.count(100), 4, 1, 1), new Depth(Selection.fast(10), 4, 2, 2)),
            1,
            true,
            Oversampling.none());
    ReceptiveField field = fields(RANDOM, new WholeCloud(), hierarchy).get(0);
    for (String name : hierarchy.coordinateNames()) {
      float[] x = field.inputs().get(name).toFloats();
      double largest =
          IntStream.range(0, x.length / 3)
              .mapToDouble(i -> Math.hypot(Math.hypot(x[3 * i], x[3 * i + 1]), x[3 * i + 2]))
              .max()
              .orElseThrow();
      assertEquals(1, largest, 1e-6);
    }
    Hierarchy one = new Hierarchy(List.of(Depth.field(1, 1)), 1, true, Oversampling.none());
    assertError(
        "all 3 points lie at the field's centre",
        () -> fields(new double[9], new WholeCloud(), one).get(0));
  }

  @Test
  void labelsAreTheMostFrequentOfTheNeighbours() {
    double[] places = {0, 0, 0, 1, 0, 0, 2.5, 0, 0, 10, 0, 0};
    ReceptiveField field =
        fields(places, new WholeCloud(), first(2, 3, Oversampling.none())).get(0);
    // Of the points 0 and 3; the nearest of 0 are 0, 1, 2, those of 3 are 3, 2, 1.
    assertArrayEquals(new int[] {5, 5}, field.labels(9, 5, 5, 1));
    assertArrayEquals(new int[] {2, 1}, field.labels(9, 3, 2, 1));
    assertError("labels are 3, expected one for each of the 4", () -> field.labels(1, 2, 3));
  }

  @Test
  void settingsHaveToFitEachOther() {
    assertError(
        "points of depth 2: 9, expected at most 8",
        () ->
            hierarchy(
                new Depth(Selection.count(8), 1, 1, 1), new Depth(Selection.count(9), 1, 1, 1)));
    assertError(
        "neighbours of depth 1: 9, expected at most 8",
        () -> hierarchy(new Depth(Selection.count(8), 9, 1, 1)));
    assertError(
        "down of depth 2: 9, expected at most 8",
        () ->
            hierarchy(
                new Depth(Selection.count(8), 1, 1, 1), new Depth(Selection.count(4), 1, 9, 1)));
    assertError(
        "up of depth 1: 9, expected at most 8",
        () -> hierarchy(new Depth(Selection.count(8), 1, 1, 9)));
    assertError("depths are none", HierarchyTest::hierarchy);
    assertError("share is 0", () -> Selection.share(0));
    assertError("radius is NaN", () -> neighbourhoods(Double.NaN, 1));
    assertError("radii of a sphere are 1.0, 2.0, 1.0", () -> neighbourhoods(1, 2));
    assertError("expected at least 2, which have a midpoint", () -> Oversampling.nearest(1));
  }

  private static Hierarchy hierarchy(Depth... depths) {
    return Hierarchy.of(List.of(depths));
  }

  private static Neighbourhoods neighbourhoods(double x, double y) {
    return new Neighbourhoods(
        Neighbourhoods.Shape.SPHERE, x, y, x, Neighbourhoods.Centres.furthest(Selection.all()));
  }

  @Test
  void whatIsNoNumberIsNamed() {
    double[] places = Arrays.copyOf(RANDOM, 9);
    places[4] = Double.NaN;
    assertError("y of point 1 is NaN", () -> Coordinates.of(places));
    assertError("coordinates are 8 numbers", () -> Coordinates.of(Arrays.copyOf(RANDOM, 8)));
    assertError(
        "feature 1 of point 2 is Infinity",
        () -> FeatureTable.of(2, 0, 0, 0, 0, 0, Double.POSITIVE_INFINITY));
    assertError("features are 3 numbers in 2 columns", () -> FeatureTable.of(2, 0, 0, 0));
    assertError(
        "5 points are wanted, but of 6 points only 1 differ",
        () -> fields(new double[18], new WholeCloud(), first(5, 1, Oversampling.none())).get(0));
    assertError(
        "has no points",
        () -> fields(new double[0], new WholeCloud(), first(5, 1, Oversampling.none())));
  }

  private static void assertError(String expected, Executable body) {
    PointCloudException error = assertThrows(PointCloudException.class, body);
    assertTrue(error.getMessage().contains(expected), error::getMessage);
  }
}
