package io.github.kpconvx.cli;

import io.github.kpconvx.inference.Engine;
import io.github.kpconvx.inference.KPConvX;
import io.github.kpconvx.inference.Model;
import io.github.kpconvx.inference.TensorSpec;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.numpy.NpzFile;
import io.github.kpconvx.tensor.Tensors;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.tensorflow.Tensor;
import org.tensorflow.types.TInt64;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Times a model with every engine, in turn, on the same inputs. */
@Command(
    name = "bench",
    description = {
      "Times a model with every engine, in turn, on the same inputs,",
      "and checks that all answer the same."
    },
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class)
final class BenchCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--model",
      required = true,
      paramLabel = "MODEL",
      description = "SavedModel directory, .keras, .h5 or .weights.h5.")
  private Path model;

  @Option(
      names = "--inputs",
      paramLabel = "IN.npz",
      description = "An array for each input of the model; without it, a cloud drawn at random.")
  private Path inputs;

  @Option(names = "--batch", defaultValue = "1", description = "B, the clouds drawn (default 1).")
  private int batch;

  @Option(
      names = "--points",
      defaultValue = "16384",
      description = "R, the points of each (default 16384).")
  private int points;

  @Option(
      names = "--neighbours",
      defaultValue = "16",
      description = "κ, the nearest neighbours of each point (default 16).")
  private int neighbours;

  @Option(names = "--runs", defaultValue = "15", description = "Runs of each form (default 15).")
  private int runs;

  @Option(
      names = {"--engine", "--form"},
      split = ",",
      paramLabel = "ENGINE",
      converter = EngineConverter.class,
      description = {
        "Engines to time: plain, folded, compiled, savedmodel",
        "(default all that the model's file allows)."
      })
  private List<Engine> engines = List.of();

  @Option(names = "--json", description = "Prints JSON.")
  private boolean json;

  @Mixin private NetworkOptions network;

  @Override
  public Integer call() {
    check();
    List<FormTiming> timings = new ArrayList<>();
    try {
      Map<String, NpyArray> cloud;
      Map<String, NpyArray> answer;
      try (Model plain = network.loader(model).withEngine(Engine.PLAIN).load()) {
        cloud = inputs != null ? NpzFile.read(inputs) : draw(plain);
        answer = plain.predictArrays(cloud, plain.outputs().keySet());
      }
      for (Engine engine : engines()) {
        timings.add(new FormTiming(engine.toString(), loader(engine)));
      }
      Tensors.with(
          cloud,
          tensors -> {
            timings.forEach(timing -> timing.first(tensors, answer));
            return time(timings, tensors);
          });
      BenchReport report = new BenchReport(model, cloud, runs, timings);
      PrintWriter out = spec.commandLine().getOut();
      if (json) {
        out.println(report.toJson());
      } else {
        report.printTable(out);
      }
    } finally {
      timings.forEach(FormTiming::close);
    }
    return 0;
  }

  private void check() {
    if (engines.contains(Engine.AUTO)) {
      throw badUsage("--engine auto is one of the others, name which");
    }
    for (String option : List.of("--batch", "--points", "--neighbours", "--runs")) {
      int value = spec.findOption(option).getValue();
      if (value < 1) {
        throw badUsage(option + " is at least 1, found " + value);
      }
      if (inputs != null
          && !option.equals("--runs")
          && spec.commandLine().getParseResult().hasMatchedOption(option)) {
        throw badUsage(option + " is for clouds drawn at random, --inputs gives others");
      }
    }
  }

  private ParameterException badUsage(String message) {
    return new ParameterException(spec.commandLine(), message);
  }

  private Set<Engine> engines() {
    if (!engines.isEmpty()) {
      return EnumSet.copyOf(engines);
    }
    return Files.isDirectory(model)
        ? EnumSet.range(Engine.PLAIN, Engine.SAVEDMODEL)
        : EnumSet.range(Engine.PLAIN, Engine.COMPILED);
  }

  private KPConvX.Loader loader(Engine engine) {
    // The stored graph knows nothing of another configuration.
    return (engine == Engine.SAVEDMODEL ? KPConvX.loader(model) : network.loader(model))
        .withEngine(engine);
  }

  /** In turn, so that a machine that slows down slows all of them down. */
  private List<FormTiming> time(List<FormTiming> timings, Map<String, Tensor> tensors) {
    try (ProgressBar progress =
        new ProgressBarBuilder()
            .setTaskName("bench")
            .setInitialMax((long) runs * timings.size())
            .setUnit(" runs", 1)
            .setStyle(ProgressBarStyle.ASCII)
            .setMaxRenderedLength(90)
            .build()) {
      for (int run = 0; run < runs; run++) {
        for (FormTiming timing : timings) {
          timing.run(tensors);
          progress.step();
        }
      }
    }
    return timings;
  }

  private Map<String, NpyArray> draw(Model loaded) {
    Map<String, TensorSpec> specs = loaded.inputs();
    if (!specs.keySet().equals(Set.of("X", "F", "N"))) {
      throw new KerasException(
          "A cloud can be drawn for the inputs X, F and N; the model takes "
              + specs.keySet()
              + ": give --inputs");
    }
    TensorSpec n = specs.get("N");
    long fixed = n.shape().get(2);
    if (fixed > 0
        && fixed != neighbours
        && spec.commandLine().getParseResult().hasMatchedOption("--neighbours")) {
      throw new KerasException(
          "The model takes " + fixed + " neighbours, found --neighbours " + neighbours);
    }
    int slots = fixed > 0 ? (int) fixed : neighbours;
    if (slots > points) {
      throw new KerasException(
          "There are no "
              + slots
              + " nearest neighbours of "
              + points
              + " points; give more --points");
    }
    int features = (int) specs.get("F").shape().get(2);
    int widest = Math.max(3, Math.max(features, slots));
    if ((long) batch * points > Integer.MAX_VALUE / widest) {
      throw new KerasException(
          "%d clouds of %d points with %d numbers each are more than an array holds; give fewer"
              .formatted(batch, points, widest));
    }
    return RandomCloud.draw(batch, points, features, slots, n.type().equals(TInt64.class));
  }
}
