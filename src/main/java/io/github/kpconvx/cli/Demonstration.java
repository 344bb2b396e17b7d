package io.github.kpconvx.cli;

import io.github.kpconvx.KpconvxException;
import io.github.kpconvx.inference.Engine;
import io.github.kpconvx.inference.KPConvX;
import io.github.kpconvx.inference.Model;
import io.github.kpconvx.io.Failures;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.numpy.NpzFile;
import io.github.kpconvx.pointcloud.PointClass;
import io.github.kpconvx.pointcloud.PointCloud;
import io.github.kpconvx.pointcloud.classification.Classification;
import io.github.kpconvx.pointcloud.classification.CloudClassifier;
import io.github.kpconvx.pointcloud.classification.PreprocessingFile;
import io.github.kpconvx.pointcloud.picture.CloudImage;
import io.github.kpconvx.pointcloud.receptive.Preprocessing;
import io.github.kpconvx.training.ConfusionMatrix;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/** What one trained model says of a scene, beside what Python said with it. */
final class Demonstration {
  /** What Java and Python may differ by in a probability. */
  private static final double TOLERANCE = 1e-5;

  private final Path model;
  private final PointCloud cloud;
  private final Preprocessing preprocessing;
  private final List<PointClass> classes;
  private final float[] python;
  private final Map<Engine, Classification> results = new LinkedHashMap<>();

  /**
   * Classifies a scene.
   *
   * @param model the model's directory, with {@code predictions.npz}
   * @param cloud the scene, classified
   * @param engines what computes, at least one
   */
  Demonstration(Path model, PointCloud cloud, List<Engine> engines) {
    this.model = model;
    this.cloud = cloud;
    preprocessing = PreprocessingFile.read(PreprocessingFile.of(model));
    classes = preprocessing.classes();
    python = python();
    for (Engine engine : engines) {
      results.put(engine, classify(engine));
    }
  }

  private Classification classify(Engine engine) {
    try (Model loaded = KPConvX.loader(model).withEngine(engine).load();
        ProgressBar progress =
            new ProgressBarBuilder()
                .setTaskName(name(engine))
                .setInitialMax(cloud.size())
                .setUnit(" points", 1)
                .setStyle(ProgressBarStyle.ASCII)
                .setMaxRenderedLength(90)
                .build()) {
      return new CloudClassifier(loaded, preprocessing).classify(cloud, progress::stepTo);
    }
  }

  private static String name(Engine engine) {
    return engine == Engine.SAVEDMODEL ? engine.toString() : "native";
  }

  private float[] python() {
    Path file = model.resolve("predictions.npz");
    NpyArray array = NpzFile.read(file).get("probabilities");
    long[] expected = {cloud.size(), classes.size()};
    if (array == null || !Arrays.equals(array.shape(), expected)) {
      throw new KerasException(
          "%s holds %s as probabilities, expected float32 (%d, %d)"
              .formatted(file, array, expected[0], expected[1]));
    }
    return array.toFloats();
  }

  /** A table of how well each engine and Python classify each class. */
  void printAccuracy(PrintWriter print) {
    int[] truth = truth();
    List<String> head = new ArrayList<>(List.of("IoU", "points"));
    List<ConfusionMatrix> columns = new ArrayList<>();
    results.forEach(
        (engine, result) -> {
          head.add(engine == Engine.SAVEDMODEL ? name(engine) : "Java native");
          columns.add(confusion(truth, result.classes()));
        });
    head.add("Python");
    columns.add(confusion(truth, Classification.mostProbable(python, classes.size())));
    printRow(print, head);
    for (int c = 0; c < classes.size(); c++) {
      int place = c;
      String points = String.format(Locale.ROOT, "%,d", columns.get(0).points(c));
      printRow(print, classes.get(c).name(), points, columns, matrix -> matrix.iou(place));
    }
    printRow(print, "mean IoU", "", columns, ConfusionMatrix::meanIou);
    printRow(print, "accuracy", "", columns, ConfusionMatrix::accuracy);
  }

  private ConfusionMatrix confusion(int[] truth, int[] found) {
    return new ConfusionMatrix(classes.size()).add(truth, found);
  }

  private static void printRow(
      PrintWriter print,
      String name,
      String points,
      List<ConfusionMatrix> columns,
      ToDoubleFunction<ConfusionMatrix> figure) {
    printRow(
        print,
        Stream.concat(
                Stream.of(name, points),
                columns.stream()
                    .map(
                        matrix -> String.format(Locale.ROOT, "%.4f", figure.applyAsDouble(matrix))))
            .toList());
  }

  private static void printRow(PrintWriter print, List<String> cells) {
    print.printf("%-18s %10s", cells.get(0), cells.get(1));
    cells.stream().skip(2).forEach(cell -> print.printf(" %12s", cell));
    print.println();
  }

  private int[] truth() {
    List<Integer> codes = classes.stream().map(PointClass::code).toList();
    int[] truth = new int[cloud.size()];
    for (int i = 0; i < truth.length; i++) {
      truth[i] = codes.indexOf(cloud.classification(i));
      if (truth[i] < 0) {
        throw new KerasException(
            "%s: point %d is of class %d, expected one of %s"
                .formatted(cloud.source(), i, cloud.classification(i), codes));
      }
    }
    return truth;
  }

  /**
   * Says how far each engine is from Python, and how fast.
   *
   * @return whether all give each point the same class, and nearly the same probabilities
   */
  boolean printAgreement(PrintWriter print) {
    boolean agree = true;
    for (Map.Entry<Engine, Classification> result : results.entrySet()) {
      agree &= printAgreement(print, name(result.getKey()), result.getValue());
    }
    return agree;
  }

  private boolean printAgreement(PrintWriter print, String name, Classification result) {
    float[] java = result.probabilities();
    double largest = 0;
    for (int i = 0; i < java.length; i++) {
      double difference = Math.abs((double) java[i] - python[i]);
      largest = difference > largest || Double.isNaN(difference) ? difference : largest;
    }
    int[] ofJava = result.classes();
    int[] ofPython = Classification.mostProbable(python, classes.size());
    int same = 0;
    for (int i = 0; i < ofJava.length; i++) {
      same += ofJava[i] == ofPython[i] ? 1 : 0;
    }
    print.printf(
        Locale.ROOT,
        "%-11s same class as Python for %,d of %,d points, largest difference of a probability %.2e%n",
        name,
        same,
        ofJava.length,
        largest);
    print.printf(
        Locale.ROOT,
        "%-11s %,.0f points/s through the model, %,.0f points/s with neighbour search and all%n",
        "",
        result.modelPointsPerSecond(),
        result.pointsPerSecond());
    return same == ofJava.length && largest <= TOLERANCE;
  }

  /**
   * Writes the scene as the first engine classifies it.
   *
   * @param folder where the files go; made if need be
   * @return the files
   */
  List<Path> draw(Path folder) {
    try {
      Files.createDirectories(folder);
    } catch (IOException e) {
      throw new KpconvxException(
          "Cannot make the directory " + folder + ": " + Failures.reason(e), e);
    }
    Classification result = results.values().iterator().next();
    int[] colors = Arrays.stream(result.classes()).map(c -> classes.get(c).color()).toArray();
    Path classified = folder.resolve("classified.las");
    cloud.withClassification(result.codes()).withColors(colors).write(classified);
    String points =
        String.format(
            Locale.ROOT,
            "%,d points, classified in Java by a model trained in Keras",
            cloud.size());
    CloudImage image =
        CloudImage.of(cloud, colors).withLegend(classes).withTitle("Aerial laser scan", points);
    Path above = folder.resolve("above.png");
    Path oblique = folder.resolve("oblique.png");
    image.fromAbove().write(above);
    image.oblique(30, 32).write(oblique);
    return List.of(above, oblique, classified);
  }
}
