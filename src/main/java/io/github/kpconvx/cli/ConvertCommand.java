package io.github.kpconvx.cli;

import io.github.kpconvx.inference.Conversion;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.layer.KernelPoints;
import io.github.kpconvx.layer.KernelPointsTarget;
import io.github.kpconvx.network.WriteOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Writes a model to another kind of file. */
@Command(
    name = "convert",
    description =
        "Writes a model to another kind of file, which Keras opens as one of its own; by OUT's name: .keras, .weights.h5, or a SavedModel directory.",
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class)
final class ConvertCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(
      index = "0",
      paramLabel = "MODEL",
      description = "SavedModel directory, .keras or .weights.h5.")
  private Path model;

  @Parameters(index = "1", paramLabel = "OUT", description = "The file or directory to make.")
  private Path out;

  @Mixin private NetworkOptions network;

  @Option(
      names = "--kernel-points-out",
      paramLabel = "Q.csv",
      description = {
        "Where kernel points go that OUT cannot hold: a file;",
        "LAYER=Q.csv for one of several layers (repeatable);",
        "a folder, for files LAYER.WEIGHT.csv of all layers and weights that OUT cannot hold;",
        "or the word "
            + KernelPoints.INITIALIZER
            + " to leave out those that it recomputes to 1e-6."
      })
  private List<String> kernelPoints = List.of();

  @Option(names = "--force", description = "Replaces what is there.")
  private boolean force;

  @Override
  public Integer call() {
    OutputPath.require("OUT", out, model);
    KernelPointsTarget target = kernelPoints(kernelPoints);
    Conversion without = network.loader(model).convert(out, new WriteOptions(force, target));
    if (without.optimizer()) {
      spec.commandLine()
          .getErr()
          .println("The optimizer's state is not written: Keras will say so, and start it anew.");
    }
    List<Path> assets = without.assets().files();
    if (!assets.isEmpty()) {
      spec.commandLine()
          .getErr()
          .println(
              "Not written, as only a SavedModel directory holds them: "
                  + assets.stream().map(Path::toString).collect(Collectors.joining(", "))
                  + " of "
                  + model);
    }
    return 0;
  }

  /** Where kernel points go, by the arguments of --kernel-points-out. */
  static KernelPointsTarget kernelPoints(List<String> arguments) {
    if (arguments.isEmpty()) {
      return KernelPointsTarget.refused();
    }
    if (arguments.size() == 1 && !arguments.get(0).contains("=")) {
      return target(arguments.get(0));
    }
    Map<String, KernelPointsTarget> byLayer = new HashMap<>();
    for (String argument : arguments) {
      int equals = argument.indexOf('=');
      if (equals < 1) {
        throw new KerasException(
            "--kernel-points-out " + argument + ": expected LAYER=Q.csv where there are several");
      }
      byLayer.put(argument.substring(0, equals), target(argument.substring(equals + 1)));
    }
    return KernelPointsTarget.byLayer(byLayer);
  }

  private static KernelPointsTarget target(String argument) {
    if (argument.equals(KernelPoints.INITIALIZER)) {
      return KernelPointsTarget.recomputed();
    }
    Path path = Path.of(argument);
    return Files.isDirectory(path)
        ? KernelPointsTarget.toFolder(path)
        : KernelPointsTarget.toCsv(path);
  }
}
