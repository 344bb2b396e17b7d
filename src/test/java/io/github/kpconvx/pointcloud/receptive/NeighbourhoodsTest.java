package io.github.kpconvx.pointcloud.receptive;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.numpy.NpzFile;
import io.github.kpconvx.pointcloud.Coordinates;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What VL3D's own code computed, from a cloud to the classes of its points. */
class NeighbourhoodsTest {
  private static final Map<String, NpyArray> CHAIN =
      NpzFile.read(Path.of("src/test/resources/vl3d/original/a3_trained/chain.npz"));
  private static final int FIELDS = 12;
  private static final int CLASSES = 3;

  private static final Hierarchy HIERARCHY =
      Hierarchy.of(
          List.of(
              new Depth(Selection.count(64), 8, 1, 1),
              new Depth(Selection.count(32), 6, 6, 4),
              new Depth(Selection.count(16), 5, 5, 3)));

  private static final ReceptiveFields ALL =
      ReceptiveFields.of(
          Coordinates.of(CHAIN.get("X").toDoubles()),
          FeatureTable.of(3, CHAIN.get("F").toDoubles()),
          new Neighbourhoods(
              Neighbourhoods.Shape.SPHERE,
              1.5,
              Neighbourhoods.Centres.furthest(Selection.count(FIELDS))),
          HIERARCHY);

  @Test
  void centresAndNeighboursAreThose() {
    assertEquals(FIELDS, ALL.size());
    double[] centres = CHAIN.get("centers").toDoubles();
    int[] sizes = CHAIN.get("neighbours_per_field").toInts();
    int[] points = CHAIN.get("neighbours").toInts();
    int start = 0;
    for (int i = 0; i < FIELDS; i++) {
      Part part = ALL.get(i).part();
      double[] centre = {part.centerX(), part.centerY(), part.centerZ()};
      assertArrayEquals(Arrays.copyOfRange(centres, 3 * i, 3 * i + 3), centre);
      assertArrayEquals(Arrays.copyOfRange(points, start, start + sizes[i]), part.points());
      assertArrayEquals(IntStream.range(0, sizes[i]).toArray(), part.core());
      start += sizes[i];
    }
  }

  @Test
  void inputsAreThose() {
    List<String> names =
        List.of("X_1", "X_2", "X_3", "Fin", "ND_2", "ND_3", "N_1", "N_2", "N_3", "NU_2", "NU_3");
    for (int i = 0; i < FIELDS; i++) {
      Map<String, NpyArray> inputs = ALL.get(i).inputs();
      assertEquals(names, List.copyOf(inputs.keySet()));
      for (String name : names) {
        // VL3D took features by the field's indices from the whole cloud; these are the field's.
        String key = name.equals("Fin") ? "Fin_of_own_points" : "in." + name;
        NpyArray expected = CHAIN.get(key).unstack().get(i);
        NpyArray found = inputs.get(name);
        assertEquals(expected.toString(), found.toString());
        if (expected.type().isFloat()) {
          assertArrayEquals(expected.toFloats(), found.toFloats(), 1e-6f, name);
        } else {
          assertArrayEquals(expected.toInts(), found.toInts(), name);
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "LAST")
  void scoresAreThose(Reduction reduction) {
    List<NpyArray> answers = CHAIN.get("z_fields").unstack();
    int points = CHAIN.get("yhat").toInts().length;
    Scores scores = new Scores(reduction, points, CLASSES);
    for (int i = 0; i < FIELDS; i++) {
      scores.add(ALL.get(i), answers.get(i).toFloats());
    }
    String name =
        reduction == Reduction.ENTROPY ? "entropic" : reduction.name().toLowerCase(Locale.ROOT);
    float[] expected = CHAIN.get("z_" + name).toFloats();
    float[] found = scores.result();
    assertArrayEquals(expected, found, 1e-5f);
    if (reduction == Reduction.MEAN) {
      assertArrayEquals(CHAIN.get("yhat").toInts(), mostProbable(found));
    }
  }

  private static int[] mostProbable(float[] scores) {
    return IntStream.range(0, scores.length / CLASSES)
        .map(
            i ->
                IntStream.range(0, CLASSES)
                    .reduce((a, b) -> scores[i * CLASSES + b] > scores[i * CLASSES + a] ? b : a)
                    .orElseThrow())
        .toArray();
  }
}
