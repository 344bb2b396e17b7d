package io.github.kpconvx.cli;

import io.github.kpconvx.golden.ArrayComparison;
import io.github.kpconvx.golden.GoldenComparison;
import io.github.kpconvx.golden.Tolerance;
import io.github.kpconvx.inference.Model;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.layer.tiling.Gpu;
import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.numpy.NpzFile;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Compares a model's outputs with golden ones. */
@Command(
    name = "verify",
    description =
        "Compares a model's outputs with golden ones; exit status 0 only if every output agrees.",
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class)
final class VerifyCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(paramLabel = "MODEL", description = "SavedModel directory, .keras or .weights.h5.")
  private Path model;

  @Option(
      names = "--inputs",
      required = true,
      paramLabel = "IN.npz",
      description = "An array for each input of the model.")
  private Path inputs;

  @Option(
      names = "--golden",
      required = true,
      paramLabel = "OUT.npz",
      description =
          "An array for each output of the model; others in the file are named and left alone.")
  private Path golden;

  @Option(
      names = "--atol",
      defaultValue = "1e-5",
      description = "Absolute tolerance (default 1e-5).")
  private double atol;

  @Option(
      names = "--rtol",
      defaultValue = "1e-5",
      description = "Relative tolerance (default 1e-5).")
  private double rtol;

  @Mixin private ModelOptions options;

  @Override
  public Integer call() {
    Map<String, NpyArray> expected = NpzFile.read(golden);
    Map<String, NpyArray> arrays = NpzFile.read(inputs);
    Map<String, NpyArray> found;
    try (Model loaded = options.load(model)) {
      if (!expected.keySet().containsAll(loaded.outputs().keySet())) {
        throw new KerasException(
            golden
                + " holds "
                + expected.keySet()
                + ", expected all outputs of the model, "
                + loaded.outputs().keySet());
      }
      found = loaded.predictArrays(arrays, loaded.outputs().keySet());
    }
    expected.keySet().stream()
        .filter(name -> !found.containsKey(name))
        .forEach(name -> spec.commandLine().getErr().println("not an output, left alone: " + name));
    GoldenComparison comparison = GoldenComparison.of(expected, found, new Tolerance(atol, rtol));
    comparison.stages().forEach(this::print);
    if (!comparison.agrees()) {
      Gpu.roundingNote().ifPresent(spec.commandLine().getErr()::println);
    }
    return comparison.agrees() ? 0 : 1;
  }

  private void print(ArrayComparison output) {
    PrintWriter out = spec.commandLine().getOut();
    if (output.mismatch().isPresent()) {
      out.println(output.name() + ": " + output.mismatch().get() + "  DIFFERS");
      return;
    }
    out.printf(
        Locale.ROOT,
        "%s: max |difference| %.3g, mean %.3g, %d of %d beyond %.3g + %.3g·|golden|  %s%n",
        output.name(),
        output.maxDifference(),
        output.meanDifference(),
        output.differing(),
        output.elements(),
        output.tolerance().atol(),
        output.tolerance().rtol(),
        output.agrees() ? "agrees" : "DIFFERS");
  }
}
