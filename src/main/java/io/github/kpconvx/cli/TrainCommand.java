package io.github.kpconvx.cli;

import io.github.kpconvx.inference.KPConvX;
import io.github.kpconvx.io.Failures;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.file.StoredModel;
import io.github.kpconvx.keras.weights.WeightStore;
import io.github.kpconvx.layer.KernelPoints;
import io.github.kpconvx.layer.KernelPointsTarget;
import io.github.kpconvx.network.ModelWriter;
import io.github.kpconvx.network.WriteOptions;
import io.github.kpconvx.pointcloud.classification.PreprocessingFile;
import io.github.kpconvx.pointcloud.receptive.Preprocessing;
import io.github.kpconvx.training.ClassificationLoss;
import io.github.kpconvx.training.EventFile;
import io.github.kpconvx.training.ExampleSet;
import io.github.kpconvx.training.FrozenLayers;
import io.github.kpconvx.training.Metrics;
import io.github.kpconvx.training.Trainer;
import io.github.kpconvx.training.TrainingException;
import io.github.kpconvx.training.TrainingListener;
import io.github.kpconvx.training.TrainingSettings;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Trains a network on classified point clouds or NumPy arrays and writes it for Keras. */
@Command(
    name = "train",
    description =
        "Trains a network on classified point clouds (LAS, LAZ) or NumPy arrays (.npz) and writes it as Keras does.",
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class)
final class TrainCommand implements Callable<Integer> {
  private static final String EXAMPLES = ".*\\.(las|laz|npz)";

  @Option(
      names = "--model",
      required = true,
      paramLabel = "MODEL",
      description = "The network to train: SavedModel directory, .keras or .weights.h5.")
  private Path model;

  @Option(
      names = "--data",
      required = true,
      arity = "1..*",
      paramLabel = "FILE",
      description = {
        "Training data: LAS or LAZ files whose points are classified, or .npz files with an array",
        "for each input of the network and one called labels, all with a leading batch axis;",
        "or a directory of such files."
      })
  private List<Path> training;

  @Option(
      names = "--validation",
      arity = "1..*",
      paramLabel = "FILE",
      description =
          "Validation data, evaluated after each epoch; the best epoch's weights are kept.")
  private List<Path> validation = List.of();

  @Option(
      names = "--out",
      required = true,
      paramLabel = "OUT",
      description = "Where the trained network goes: a .keras, a .weights.h5, or a SavedModel.")
  private Path out;

  @Option(
      names = "--settings",
      paramLabel = "S.json",
      description = "How to train; without it, ten epochs of Adam.")
  private Path settingsFile;

  @Option(names = "--epochs", description = "Passes over the data, in place of the settings'.")
  private Integer epochs;

  @Option(names = "--seed", description = "Of the whole run, in place of the settings'.")
  private Long seed;

  @Option(
      names = "--from-scratch",
      description = "Starts from new weights; without it, from the model's.")
  private boolean fromScratch;

  @Option(
      names = "--freeze",
      split = ",",
      paramLabel = "LAYER",
      description = "Layers that keep their weights.")
  private List<String> frozen = List.of();

  @Option(
      names = "--preprocessing",
      paramLabel = "P.json",
      description = {
        "How a point cloud becomes the network's inputs;",
        "without it, assets.extra/pipeline.json of the SavedModel."
      })
  private Path preprocessingFile;

  @Option(
      names = "--checkpoint",
      paramLabel = "C.npz",
      description = "Is written as training goes; a run that finds it goes on where it was.")
  private Path checkpoint;

  @Option(
      names = "--tensorboard",
      paramLabel = "DIR",
      description = "Gets losses and metrics for TensorBoard.")
  private Path tensorboard;

  @Option(
      names = "--kernel-points-out",
      paramLabel = "Q.csv",
      description = {
        "Where kernel points go that OUT cannot hold: a file;",
        "LAYER=Q.csv for one of several layers (repeatable);",
        "or the word "
            + KernelPoints.INITIALIZER
            + " to leave out those that it recomputes to 1e-6."
      })
  private List<String> kernelPointsOut = List.of();

  @Option(names = "--force", description = "Replaces OUT if it is there.")
  private boolean force;

  @Mixin private NetworkOptions network;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    if (Files.exists(out) && !force) {
      throw new KerasException(out + " exists; --force replaces it");
    }
    OutputPath.require("--out", out, read());
    if (checkpoint != null) {
      // It may well be there, to go on from, in a folder of the others.
      Path[] files = Stream.of(read()).filter(Files::isRegularFile).toArray(Path[]::new);
      OutputPath.require("--checkpoint", checkpoint, files);
    }
    KernelPointsTarget target = ConvertCommand.kernelPoints(kernelPointsOut);
    TrainingFile file =
        settingsFile == null ? TrainingFile.defaults() : TrainingFile.read(settingsFile);
    training = files(training);
    validation = files(validation);
    boolean clouds = areClouds(training);
    if (!validation.isEmpty() && areClouds(validation) != clouds) {
      throw new TrainingException("Data and validation are of different kinds, expected the same");
    }
    ExampleSet trainingData =
        clouds
            ? PointCloudExamples.trainingData(training, preprocessing(), file.augment())
            : ArrayExamples.read(training);
    Optional<ExampleSet> validationData =
        validation.isEmpty() ? Optional.empty() : Optional.of(validationData(clouds));
    KPConvX.Loader loader = network.loader(model);
    KerasObject config =
        FrozenLayers.freeze(
            loader
                .config()
                .orElseThrow(
                    () ->
                        new KerasException(
                            model + " holds no configuration of the network; give --config")),
            frozen);
    TrainingSettings settings = settings(file, trainingData, clouds);
    try (Trainer trainer = new Trainer(config, loader.layers(), settings);
        Progress progress = new Progress(spec.commandLine().getErr(), settings.epochs())) {
      start(trainer, loader);
      ModelWriter writer = writer(trainer);
      requireWritable(trainer, writer, target);
      if (checkpoint != null) {
        trainer.saveTo(checkpoint);
      }
      if (tensorboard == null) {
        fit(trainer, trainingData, validationData, progress);
      } else {
        try (EventFile events = new EventFile(tensorboard)) {
          fit(trainer, trainingData, validationData, TrainingListener.both(progress, events));
        }
      }
      trainer.write(out, writer, new WriteOptions(force, target));
      report(trainer, validationData);
    }
    return 0;
  }

  private static void fit(
      Trainer trainer,
      ExampleSet training,
      Optional<ExampleSet> validation,
      TrainingListener listener) {
    if (validation.isPresent()) {
      trainer.fit(training, validation.get(), listener);
    } else {
      trainer.fit(training, listener);
    }
  }

  /** What the command reads. */
  private Path[] read() {
    List<Path> read = new ArrayList<>(List.of(model));
    read.addAll(training);
    read.addAll(validation);
    return read.toArray(Path[]::new);
  }

  /** Writes the untrained network, so that what cannot be written is told before it is trained. */
  private void requireWritable(Trainer trainer, ModelWriter writer, KernelPointsTarget target) {
    try {
      Path folder = Files.createTempDirectory("train");
      Path trial = folder.resolve(out.getFileName());
      try {
        KernelPointsTarget tried =
            (layer, weight, points) ->
                target.of(layer, weight, points).map(csv -> trial(csv, folder));
        trainer.write(trial, writer, new WriteOptions(false, tried));
      } catch (KerasException e) {
        throw new KerasException(
            "--out " + out + " cannot be written: " + e.getMessage().replace(trial + ": ", ""), e);
      } finally {
        try (Stream<Path> paths = Files.walk(folder)) {
          for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
            Files.delete(path);
          }
        }
      }
    } catch (IOException e) {
      throw new TrainingException("No temporary folder can be used: " + Failures.reason(e), e);
    }
  }

  /** Where a table of kernel points goes while writing is tried. */
  private Path trial(Path csv, Path folder) {
    OutputPath.require("--kernel-points-out", csv, read());
    return folder.resolve(csv.toAbsolutePath().toString().replaceAll("[^\\w.]", "_"));
  }

  /** Writes what belongs to the model besides its network: its version of Keras, its assets. */
  private ModelWriter writer(Trainer trainer) {
    try (StoredModel stored = StoredModel.open(model)) {
      ModelWriter writer = trainer.writer().withAssets(stored.assets());
      return stored.kerasVersion().map(writer::withKerasVersion).orElse(writer);
    }
  }

  private void start(Trainer trainer, KPConvX.Loader loader) {
    if (checkpoint != null && Files.exists(checkpoint)) {
      trainer.resume(checkpoint);
      spec.commandLine()
          .getErr()
          .printf("goes on from %s after step %d%n", checkpoint, trainer.steps());
    } else if (fromScratch) {
      trainer.initialize();
    } else {
      try (StoredModel weightsFile = StoredModel.open(model);
          WeightStore weights = weightsFile.weights()) {
        trainer.loadWeights(weights, loader.kernelPoints());
      }
    }
  }

  private void report(Trainer trainer, Optional<ExampleSet> validationData) {
    PrintWriter results = spec.commandLine().getOut();
    results.printf(Locale.ROOT, "trained %,d steps, written to %s%n", trainer.steps(), out);
    validationData.ifPresent(
        set -> {
          Metrics metrics = trainer.evaluate(set);
          results.printf(
              Locale.ROOT,
              "validation: loss %.4f, accuracy %.4f, mean IoU %.4f%n",
              metrics.loss(),
              metrics.accuracy(),
              metrics.meanIou());
        });
  }

  /** Puts a directory's files, in the order of their names, in its place. */
  private static List<Path> files(List<Path> given) {
    List<Path> files = new ArrayList<>();
    for (Path path : given) {
      if (!Files.isDirectory(path)) {
        files.add(path);
        continue;
      }
      try (Stream<Path> children = Files.list(path)) {
        List<Path> found =
            children
                .filter(child -> child.toString().toLowerCase(Locale.ROOT).matches(EXAMPLES))
                .sorted()
                .toList();
        if (found.isEmpty()) {
          throw new TrainingException(
              "Directory " + path + " holds no .las, .laz or .npz file to train on");
        }
        files.addAll(found);
      } catch (IOException e) {
        throw new TrainingException(path + ": cannot be read: " + Failures.reason(e), e);
      }
    }
    return files;
  }

  private static boolean areClouds(List<Path> files) {
    long arrays = files.stream().filter(file -> file.toString().endsWith(".npz")).count();
    if (arrays > 0 && arrays < files.size()) {
      throw new TrainingException(
          "Files are %s, expected point clouds or .npz, not both".formatted(files));
    }
    return arrays == 0;
  }

  private ExampleSet validationData(boolean clouds) {
    return clouds
        ? PointCloudExamples.evaluationData(validation, preprocessing())
        : ArrayExamples.read(validation);
  }

  private Preprocessing preprocessing() {
    Path file = preprocessingFile != null ? preprocessingFile : PreprocessingFile.of(model);
    if (!Files.exists(file)) {
      throw new KerasException(
          file + " does not exist; point clouds need --preprocessing or a SavedModel that has it");
    }
    return PreprocessingFile.read(file);
  }

  private TrainingSettings settings(TrainingFile file, ExampleSet examples, boolean clouds) {
    TrainingSettings read = file.settings();
    ClassificationLoss loss = read.loss();
    OptionalInt ignored = loss.ignoredLabel();
    if (clouds && ignored.isEmpty()) {
      ignored = OptionalInt.of(PointCloudExamples.NO_CLASS);
    }
    List<Double> weights = loss.classWeights();
    if (file.balance() != TrainingFile.Balance.NONE) {
      int classes =
          clouds ? preprocessing().classes().size() : ClassShares.classes(examples, ignored);
      weights = ClassShares.of(examples, classes, ignored).weights(file.balance());
    }
    return read.toBuilder()
        .epochs(epochs != null ? epochs : read.epochs())
        .seed(seed != null ? seed : read.seed())
        .loss(new ClassificationLoss(loss.labels(), loss.fromLogits(), weights, ignored))
        .build();
  }

  /** A progress bar for each epoch, and a line about each that is done, on standard error. */
  private static final class Progress implements TrainingListener, AutoCloseable {
    private final PrintWriter err;
    private final int epochs;
    private ProgressBar bar;

    Progress(PrintWriter err, int epochs) {
      this.err = err;
      this.epochs = epochs;
    }

    @Override
    public void step(Step step) {
      if (bar == null) {
        bar =
            new ProgressBarBuilder()
                .setTaskName("epoch %d of %d".formatted(step.epoch(), epochs))
                .setInitialMax(step.stepsPerEpoch())
                .setStyle(ProgressBarStyle.ASCII)
                .build();
      }
      bar.stepTo(step.stepOfEpoch());
      Metrics soFar = step.soFar();
      bar.setExtraMessage(
          String.format(Locale.ROOT, " loss %.4f accuracy %.4f", soFar.loss(), soFar.accuracy()));
    }

    @Override
    public void epoch(Epoch epoch) {
      close();
      err.print(text("epoch %d: ".formatted(epoch.number()), epoch.training()));
      epoch.validation().ifPresent(metrics -> err.print(text("; validation ", metrics)));
      err.println(epoch.best() ? ", the best so far" : "");
    }

    private static String text(String what, Metrics metrics) {
      return String.format(
          Locale.ROOT,
          "%sloss %.4f, accuracy %.4f, mean IoU %.4f",
          what,
          metrics.loss(),
          metrics.accuracy(),
          metrics.meanIou());
    }

    @Override
    public void close() {
      if (bar != null) {
        bar.close();
        bar = null;
      }
    }
  }
}
