package io.github.kpconvx.cli;

import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.pointcloud.PointCloud;
import io.github.kpconvx.pointcloud.receptive.Feature;
import io.github.kpconvx.pointcloud.receptive.Preprocessing;
import io.github.kpconvx.pointcloud.receptive.ReceptiveField;
import io.github.kpconvx.pointcloud.receptive.ReceptiveFields;
import io.github.kpconvx.training.Example;
import io.github.kpconvx.training.ExampleSet;
import io.github.kpconvx.training.TrainingException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;

/**
 * The receptive fields of classified point clouds. As training data, each may be turned about the
 * vertical, mirrored, and given another intensity, each time anew.
 */
final class PointCloudExamples implements ExampleSet {
  /** The label of points whose classification is none of the model's classes. */
  static final int NO_CLASS = -1;

  /** By which share the intensity of an example may rise or fall. */
  private static final double GAIN = 0.15;

  private final List<Example> examples = new ArrayList<>();
  private final Preprocessing preprocessing;
  private final int intensity;
  private final boolean varied;

  private PointCloudExamples(
      List<Path> files, Preprocessing preprocessing, boolean varied, boolean once) {
    this.varied = varied;
    this.preprocessing = preprocessing;
    this.intensity = preprocessing.features().features().indexOf(Feature.INTENSITY);
    Map<Integer, Integer> classes = new LinkedHashMap<>();
    preprocessing.classes().forEach(known -> classes.put(known.code(), classes.size()));
    SortedMap<Integer, Integer> found = new TreeMap<>();
    for (Path file : files) {
      PointCloud cloud = PointCloud.read(file);
      cloud.classCounts().forEach((code, points) -> found.merge(code, points, Integer::sum));
      for (ReceptiveField field : ReceptiveFields.of(cloud, preprocessing)) {
        int[] points = field.points();
        int[] labels = new int[points.length];
        Arrays.fill(labels, NO_CLASS);
        for (int i : once ? field.core() : IntStream.range(0, points.length).toArray()) {
          labels[i] = classes.getOrDefault(cloud.classification(points[i]), NO_CLASS);
        }
        examples.add(new Example(field.inputs(), NpyArray.of(field.labels(labels), field.size())));
      }
    }
    if (found.keySet().stream().noneMatch(classes::containsKey)) {
      throw new TrainingException(
          "No point of %s is of a class that the model tells apart: found the classes %s (code=points), expected some of %s"
              .formatted(
                  files,
                  found,
                  preprocessing.classes().stream()
                      .map(known -> known.code() + " " + known.name())
                      .toList()));
    }
  }

  /**
   * Reads training data: all receptive fields of the clouds.
   *
   * @param files LAS or LAZ files whose points are classified
   * @param preprocessing how a cloud becomes examples
   * @param varied whether each example differs each time
   * @return the examples
   * @throws TrainingException if no point is of one of the classes
   */
  static PointCloudExamples trainingData(
      List<Path> files, Preprocessing preprocessing, boolean varied) {
    return new PointCloudExamples(files, preprocessing, varied, false);
  }

  /**
   * Reads evaluation data: each point is labelled in one receptive field alone, the one that is
   * asked for its class in a prediction, so that figures are those of the file.
   *
   * @param files LAS or LAZ files whose points are classified
   * @param preprocessing how a cloud becomes examples
   * @return the examples
   * @throws TrainingException if no point is of one of the classes
   */
  static PointCloudExamples evaluationData(List<Path> files, Preprocessing preprocessing) {
    return new PointCloudExamples(files, preprocessing, false, true);
  }

  @Override
  public int size() {
    return examples.size();
  }

  @Override
  public Example get(int index, RandomGenerator random) {
    Example example = examples.get(index);
    return varied ? vary(example, random) : example;
  }

  private Example vary(Example example, RandomGenerator random) {
    double turn = random.nextDouble(2 * Math.PI);
    float cos = (float) Math.cos(turn);
    float sin = (float) Math.sin(turn);
    float mirror = random.nextBoolean() ? 1 : -1;
    float gain = (float) (1 + random.nextDouble(-GAIN, GAIN));
    Map<String, NpyArray> inputs = new LinkedHashMap<>(example.inputs());
    for (String name : preprocessing.coordinateInputs()) {
      NpyArray places = inputs.get(name);
      float[] x = places.toFloats();
      for (int i = 0; i < x.length; i += 3) {
        float east = x[i];
        float north = x[i + 1] * mirror;
        x[i] = cos * east - sin * north;
        x[i + 1] = sin * east + cos * north;
      }
      inputs.put(name, NpyArray.of(x, places.shape()));
    }
    if (intensity >= 0) {
      NpyArray features = inputs.get(preprocessing.featureInput());
      float[] f = features.toFloats();
      int channels = (int) features.shape()[1];
      for (int i = intensity; i < f.length; i += channels) {
        f[i] *= gain;
      }
      inputs.put(preprocessing.featureInput(), NpyArray.of(f, features.shape()));
    }
    return new Example(inputs, example.labels());
  }
}
