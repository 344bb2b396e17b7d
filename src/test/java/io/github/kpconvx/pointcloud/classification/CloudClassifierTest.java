package io.github.kpconvx.pointcloud.classification;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.Fixtures;
import io.github.kpconvx.inference.KPConvX;
import io.github.kpconvx.inference.Model;
import io.github.kpconvx.pointcloud.PointClass;
import io.github.kpconvx.pointcloud.PointCloud;
import io.github.kpconvx.pointcloud.PointCloudException;
import io.github.kpconvx.pointcloud.Quantization;
import io.github.kpconvx.pointcloud.receptive.Preprocessing;
import java.util.ArrayList;
import java.util.List;
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
