package io.github.kpconvx.cli;

import io.github.kpconvx.inference.Engine;
import io.github.kpconvx.inference.KPConvX;
import io.github.kpconvx.inference.Model;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** How a model is loaded; the same for every command that runs one. */
final class ModelOptions {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--engine",
      defaultValue = "auto",
      paramLabel = "ENGINE",
      converter = EngineConverter.class,
      description = {
        "auto: folded, or savedmodel where the network cannot be rebuilt (default);",
        "plain, folded, compiled: rebuilds the network, and computes it step by step, with normalizations folded,",
        "or besides compiled by XLA for the inputs' sizes; savedmodel: runs the stored signature.",
        "native is another name for folded."
      })
  private Engine engine;

  /** What the earlier option says of an engine. */
  enum Compile {
    NONE,
    XLA
  }

  @Option(
      names = "--compile",
      paramLabel = "none|xla",
      description = "xla: the same as --engine compiled; none: any other.")
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
        network.loader(path).withEngine(engine()).withUnsafeOperations(unsafeOperations);
    return timeout == null
        ? loader.load()
        : loader.withTimeout(Duration.ofMillis(Math.round(timeout * 1000))).load();
  }

  private Engine engine() {
    if (compile == null || (compile == Compile.XLA) == (engine == Engine.COMPILED)) {
      return engine;
    }
    if (compile == Compile.XLA && (engine == Engine.AUTO || engine == Engine.FOLDED)) {
      return Engine.COMPILED;
    }
    throw new ParameterException(
        spec.commandLine(),
        "--engine %s and --compile %s contradict each other"
            .formatted(engine, compile.name().toLowerCase(Locale.ROOT)));
  }
}
