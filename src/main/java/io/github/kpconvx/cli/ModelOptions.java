package io.github.kpconvx.cli;

import io.github.kpconvx.inference.Engine;
import io.github.kpconvx.inference.Model;
import java.nio.file.Path;
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

  @Mixin private NetworkOptions network;

  Model load(Path path) {
    return network.loader(path).withEngine(engine).load();
  }
}
