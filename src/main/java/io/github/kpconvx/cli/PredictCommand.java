package io.github.kpconvx.cli;

import io.github.kpconvx.inference.Model;
import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.numpy.NpzFile;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Runs a model on the arrays of an {@code .npz} and writes its outputs to another. */
@Command(
    name = "predict",
    description = "Runs a model on the arrays of an .npz file and writes its outputs to another.",
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class)
final class PredictCommand implements Callable<Integer> {
  @Option(
      names = "--model",
      required = true,
      paramLabel = "MODEL",
      description = "SavedModel directory, .keras or .weights.h5.")
  private Path model;

  @Option(
      names = "--inputs",
      required = true,
      paramLabel = "IN.npz",
      description = "An array for each input of the model, by its name.")
  private Path inputs;

  @Option(
      names = "--output",
      required = true,
      paramLabel = "OUT.npz",
      description = "Gets an array for each output, by its name.")
  private Path output;

  @Mixin private ModelOptions options;

  @Override
  public Integer call() {
    OutputPath.require("--output", output, model, inputs);
    Map<String, NpyArray> arrays = NpzFile.read(inputs);
    try (Model loaded = options.load(model)) {
      NpzFile.write(output, loaded.predictArrays(arrays, loaded.outputs().keySet()));
    }
    return 0;
  }
}
