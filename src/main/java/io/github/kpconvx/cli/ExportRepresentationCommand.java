package io.github.kpconvx.cli;

import io.github.kpconvx.inference.KPConvX;
import io.github.kpconvx.inference.StoredKernel;
import io.github.kpconvx.report.KernelRepresentation;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import org.tensorflow.ndarray.FloatNdArray;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Writes the kernel of a layer as tables and pictures. */
@Command(
    name = "export-representation",
    description = {
      "Writes the kernel of a KPConvX, KPConv or light KPConv layer, strided or not, as tables (Q.csv, W0.csv, …; W.csv",
      "and A.csv of a light one) and as pictures (Qinit.svg, Winit_mat.svg, Winit_hist.svg); with an earlier state of",
      "the model, what has become of it (Qend.svg, Wend_mat.svg, Wend_hist.svg) and what has changed (Wdiff_mat.svg,",
      "Wdiff_hist.svg). Of a light layer there are pictures of A too."
    },
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class)
final class ExportRepresentationCommand implements Callable<Integer> {
  @Option(
      names = "--model",
      required = true,
      paramLabel = "MODEL",
      description = "SavedModel directory, .keras or .weights.h5.")
  private Path model;

  @Option(
      names = "--layer",
      paramLabel = "NAME",
      description = "The layer's name; needed if the model has several layers with a kernel.")
  private String layer;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "DIR",
      description =
          "Where the files go; made if it is not there. A * at its start stands for the prefix without its last character.")
  private String out;

  @Option(
      names = "--prefix",
      paramLabel = "P",
      description = "What a * at the start of DIR stands for, and one more character.")
  private String prefix;

  @Option(
      names = "--past",
      paramLabel = "MODEL",
      description =
          "The same model at an earlier time; a file without a configuration is read with that of --model.")
  private Path past;

  @Mixin private NetworkOptions network;

  @Override
  public Integer call() {
    KPConvX.Loader loader = network.loader(model);
    StoredKernel kernel = layer == null ? loader.kernel() : loader.kernel(layer);
    KernelRepresentation.of(kernel.layer(), kernel.points(), kernel.weights())
        .export(out, prefix, past == null ? Map.of() : past(loader, kernel.layer().name()));
    return 0;
  }

  private Map<String, FloatNdArray> past(KPConvX.Loader present, String name) {
    KPConvX.Loader loader = network.loader(past);
    if (loader.config().isEmpty()) {
      loader = present.config().map(loader::withConfig).orElse(loader);
    }
    return loader.kernel(name).weights();
  }
}
