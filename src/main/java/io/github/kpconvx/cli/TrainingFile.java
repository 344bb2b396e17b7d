package io.github.kpconvx.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.training.ClassificationLoss;
import io.github.kpconvx.training.OptimizerSettings;
import io.github.kpconvx.training.TrainingException;
import io.github.kpconvx.training.TrainingSettings;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;

/**
 * How to train, as a JSON file of the command {@code train} says it; a missing key takes its
 * default.
 *
 * @param settings what a trainer takes; class weights are empty where they follow from the examples
 * @param balance how class weights follow from how often each class occurs
 * @param augment whether receptive fields of point clouds are varied
 */
record TrainingFile(TrainingSettings settings, Balance balance, boolean augment) {
  private static final List<String> KEYS =
      List.of(
          "epochs",
          "batch_size",
          "optimizer",
          "learning_rate",
          "clip_norm",
          "labels",
          "from_logits",
          "class_weights",
          "ignored_label",
          "monitor",
          "patience",
          "checkpoint_steps",
          "seed",
          "augment");

  /** How class weights follow from how often each class occurs. */
  enum Balance {
    /** They are given, or 1. */
    NONE,
    /** Inverse square roots of the classes' shares, of mean 1 over the points. */
    INVERSE_SQRT,
    /** Inverse shares, of mean 1 over the points. */
    INVERSE
  }

  /** Nothing but defaults. */
  static TrainingFile defaults() {
    return of(ConfigReader.of("training", JsonNodeFactory.instance.objectNode()));
  }

  /**
   * Reads a file.
   *
   * @throws KerasException if it is missing, no JSON, has an unknown key or a value of another kind
   * @throws TrainingException if a value is not allowed
   */
  static TrainingFile read(Path file) {
    return of(ConfigReader.read(file));
  }

  private static TrainingFile of(ConfigReader reader) {
    try {
      return from(reader);
    } catch (TrainingException e) {
      throw new TrainingException(reader.owner() + ": " + e.getMessage(), e);
    }
  }

  private static TrainingFile from(ConfigReader reader) {
    reader.allowOnly(KEYS);
    TrainingSettings.Builder settings =
        TrainingSettings.builder()
            .epochs(reader.integer("epochs", 10, 1))
            .batchSize(reader.integer("batch_size", 1, 1))
            .optimizer(optimizer(reader))
            .learningRate(LearningRateKeys.read(reader))
            .clipNorm(reader.number("clip_norm", 0))
            .monitor(
                reader.choice(
                    "monitor",
                    TrainingSettings.Monitor.LOSS,
                    Words.of(TrainingSettings.Monitor.class)))
            .patience(reader.integer("patience", 0, 0))
            .checkpointSteps(reader.integer("checkpoint_steps", 1000, 1))
            .seed(reader.wholeNumber("seed").orElse(0));
    JsonNode weights = reader.json("class_weights");
    Balance balance =
        weights.isTextual()
            ? reader.choice("class_weights", Balance.NONE, Words.of(Balance.class))
            : Balance.NONE;
    List<Double> given =
        weights.isNull() || weights.isTextual()
            ? List.of()
            : reader.numbers("class_weights", List.of());
    settings.loss(
        new ClassificationLoss(
            reader.choice(
                "labels",
                ClassificationLoss.Labels.SPARSE,
                Words.of(ClassificationLoss.Labels.class)),
            reader.bool("from_logits", false),
            given,
            ignoredLabel(reader)));
    return new TrainingFile(settings.build(), balance, reader.bool("augment", true));
  }

  private static OptionalInt ignoredLabel(ConfigReader reader) {
    String key = "ignored_label";
    return reader.json(key).isNull()
        ? OptionalInt.empty()
        : OptionalInt.of(reader.integer(key, 0, Integer.MIN_VALUE));
  }

  private static OptimizerSettings optimizer(ConfigReader reader) {
    String key = "optimizer";
    JsonNode json = reader.json(key);
    if (json.isNull()) {
      return OptimizerSettings.Adam.DEFAULT;
    }
    ConfigReader optimizer =
        json.isObject()
            ? reader.object(key)
            : ConfigReader.of(
                reader.owner(),
                JsonNodeFactory.instance.objectNode().put("name", reader.text(key, "")));
    return switch (optimizer.text("name", "")) {
      case "adam" -> {
        optimizer.allowOnly(List.of("name", "beta_1", "beta_2", "epsilon", "weight_decay"));
        yield new OptimizerSettings.Adam(
            optimizer.number("beta_1", 0.9),
            optimizer.number("beta_2", 0.999),
            optimizer.number("epsilon", 1e-7),
            optimizer.number("weight_decay", 0));
      }
      case "sgd" -> {
        optimizer.allowOnly(List.of("name", "momentum", "nesterov", "weight_decay"));
        yield new OptimizerSettings.Sgd(
            optimizer.number("momentum", 0),
            optimizer.bool("nesterov", false),
            optimizer.number("weight_decay", 0));
      }
      default ->
          throw reader.invalid(key, json, "\"adam\"", "\"sgd\"", "an object {…} with such a name");
    };
  }
}
