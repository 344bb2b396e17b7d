package io.github.kpconvx.cli;

import io.github.kpconvx.inference.KPConvX;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.TextFile;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.KernelPoints;
import io.github.kpconvx.layer.vl3d.GaussianFilter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Option;

/**
 * What a model's network is rebuilt from, where its file does not hold all of it; the same for
 * every command that reads one.
 */
final class NetworkOptions {
  @Option(
      names = "--config",
      paramLabel = "C.json",
      description =
          "The model's configuration, where its file holds none: what model.to_json() or a layer's serialized object gives.")
  private Path config;

  @Option(
      names = "--kernel-points",
      paramLabel = "Q.csv",
      description = {
        "Kernel points that the model's file does not hold: a file of three numbers a line;",
        "LAYER=Q.csv for one of several layers (repeatable);",
        "a folder with LAYER.Q.csv for each layer, and LAYER.WEIGHT.csv for other weights that the file does not hold;",
        "or the word " + KernelPoints.INITIALIZER + " to recompute them."
      })
  private List<String> kernelPoints = List.of();

  @Option(
      names = "--gaussian-filter",
      paramLabel = "growing|falling",
      description = {
        "What the filter \"gaussian\" of VL3D's resampling layers means, which no file tells but a SavedModel:",
        "weights that grow with the distance (VL3D of 2024), or fall with it (of 2025)."
      })
  private GaussianFilter gaussian = GaussianFilter.UNKNOWN;

  KPConvX.Loader loader(Path path) {
    KPConvX.Loader loader = KPConvX.loader(path).withGaussianFilter(gaussian);
    if (!kernelPoints.isEmpty()) {
      loader = loader.withKernelPoints(kernelPoints());
    }
    return config == null ? loader : loader.withConfig(read(config));
  }

  static KerasObject read(Path file) {
    String text = TextFile.read(file);
    try {
      return KerasObject.parse(text);
    } catch (KerasException e) {
      throw new KerasException(file + ": " + e.getMessage(), e);
    }
  }

  private KernelPoints kernelPoints() {
    if (kernelPoints.size() == 1 && !kernelPoints.get(0).contains("=")) {
      return source(kernelPoints.get(0));
    }
    Map<String, KernelPoints> byLayer = new HashMap<>();
    for (String argument : kernelPoints) {
      int equals = argument.indexOf('=');
      if (equals < 1) {
        throw new KerasException(
            "--kernel-points " + argument + ": expected LAYER=Q.csv where there are several");
      }
      byLayer.put(argument.substring(0, equals), source(argument.substring(equals + 1)));
    }
    return KernelPoints.byLayer(byLayer);
  }

  private static KernelPoints source(String argument) {
    if (argument.equals(KernelPoints.INITIALIZER)) {
      return KernelPoints.recomputed();
    }
    Path path = Path.of(argument);
    return Files.isDirectory(path) ? KernelPoints.fromFolder(path) : KernelPoints.fromCsv(path);
  }
}
