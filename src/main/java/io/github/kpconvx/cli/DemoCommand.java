package io.github.kpconvx.cli;

import io.github.kpconvx.inference.Engine;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.pointcloud.PointCloud;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Classifies the shipped scene with the shipped models and compares with Python. */
@Command(
    name = "demo",
    description = {
      "Classifies a point cloud that the trained models have never seen, with the network of one depth by both",
      "engines and with the hierarchical network, compares with what Python computed, and writes the coloured",
      "cloud as PNG and LAS."
    },
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class)
final class DemoCommand implements Callable<Integer> {
  private static final String SCENE = "scene.laz";
  private static final Path SHIPPED = Path.of("savedmodels/aerial");

  @Spec private CommandSpec spec;

  @Option(
      names = "--model",
      arity = "1..*",
      defaultValue = "savedmodels/aerial,savedmodels/aerial_hierarchical",
      split = ",",
      description =
          "Directories of trained models; the first is run by the engine savedmodel too"
              + " (default savedmodels/aerial,savedmodels/aerial_hierarchical).")
  private List<Path> models;

  @Option(
      names = "--scene",
      description =
          "The classified cloud, LAS or LAZ (default scene.laz of the first model, or of savedmodels/aerial).")
  private Path scene;

  @Option(
      names = "--out",
      defaultValue = "target/demo",
      description =
          "Where the pictures go (default target/demo); those of further models into a folder of the model's name"
              + " there.")
  private Path out;

  @Override
  public Integer call() {
    Path first = models.get(0);
    PointCloud cloud = PointCloud.read(scene(first));
    PrintWriter print = spec.commandLine().getOut();
    boolean agree = true;
    for (Path model : models) {
      boolean isFirst = model.equals(first);
      Demonstration demonstration =
          new Demonstration(
              model,
              cloud,
              isFirst ? List.of(Engine.FOLDED, Engine.SAVEDMODEL) : List.of(Engine.FOLDED));
      print.printf(
          Locale.ROOT,
          "%n%s: %,d points of a scene that the model has never seen%n%n",
          model,
          cloud.size());
      demonstration.printAccuracy(print);
      print.println();
      agree &= demonstration.printAgreement(print);
      Path folder = isFirst ? out : out.resolve(model.getFileName());
      String written =
          demonstration.draw(folder).stream().map(Path::toString).collect(Collectors.joining(", "));
      print.printf("%nWritten: %s%n", written);
      print.flush();
    }
    if (!agree) {
      throw new KerasException(
          "Java and Python differ in a class, or by more than 1e-05 in a probability");
    }
    return 0;
  }

  private Path scene(Path first) {
    if (scene != null) {
      return scene;
    }
    Path own = first.resolve(SCENE);
    return Files.exists(own) ? own : SHIPPED.resolve(SCENE);
  }
}
