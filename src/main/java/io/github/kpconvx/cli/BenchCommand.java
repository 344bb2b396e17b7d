package io.github.kpconvx.cli;

import io.github.kpconvx.inference.Engine;
import io.github.kpconvx.inference.KPConvX;
import io.github.kpconvx.inference.Model;
import io.github.kpconvx.inference.Prediction;
import io.github.kpconvx.inference.TensorSpec;
import io.github.kpconvx.inference.Tensors;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.layer.Formulation;
import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.numpy.NpzFile;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import org.tensorflow.Tensor;
import org.tensorflow.types.TInt64;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Times a model in every form of inference, in turn, on the same inputs. */
@Command(
    name = "bench",
    description = "Times a model in every form of inference, in turn, on the same inputs.",
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

  @Mixin private NetworkOptions network;

  /** A form with its times in ms. */
  private record Row(String name, Model model, List<Double> times) {
    double median() {
      double[] warm = times.stream().skip(1).mapToDouble(Double::doubleValue).sorted().toArray();
      return warm[warm.length / 2];
    }

    double least() {
      return times.stream().skip(1).mapToDouble(Double::doubleValue).min().orElseThrow();
    }
  }

  @Override
  public Integer call() {
    for (int value : new int[] {batch, points, neighbours, runs}) {
      if (value < 1) {
        throw new KerasException(
            "--batch, --points, --neighbours and --runs are at least 1, found " + value);
      }
    }
    List<Row> rows = new ArrayList<>();
    try {
      for (Formulation form : Formulation.values()) {
        String name = form.name().toLowerCase(Locale.ROOT);
        add(rows, name, network.loader(model).withFormulation(form));
      }
      if (Files.isDirectory(model)) {
        add(rows, "savedmodel", KPConvX.loader(model).withEngine(Engine.SAVEDMODEL));
      }
      Map<String, NpyArray> cloud = inputs != null ? NpzFile.read(inputs) : draw(rows.get(0).model);
      Tensors.with(cloud, tensors -> time(rows, tensors));
      print(rows, cloud);
    } finally {
      rows.forEach(row -> row.model.close());
    }
    return 0;
  }

  private static void add(List<Row> rows, String name, KPConvX.Loader loader) {
    rows.add(new Row(name, loader.load(), new ArrayList<>()));
  }

  /** In turn, so that a machine that slows down slows all of them down. */
  private List<Row> time(List<Row> rows, Map<String, Tensor> tensors) {
    for (int run = 0; run <= runs; run++) {
      for (Row row : rows) {
        long start = System.nanoTime();
        Prediction answer = row.model.predict(tensors);
        long end = System.nanoTime();
        answer.close();
        row.times.add((end - start) / 1e6);
      }
    }
    return rows;
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
    int slots = n.shape().get(2) > 0 ? (int) n.shape().get(2) : neighbours;
    if (slots > points) {
      throw new KerasException(
          "There are no "
              + slots
              + " nearest neighbours of "
              + points
              + " points; give more --points");
    }
    return RandomCloud.draw(
        batch, points, (int) specs.get("F").shape().get(2), slots, n.type().equals(TInt64.class));
  }

  private void print(List<Row> rows, Map<String, NpyArray> cloud) {
    PrintWriter out = spec.commandLine().getOut();
    Map<String, String> shapes = new LinkedHashMap<>();
    cloud.forEach((name, array) -> shapes.put(name, Arrays.toString(array.shape())));
    out.printf(
        Locale.ROOT,
        "%s, inputs %s, %d processors, runs of each form: %d, times in ms%n",
        model,
        shapes,
        Runtime.getRuntime().availableProcessors(),
        runs);
    out.printf("%-12s %10s %10s %10s %12s%n", "form", "first", "least", "median", "plain/form");
    double plain = rows.get(0).median();
    for (Row row : rows) {
      out.printf(
          Locale.ROOT,
          "%-12s %10.1f %10.1f %10.1f %12.2f%n",
          row.name,
          row.times.get(0),
          row.least(),
          row.median(),
          plain / row.median());
    }
  }
}
