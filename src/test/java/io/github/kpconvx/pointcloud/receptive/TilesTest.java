package io.github.kpconvx.pointcloud.receptive;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.pointcloud.NearestNeighbours;
import io.github.kpconvx.pointcloud.NearestNeighboursTest;
import io.github.kpconvx.pointcloud.PointClass;
import io.github.kpconvx.pointcloud.PointCloud;
import io.github.kpconvx.pointcloud.PointCloudException;
import io.github.kpconvx.pointcloud.Quantization;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TilesTest {
  private static final double SCALE = 0.001;
  private static final List<PointClass> CLASSES = List.of(PointClass.of(2, "ground", "#b59b76"));

  private static PointCloud cloud(int n) {
    Random random = new Random(7);
    int[] total = random.ints(n, 1, 6).toArray();
    return PointCloud.of(
            Quantization.of(SCALE),
            random.ints(n, -30_000, 20_000).toArray(),
            random.ints(n, 5_000, 35_000).toArray(),
            random.ints(n, -2_000, 9_000).toArray())
        .withIntensity(random.ints(n, 0, 65536).toArray())
        .withReturns(Arrays.stream(total).map(t -> 1 + random.nextInt(t)).toArray(), total);
  }

  private static Preprocessing preprocessing(double tile, double margin) {
    return preprocessing(tile, margin, 5, List.of(Feature.values()), CLASSES);
  }

  private static Preprocessing preprocessing(
      double tile,
      double margin,
      int neighbours,
      List<Feature> features,
      List<PointClass> classes) {
    return Preprocessing.flat(
        new Tiles(tile, margin), new CloudFeatures(features, 3, 10), neighbours, 2, 1.2, classes);
  }

  private static int row(ReceptiveField field, double tile) {
    return (int) Math.floor(field.part().centerY() * SCALE / tile);
  }

  private static int column(ReceptiveField field, double tile) {
    return (int) Math.floor(field.part().centerX() * SCALE / tile);
  }

  private static float[] floats(ReceptiveField field, String name) {
    return field.inputs().get(name).toFloats();
  }

  private static int[] neighbours(ReceptiveField field) {
    return field.inputs().get("N").toInts();
  }

  /** The lowest raw coordinates. */
  private record Box(int minX, int minY, int minZ) {
    static Box of(PointCloud cloud) {
      return new Box(
          IntStream.range(0, cloud.size()).map(cloud::x).min().orElseThrow(),
          IntStream.range(0, cloud.size()).map(cloud::y).min().orElseThrow(),
          IntStream.range(0, cloud.size()).map(cloud::z).min().orElseThrow());
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, 0.4, 9, 25})
  void followsTheDefinition(double margin) {
    PointCloud cloud = cloud(200);
    ReceptiveFields fields = ReceptiveFields.of(cloud, preprocessing(8, margin));
    Box box = Box.of(cloud);
    int[] seen = new int[cloud.size()];
    List<String> order = new ArrayList<>();
    for (ReceptiveField field : fields) {
      int row = row(field, 8);
      int column = column(field, 8);
      order.add("%03d %03d".formatted(row, column));
      int[] points =
          IntStream.range(0, cloud.size())
              .filter(
                  i ->
                      isNear(cloud.x(i) - box.minX(), column, margin)
                          && isNear(cloud.y(i) - box.minY(), row, margin))
              .toArray();
      assertArrayEquals(points, field.points());
      assertEquals(points.length, field.size());
      int[] core =
          IntStream.range(0, points.length)
              .filter(
                  j ->
                      (cloud.x(points[j]) - box.minX()) / 8000 == column
                          && (cloud.y(points[j]) - box.minY()) / 8000 == row)
              .toArray();
      assertArrayEquals(core, field.core());
      for (int j : core) {
        seen[points[j]]++;
      }
      assertArrayEquals(
          NearestNeighboursTest.bruteForce(
              Arrays.stream(points).map(cloud::x).toArray(),
              Arrays.stream(points).map(cloud::y).toArray(),
              Arrays.stream(points).map(cloud::z).toArray(),
              5,
              2),
          neighbours(field));
      for (int j = 0; j < points.length; j++) {
        int p = points[j];
        int centerX = box.minX() + 8000 * column + 4000;
        int centerY = box.minY() + 8000 * row + 4000;
        float[] x = {
          (float) ((cloud.x(p) - centerX) * SCALE / 1.2),
          (float) ((cloud.y(p) - centerY) * SCALE / 1.2),
          (float) ((cloud.z(p) - box.minZ()) * SCALE / 1.2)
        };
        assertArrayEquals(x, Arrays.copyOfRange(floats(field, "X"), 3 * j, 3 * j + 3));
        float[] f = {
          (float) ((cloud.z(p) - ground(cloud, box, p)) * SCALE / 10),
          (float) (cloud.intensity(p) / 65535.0),
          (float) ((double) cloud.returnNumber(p) / cloud.numberOfReturns(p)),
          (float) (cloud.numberOfReturns(p) / 5.0),
          1
        };
        assertArrayEquals(f, Arrays.copyOfRange(floats(field, "F"), 5 * j, 5 * j + 5));
      }
    }
    assertTrue(Arrays.stream(seen).allMatch(count -> count == 1));
    assertEquals(fields.size(), order.size());
    assertEquals(order.stream().sorted().distinct().toList(), order);
  }

  private static boolean isNear(int value, int tile, double margin) {
    int border = (int) (margin / SCALE);
    return value >= 8000 * tile - border && value < 8000 * (tile + 1) + border;
  }

  private static int ground(PointCloud cloud, Box box, int p) {
    return IntStream.range(0, cloud.size())
        .filter(
            i ->
                Math.abs((cloud.x(i) - box.minX()) / 3000 - (cloud.x(p) - box.minX()) / 3000) <= 1
                    && Math.abs((cloud.y(i) - box.minY()) / 3000 - (cloud.y(p) - box.minY()) / 3000)
                        <= 1)
        .map(cloud::z)
        .min()
        .orElseThrow();
  }

  @Test
  void scattersTheCore() {
    PointCloud cloud = cloud(200);
    Scores scores = new Scores(Reduction.LAST, cloud.size(), 2);
    for (ReceptiveField field : ReceptiveFields.of(cloud, preprocessing(10, 3))) {
      float[] result = new float[2 * field.size()];
      for (int j = 0; j < field.size(); j++) {
        result[2 * j] = field.points()[j];
        result[2 * j + 1] = -field.points()[j];
      }
      scores.add(field, result);
      assertThrows(PointCloudException.class, () -> scores.add(field, new float[field.size() - 1]));
      assertThrows(PointCloudException.class, () -> scores.add(field, new float[3 * field.size()]));
    }
    float[] file = scores.result();
    assertEquals(0, scores.missing());
    for (int i = 0; i < cloud.size(); i++) {
      assertEquals(i, file[2 * i]);
      assertEquals(-i, file[2 * i + 1]);
    }
  }

  @Test
  void pointsMayBeAsFarApartAsIntegersReach() {
    int[] ends = {Integer.MIN_VALUE, Integer.MAX_VALUE};
    ReceptiveFields fields =
        ReceptiveFields.of(
            PointCloud.of(Quantization.of(SCALE), ends, ends, new int[2]), preprocessing(1, 3));
    assertEquals(2, fields.size());
    assertArrayEquals(new int[] {1}, fields.get(1).points());
    assertEquals(4_294_967, row(fields.get(1), 1));
  }

  @Test
  void lengthsRoundAsInPython() {
    // 0.0025 m and 0.0035 m at 0.001 m are 2 and 4 raw units.
    int[] x = {0, 1, 2, 3, 4};
    PointCloud cloud = PointCloud.of(Quantization.of(0.001), x, new int[5], new int[5]);
    assertEquals(3, ReceptiveFields.of(cloud, preprocessing(0.0025, 0)).size());
    assertEquals(2, ReceptiveFields.of(cloud, preprocessing(0.0035, 0)).size());
  }

  private static Path resource(String name) {
    try {
      return Path.of(PointCloud.class.getResource(name).toURI());
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }

  private static void assertSame(
      PointCloud expected, PointCloud found, Preprocessing preprocessing) {
    assertArrayEquals(
        NearestNeighbours.of(expected).search(7, 1), NearestNeighbours.of(found).search(7, 1));
    ReceptiveFields fields = ReceptiveFields.of(expected, preprocessing);
    ReceptiveFields others = ReceptiveFields.of(found, preprocessing);
    assertEquals(fields.size(), others.size());
    for (int i = 0; i < fields.size(); i++) {
      ReceptiveField field = fields.get(i);
      ReceptiveField other = others.get(i);
      assertArrayEquals(floats(field, "X"), floats(other, "X"));
      assertArrayEquals(floats(field, "F"), floats(other, "F"));
      assertArrayEquals(neighbours(field), neighbours(other));
    }
  }

  /** The same places, written with a tenth of the numbers and ten times the scale. */
  @ParameterizedTest
  @CsvSource({"0.01, 10", "0.010000000000000002, 10", "0.0010000000000000002, 1", "0.002, 2"})
  void axesMayDifferInScale(double scaleZ, int factor) {
    PointCloud fine = cloud(200);
    int[] z = IntStream.range(0, 200).map(i -> fine.z(i) / 10).toArray();
    int[] x = IntStream.range(0, 200).map(fine::x).toArray();
    int[] y = IntStream.range(0, 200).map(fine::y).toArray();
    int[] same = Arrays.stream(z).map(value -> value * factor).toArray();
    assertSame(
        PointCloud.of(Quantization.of(0.001), x, y, same),
        PointCloud.of(new Quantization(0.001, 0.001, scaleZ, 0, 0, 0), x, y, z),
        preprocessing(8, 3));
  }

  @Test
  void aScaleOfAnyRatioIsTakenToTheNearestUnit() {
    int[] x = {0, 1000, 2000};
    PointCloud cloud = PointCloud.of(new Quantization(0.001, 0.0025, 0.001, 0, 0, 0), x, x, x);
    float[] found = floats(ReceptiveFields.of(cloud, preprocessing(100, 0)).get(0), "X");
    assertEquals((2000 - 50000) * 0.001 / 1.2, found[6], 1e-6);
    assertEquals((5000 - 50000) * 0.001 / 1.2, found[7], 1e-6);
    assertEquals(2000 * 0.001 / 1.2, found[8], 1e-6);
  }

  @Test
  void readsAFileWhoseHeightsAreCoarser() {
    PointCloud cloud = PointCloud.read(resource("scale-z.las"));
    int[] z = IntStream.range(0, cloud.size()).map(i -> 10 * cloud.z(i)).toArray();
    int[] x = IntStream.range(0, cloud.size()).map(cloud::x).toArray();
    int[] y = IntStream.range(0, cloud.size()).map(cloud::y).toArray();
    int[] intensity = IntStream.range(0, cloud.size()).map(cloud::intensity).toArray();
    assertSame(
        PointCloud.of(Quantization.of(0.001), x, y, z).withIntensity(intensity),
        cloud,
        preprocessing(8, 3));
  }

  @Test
  void returnsThatAreNotToldCountAsOneOfOne() {
    PointCloud unknown = PointCloud.read(resource("returns-zero.las"));
    int n = unknown.size();
    int[] ones = IntStream.range(0, n).map(i -> 1).toArray();
    assertSame(unknown.withReturns(ones, ones), unknown, preprocessing(8, 3));
    int[] threes = IntStream.range(0, n).map(i -> 3).toArray();
    assertSame(
        unknown.withReturns(ones, threes),
        unknown.withReturns(new int[n], threes),
        preprocessing(8, 3));
    assertSame(
        unknown.withReturns(threes, threes),
        unknown.withReturns(threes, new int[n]),
        preprocessing(8, 3));
  }

  @Test
  void saysWhatIsWrong() {
    int[] one = new int[1];
    Preprocessing preprocessing = preprocessing(1, 0);
    assertError(
        "The point cloud: has no points, expected at least one",
        PointCloud.of(Quantization.of(1), new int[0], new int[0], new int[0]),
        preprocessing);
    assertError(
        "no-points.las: has no points", PointCloud.read(resource("no-points.las")), preprocessing);
    int[] far = {0, Integer.MAX_VALUE};
    assertError(
        "scales are 1.0, 3.0, 2.0, too far apart for an extent of 2147483647 units in y",
        PointCloud.of(new Quantization(1, 3, 2, 0, 0, 0), far, far, far),
        preprocessing);
    assertError(
        "The point cloud: points to be searched extend over 2147483647 units of 1.0 m in x",
        PointCloud.of(Quantization.of(1), far, far, far),
        preprocessing(3e9, 0));
    assertError(
        "tile is 1.0 m, expected at least the file's scale of 10.0 m",
        PointCloud.of(Quantization.of(10), one, one, one),
        preprocessing);
  }

  private static void assertError(String expected, PointCloud cloud, Preprocessing preprocessing) {
    PointCloudException error =
        assertThrows(
            PointCloudException.class, () -> ReceptiveFields.of(cloud, preprocessing).get(0));
    assertTrue(error.getMessage().contains(expected), error::getMessage);
  }

  @Test
  void checksTheParameters() {
    assertThrows(PointCloudException.class, () -> preprocessing(0, 1));
    assertThrows(PointCloudException.class, () -> preprocessing(Double.NaN, 1));
    assertThrows(PointCloudException.class, () -> preprocessing(1, -1));
    assertThrows(PointCloudException.class, () -> preprocessing(1, Double.POSITIVE_INFINITY));
    List<Feature> twice = List.of(Feature.HEIGHT, Feature.HEIGHT);
    List<PointClass> none = List.of();
    List<Feature> features = List.of(Feature.HEIGHT);
    assertThrows(PointCloudException.class, () -> preprocessing(1, 1, 1, twice, CLASSES));
    assertThrows(PointCloudException.class, () -> preprocessing(1, 1, 1, features, none));
    assertThrows(PointCloudException.class, () -> preprocessing(1, 1, 0, features, CLASSES));
    assertThrows(PointCloudException.class, () -> PointClass.of(256, "x", "#000000"));
    assertThrows(PointCloudException.class, () -> PointClass.of(1, " ", "#000000"));
    assertThrows(PointCloudException.class, () -> PointClass.of(1, "x", "red"));
    assertThrows(PointCloudException.class, () -> Feature.of("colour"));
    assertEquals(Feature.RETURN_RATIO, Feature.of("return_ratio"));
  }
}
