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
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Classifies the shipped scene with the shipped model and compares with Python. */
@Command(
    name = "demo",
    description = {
      "Classifies the point cloud of the trained model with both engines, compares with what Python computed,",
      "and writes the coloured cloud as PNG and LAS."
    },
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class)
final class DemoCommand implements Callable<Integer> {
  /** What Java and Python may differ by in a probability. */
  private static final double TOLERANCE = 1e-5;

  private static final List<Engine> ENGINES = List.of(Engine.FOLDED, Engine.SAVEDMODEL);

  @Spec private CommandSpec spec;

  @Option(
      names = "--model",
      defaultValue = "savedmodels/aerial",
      description = "The trained model's directory (default savedmodels/aerial).")
  private Path model;

  @Option(
      names = "--out",
      defaultValue = "target/demo",
      description = "Where the pictures go (default target/demo).")
  private Path out;

  @Override
  public Integer call() {
    Preprocessing preprocessing = PreprocessingFile.read(PreprocessingFile.of(model));
    List<PointClass> classes = preprocessing.classes();
    PointCloud cloud = PointCloud.read(model.resolve("scene.laz"));
    float[] python = python(cloud, classes.size());
    int[] truth = truth(cloud, classes);

    Map<Engine, Classification> results = new EnumMap<>(Engine.class);
    for (Engine engine : ENGINES) {
      results.put(engine, classify(engine, cloud, preprocessing));
    }
    PrintWriter print = spec.commandLine().getOut();
    print.printf(
        Locale.ROOT,
        "%n%s: %,d points of a scene that the model has never seen%n%n",
        model,
        cloud.size());
    printAccuracy(print, classes, truth, python, results);
    print.println();
    boolean agree = true;
    for (Engine engine : ENGINES) {
      agree &= printAgreement(print, engine, python, results.get(engine), classes.size());
    }
    draw(cloud, classes, results.get(Engine.FOLDED));
    print.printf(
        "%nWritten: %s, %s, %s%n",
        out.resolve("above.png"), out.resolve("oblique.png"), out.resolve("classified.las"));
    if (!agree) {
      throw new KerasException(
          String.format(
              Locale.ROOT,
              "Java and Python differ, or by more than %.0e in a probability",
              TOLERANCE));
    }
    return 0;
  }

  private Classification classify(Engine engine, PointCloud cloud, Preprocessing preprocessing) {
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

  private float[] python(PointCloud cloud, int classes) {
    Path file = model.resolve("predictions.npz");
    NpyArray array = NpzFile.read(file).get("probabilities");
    if (array == null || !Arrays.equals(array.shape(), new long[] {cloud.size(), classes})) {
      throw new KerasException(
          file
              + " holds "
              + array
              + " as probabilities, expected float32 ("
              + cloud.size()
              + ", "
              + classes
              + ")");
    }
    return array.toFloats();
  }

  private static int[] truth(PointCloud cloud, List<PointClass> classes) {
    List<Integer> codes = classes.stream().map(PointClass::code).toList();
    int[] truth = new int[cloud.size()];
    for (int i = 0; i < truth.length; i++) {
      truth[i] = codes.indexOf(cloud.classification(i));
      if (truth[i] < 0) {
        throw new KerasException(
            cloud.source()
                + ": point "
                + i
                + " is of class "
                + cloud.classification(i)
                + ", expected one of "
                + codes);
      }
    }
    return truth;
  }

  private static void printAccuracy(
      PrintWriter print,
      List<PointClass> classes,
      int[] truth,
      float[] python,
      Map<Engine, Classification> results) {
    int k = classes.size();
    ConfusionMatrix ofPython =
        new ConfusionMatrix(k).add(truth, Classification.mostProbable(python, k));
    Map<Engine, ConfusionMatrix> matrices = new EnumMap<>(Engine.class);
    results.forEach(
        (engine, result) ->
            matrices.put(engine, new ConfusionMatrix(k).add(truth, result.classes())));
    ConfusionMatrix ofNative = matrices.get(Engine.FOLDED);
    ConfusionMatrix ofStored = matrices.get(Engine.SAVEDMODEL);
    String format = "%-18s %10s %12s %12s %12s%n";
    print.printf(format, "IoU", "points", "Java native", "savedmodel", "Python");
    for (int c = 0; c < k; c++) {
      print.printf(
          format,
          classes.get(c).name(),
          String.format(Locale.ROOT, "%,d", ofNative.points(c)),
          share(ofNative.iou(c)),
          share(ofStored.iou(c)),
          share(ofPython.iou(c)));
    }
    print.printf(
        format,
        "mean IoU",
        "",
        share(ofNative.meanIou()),
        share(ofStored.meanIou()),
        share(ofPython.meanIou()));
    print.printf(
        format,
        "accuracy",
        "",
        share(ofNative.accuracy()),
        share(ofStored.accuracy()),
        share(ofPython.accuracy()));
  }

  private static String share(double value) {
    return String.format(Locale.ROOT, "%.4f", value);
  }

  private static boolean printAgreement(
      PrintWriter print, Engine engine, float[] python, Classification result, int classes) {
    float[] java = result.probabilities();
    double largest = 0;
    for (int i = 0; i < java.length; i++) {
      double difference = Math.abs((double) java[i] - python[i]);
      largest = difference > largest || Double.isNaN(difference) ? difference : largest;
    }
    int[] ofJava = result.classes();
    int[] ofPython = Classification.mostProbable(python, classes);
    int same = 0;
    for (int i = 0; i < ofJava.length; i++) {
      same += ofJava[i] == ofPython[i] ? 1 : 0;
    }
    print.printf(
        Locale.ROOT,
        "%-11s same class as Python for %,d of %,d points, largest difference of a probability %.2e%n",
        name(engine),
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

  private void draw(PointCloud cloud, List<PointClass> classes, Classification result) {
    try {
      Files.createDirectories(out);
    } catch (IOException e) {
      throw new KpconvxException("Cannot make the directory " + out + ": " + Failures.reason(e), e);
    }
    int[] found = result.classes();
    int[] colors = Arrays.stream(found).map(c -> classes.get(c).color()).toArray();
    cloud
        .withClassification(result.codes())
        .withColors(colors)
        .write(out.resolve("classified.las"));
    String points =
        String.format(
            Locale.ROOT,
            "%,d points, classified in Java by a model trained in Keras",
            found.length);
    CloudImage image =
        CloudImage.of(cloud, colors).withLegend(classes).withTitle("Aerial laser scan", points);
    image.fromAbove().write(out.resolve("above.png"));
    image.oblique(30, 32).write(out.resolve("oblique.png"));
  }
}
