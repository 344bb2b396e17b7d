package io.github.kpconvx.pointcloud.classification;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.Fixtures;
import io.github.kpconvx.inference.KPConvX;
import io.github.kpconvx.inference.Model;
import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.pointcloud.PointClass;
import io.github.kpconvx.pointcloud.PointCloud;
import io.github.kpconvx.pointcloud.PointCloudException;
import io.github.kpconvx.pointcloud.Quantization;
import io.github.kpconvx.pointcloud.receptive.CloudFeatures;
import io.github.kpconvx.pointcloud.receptive.Depth;
import io.github.kpconvx.pointcloud.receptive.Feature;
import io.github.kpconvx.pointcloud.receptive.Hierarchy;
import io.github.kpconvx.pointcloud.receptive.Neighbourhoods;
import io.github.kpconvx.pointcloud.receptive.Preprocessing;
import io.github.kpconvx.pointcloud.receptive.ReceptiveField;
import io.github.kpconvx.pointcloud.receptive.ReceptiveFields;
import io.github.kpconvx.pointcloud.receptive.Reduction;
import io.github.kpconvx.pointcloud.receptive.Scores;
import io.github.kpconvx.pointcloud.receptive.Selection;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class CloudClassifierTest {
  private static final Preprocessing PREPROCESSING =
      PreprocessingFile.read(PreprocessingFile.of(Fixtures.AERIAL));

  private static PointCloud cloud() {
    Random random = new Random(5);
    return PointCloud.of(
        Quantization.of(0.01),
        random.ints(300, 0, 6000).toArray(),
        random.ints(300, 0, 3000).toArray(),
        random.ints(300, 0, 500).toArray());
  }

  @Test
  void everyPointGetsTheClassOfItsGreatestProbability() {
    PointCloud cloud = cloud();
    List<Long> progress = new ArrayList<>();
    Classification found;
    try (Model model = KPConvX.load(Fixtures.AERIAL)) {
      found = new CloudClassifier(model, PREPROCESSING).classify(cloud, progress::add);
    }
    int classes = PREPROCESSING.classes().size();
    assertEquals(300 * classes, found.probabilities().length);
    assertEquals(2, progress.size());
    assertEquals(300, progress.get(1));
    int[] codes = found.codes();
    for (int i = 0; i < 300; i++) {
      float sum = 0;
      int best = found.classes()[i];
      for (int c = 0; c < classes; c++) {
        sum += found.probabilities()[i * classes + c];
        assertTrue(
            found.probabilities()[i * classes + c] <= found.probabilities()[i * classes + best]);
      }
      assertEquals(1, sum, 1e-5);
      assertEquals(PREPROCESSING.classes().get(best).code(), codes[i]);
    }
    assertTrue(found.pointsPerSecond() > 0);
    assertTrue(found.modelPointsPerSecond() > 0);
  }

  /** VL3D's own network, whose fields overlap, all have one size, and do not reach every point. */
  @Test
  void fieldsOfOneSizeAreAnsweredTogether() {
    Random random = new Random(6);
    int n = 900;
    int[] x = random.ints(n, 0, 3000).toArray();
    x[17] = 1_000_000;
    PointCloud cloud =
        PointCloud.of(
            Quantization.of(0.001),
            x,
            random.ints(n, 0, 3000).toArray(),
            random.ints(n, 0, 1000).toArray());
    Preprocessing preprocessing =
        new Preprocessing(
            new Neighbourhoods(
                Neighbourhoods.Shape.SPHERE,
                1.5,
                Neighbourhoods.Centres.furthest(Selection.count(20))),
            new CloudFeatures(List.of(Feature.HEIGHT, Feature.RETURN_RATIO, Feature.ONES), 3, 10),
            Hierarchy.of(
                List.of(
                    new Depth(Selection.count(64), 8, 1, 1),
                    new Depth(Selection.count(32), 6, 6, 4),
                    new Depth(Selection.count(16), 5, 5, 3))),
            Map.of(),
            Reduction.MEAN,
            List.of(
                PointClass.of(1, "a", "#000000"),
                PointClass.of(2, "b", "#000000"),
                PointClass.of(3, "c", "#000000")));
    Path a3 = Path.of("src/test/resources/vl3d/original/a3_trained/keras-2.12.keras");
    try (Model model = KPConvX.load(a3)) {
      List<Long> progress = new ArrayList<>();
      Classification found =
          new CloudClassifier(model, preprocessing).classify(cloud, progress::add);
      ReceptiveFields fields = ReceptiveFields.of(cloud, preprocessing);
      assertTrue(fields.size() > 16, "more than are answered together");
      assertEquals(List.of(900L, 900L), progress);
      Scores alone = new Scores(Reduction.MEAN, n, 3);
      for (ReceptiveField field : fields) {
        Map<String, NpyArray> inputs = new HashMap<>();
        model
            .inputs()
            .keySet()
            .forEach(name -> inputs.put(name, NpyArray.stack(List.of(field.inputs().get(name)))));
        alone.add(
            field,
            model
                .predictArrays(inputs, model.outputs().keySet())
                .values()
                .iterator()
                .next()
                .toFloats());
      }
      assertArrayEquals(alone.result(), found.probabilities(), 1e-5f);
      assertEquals(1, found.missing());
      assertArrayEquals(
          new float[3], Arrays.copyOfRange(found.probabilities(), 3 * 17, 3 * 17 + 3));
    }
  }

  @Test
  void theFirstOfEqualsWins() {
    float[] probabilities = {0.5f, 0.5f, 0, 0, 1, 1};
    assertArrayEquals(new int[] {0, 1}, Classification.mostProbable(probabilities, 3));
  }

  @Test
  void saysThatTheModelHasOtherClasses() {
    List<PointClass> fewer = PREPROCESSING.classes().subList(0, 3);
    Preprocessing other =
        new Preprocessing(
            PREPROCESSING.partition(),
            PREPROCESSING.features(),
            PREPROCESSING.hierarchy(),
            PREPROCESSING.names(),
            PREPROCESSING.reduction(),
            fewer);
    try (Model model = KPConvX.load(Fixtures.AERIAL)) {
      CloudClassifier classifier = new CloudClassifier(model, other);
      PointCloudException error =
          assertThrows(PointCloudException.class, () -> classifier.classify(cloud()));
      assertTrue(
          error.getMessage().contains("a value for each of the 3 classes"), error::getMessage);
    }
  }
}
