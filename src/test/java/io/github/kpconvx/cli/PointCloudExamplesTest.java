package io.github.kpconvx.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.pointcloud.PointCloud;
import io.github.kpconvx.pointcloud.classification.PreprocessingFile;
import io.github.kpconvx.pointcloud.receptive.Preprocessing;
import io.github.kpconvx.training.Example;
import io.github.kpconvx.training.ExampleSet;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PointCloudExamplesTest {
  private static final Path AERIAL = Path.of("savedmodels/aerial");
  private static final List<Path> SCENE = List.of(AERIAL.resolve("scene.laz"));
  private static final Preprocessing PREPROCESSING =
      PreprocessingFile.read(AERIAL.resolve("assets.extra/pipeline.json"));

  @Test
  void figuresAreThoseOfTheFile() {
    PointCloud cloud = PointCloud.read(SCENE.get(0));
    long[] expected = new long[PREPROCESSING.classes().size()];
    for (int i = 0; i < cloud.size(); i++) {
      for (int c = 0; c < expected.length; c++) {
        expected[c] += PREPROCESSING.classes().get(c).code() == cloud.classification(i) ? 1 : 0;
      }
    }
    ExampleSet measured = PointCloudExamples.evaluationData(SCENE, PREPROCESSING);
    assertArrayEquals(expected, count(measured, expected.length));
    // The margins of the fields overlap: in training data, points are there several times.
    ExampleSet learned = PointCloudExamples.trainingData(SCENE, PREPROCESSING, false);
    long[] seen = count(learned, expected.length);
    IntStream.range(0, seen.length).forEach(c -> assertTrue(seen[c] > expected[c]));
  }

  @Test
  void aVariedExampleKeepsDistancesAndLabels() {
    ExampleSet examples = PointCloudExamples.trainingData(SCENE, PREPROCESSING, true);
    Example one = examples.get(3, new Random(1));
    Example other = examples.get(3, new Random(2));
    float[] a = one.inputs().get("X").toFloats();
    float[] b = other.inputs().get("X").toFloats();
    double farthest = 0;
    for (int i = 3; i < a.length; i += 3) {
      assertEquals(distance(a, i), distance(b, i), 1e-4);
      farthest = Math.max(farthest, Math.abs(a[i] - b[i]));
    }
    assertTrue(farthest > 1, "both were turned alike");
    assertArrayEquals(one.labels().toInts(), other.labels().toInts());
    assertArrayEquals(one.inputs().get("N").toInts(), other.inputs().get("N").toInts());
  }

  private static double distance(float[] x, int i) {
    return Math.hypot(Math.hypot(x[i] - x[0], x[i + 1] - x[1]), x[i + 2] - x[2]);
  }

  private static long[] count(ExampleSet examples, int classes) {
    long[] counts = new long[classes];
    Random random = new Random(0);
    for (int i = 0; i < examples.size(); i++) {
      for (int label : examples.get(i, random).labels().toInts()) {
        if (label != PointCloudExamples.NO_CLASS) {
          counts[label]++;
        }
      }
    }
    return counts;
  }
}
