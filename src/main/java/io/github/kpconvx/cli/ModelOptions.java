package io.github.kpconvx.cli;

import io.github.kpconvx.inference.Engine;
import io.github.kpconvx.inference.KPConvX;
import io.github.kpconvx.inference.Model;
import io.github.kpconvx.layer.Formulation;
import java.nio.file.Path;
import java.time.Duration;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** How a model is loaded; the same for every command that runs one. */
final class ModelOptions {
  @Option(
      names = "--engine",
      defaultValue = "native",
      description =
          "native: rebuilds the network and loads the weights (default); savedmodel: runs the stored signature.")
  private Engine engine;

  /** What compiles the native engine's graph. */
  enum Compile {
    NONE,
    XLA
  }

  @Option(
      names = "--compile",
      defaultValue = "none",
      description =
          "none: TensorFlow's kernels (default); xla: compiles geometry and aggregation for the inputs' sizes first.")
  private Compile compile;

  @Option(
      names = "--unsafe-operations",
      description = {
        "Lets --engine savedmodel run whatever the graph holds, such as what reads and writes files;",
        "only for models that are trusted."
      })
  private boolean unsafeOperations;

  @Option(
      names = "--timeout",
      paramLabel = "SECONDS",
      description =
          "How long a prediction may take; longer ones fail, once the operation under way has ended (default: no limit).")
  private Double timeout;

  @Mixin private NetworkOptions network;

  Model load(Path path) {
    KPConvX.Loader loader =
        network
            .loader(path)
            .withEngine(engine)
            .withFormulation(compile == Compile.XLA ? Formulation.COMPILED : Formulation.FOLDED)
            .withUnsafeOperations(unsafeOperations);
    return timeout == null
        ? loader.load()
        : loader.withTimeout(Duration.ofMillis(Math.round(timeout * 1000))).load();
  }
}
