package io.github.kpconvx.cli;

import io.github.kpconvx.inference.Engine;
import io.github.kpconvx.inference.ModelDescription;
import io.github.kpconvx.inference.ModelDescription.LayerDescription;
import io.github.kpconvx.inference.ModelDescription.WeightDescription;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.savedmodel.Signature;
import io.github.kpconvx.network.UnsupportedLayer;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.tensorflow.ndarray.Shape;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Shows what a model file holds. */
@Command(
    name = "inspect",
    description =
        "Shows what a model file holds: format, versions, signatures, layers, weights, parameters.",
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class)
final class InspectCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(
      paramLabel = "MODEL",
      description = "SavedModel directory, .keras, .h5 or .weights.h5.")
  private Path model;

  @Option(names = "--json", description = "Prints JSON.")
  private boolean json;

  @Option(
      names = "--config",
      paramLabel = "C.json",
      description = "The model's configuration, where its file holds none.")
  private Path config;

  @Override
  public Integer call() {
    ModelDescription description =
        config == null
            ? ModelDescription.of(model)
            : ModelDescription.of(model, NetworkOptions.read(config));
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      out.println(description.toJson().toPrettyString());
    } else {
      print(out, description);
    }
    if (description.problem().isPresent()
        && description.engine().isEmpty()
        && description.unknownLayers().isEmpty()) {
      throw problem(description.problem().get());
    }
    return 0;
  }

  private KerasException problem(String reason) {
    String file = model.toString();
    return new KerasException(reason.contains(file) ? reason : file + ": " + reason);
  }

  private static void print(PrintWriter out, ModelDescription model) {
    out.println(model.path());
    out.println("  format       " + model.format());
    out.println("  TensorFlow   " + model.tensorFlowVersion().orElse("not told"));
    out.println("  Keras        " + model.kerasVersion().orElse("not told"));
    out.println(
        "  engine       "
            + model.engine().map(Engine::toString).orElse("none")
            + ": "
            + model.engineReason());
    for (Signature signature : model.signatures()) {
      out.println("  signature    " + signature.name());
      signature.inputs().forEach(tensor -> out.println("    in   " + describe(tensor)));
      signature.outputs().forEach(tensor -> out.println("    out  " + describe(tensor)));
    }
    model.inputs().forEach(tensor -> out.println("  input        " + describe(tensor)));
    model.outputs().forEach(tensor -> out.println("  output       " + describe(tensor)));
    if (model.layers().isEmpty()) {
      out.println("  no configuration: layers are unknown (--config gives one)");
    } else {
      List<String[]> rows = new ArrayList<>();
      rows.add(new String[] {"layer", "class", "output shape", "params"});
      for (LayerDescription layer : model.layers()) {
        rows.add(
            new String[] {
              layer.name(),
              layer.className(),
              describe(layer.outputShape()),
              layer.parameters().map(InspectCommand::number).orElse("not told")
            });
      }
      table(out, rows);
      out.println();
      for (LayerDescription layer : model.layers()) {
        if (!layer.config().isEmpty()) {
          out.println("  config of " + layer.name() + ": " + layer.config());
        }
      }
    }
    List<String[]> rows = new ArrayList<>();
    rows.add(new String[] {"weight", "shape", "dtype", "trainable", "where"});
    for (WeightDescription weight : model.weights()) {
      String trainable = weight.trainable().map(yes -> yes ? "yes" : "no").orElse("not told");
      rows.add(
          new String[] {
            weight.name(),
            describe(weight.shape()),
            weight.dtype(),
            weight.counted() ? trainable : "not a Keras weight",
            weight.path()
          });
    }
    table(out, rows);
    out.println();
    out.println("  total params          " + number(model.parameters()));
    model
        .trainableParameters()
        .ifPresent(
            trained -> {
              out.println("  trainable params      " + number(trained));
              out.println("  non-trainable params  " + number(model.parameters() - trained));
            });
    if (!model.unsupportedLayers().isEmpty()) {
      printUnsupported(out, model);
    }
    if (!model.unknownLayers().isEmpty()) {
      printUnknown(out, model);
    }
  }

  private static void printUnsupported(PrintWriter out, ModelDescription model) {
    List<String[]> rows = new ArrayList<>();
    rows.add(new String[] {"cannot be rebuilt", "class", "why"});
    for (UnsupportedLayer layer : model.unsupportedLayers()) {
      rows.add(new String[] {layer.path(), layer.object().className(), layer.reason()});
    }
    table(out, rows);
  }

  /** Each class once, and how a class of one's own computes it. */
  private static void printUnknown(PrintWriter out, ModelDescription model) {
    Map<String, List<UnsupportedLayer>> byClass = new LinkedHashMap<>();
    for (UnsupportedLayer layer : model.unknownLayers()) {
      byClass.computeIfAbsent(layer.registeredAs(), key -> new ArrayList<>()).add(layer);
    }
    out.println();
    out.println("  Layers that this library does not know:");
    byClass.forEach(
        (name, layers) ->
            out.println(
                "    %s%s: %s"
                    .formatted(
                        name,
                        layers
                            .get(0)
                            .object()
                            .module()
                            .map(module -> " of module " + module)
                            .orElse(""),
                        layers.stream()
                            .map(UnsupportedLayer::name)
                            .collect(Collectors.joining(", ")))));
    out.println("  Write classes that extend io.github.kpconvx.layer.Layer, and register them:");
    out.println();
    out.println("    LayerRegistry layers = StandardLayers.registry()");
    out.println(
        byClass.entrySet().stream()
            .map(
                entry ->
                    "        .with(\"%s\", %s::new)"
                        .formatted(entry.getKey(), entry.getValue().get(0).object().className()))
            .collect(Collectors.joining(System.lineSeparator(), "", ";")));
    out.println(
        "    Model model = KPConvX.loader(Path.of(\"%s\")).withLayers(layers).load();"
            .formatted(model.path().toString().replace("\\", "\\\\")));
    out.println();
    out.println(
        "  Or export the model in Python (model.export): the stored graph of that directory runs as it is.");
  }

  private static void table(PrintWriter out, List<String[]> rows) {
    int columns = rows.get(0).length;
    int[] widths = new int[columns];
    for (String[] row : rows) {
      for (int c = 0; c < columns; c++) {
        widths[c] = Math.max(widths[c], row[c].length());
      }
    }
    out.println();
    for (String[] row : rows) {
      StringBuilder line = new StringBuilder(" ");
      for (int c = 0; c < columns; c++) {
        line.append(' ').append(row[c]).append(" ".repeat(widths[c] - row[c].length() + 1));
      }
      out.println(line.toString().stripTrailing());
    }
  }

  private static String number(long value) {
    return String.format(Locale.ROOT, "%,d", value);
  }

  private static String describe(Signature.Tensor tensor) {
    return tensor.name() + "  " + tensor.dtype() + " " + describe(tensor.shape());
  }

  private static String describe(Shape shape) {
    if (shape == null || shape.isUnknown()) {
      return "unknown";
    }
    StringBuilder text = new StringBuilder("(");
    for (int d = 0; d < shape.numDimensions(); d++) {
      text.append(d == 0 ? "" : ", ")
          .append(shape.get(d) == Shape.UNKNOWN_SIZE ? "None" : shape.get(d));
    }
    return text.append(")").toString();
  }
}
