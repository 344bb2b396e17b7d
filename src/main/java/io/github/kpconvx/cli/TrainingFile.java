package io.github.kpconvx.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.training.ClassificationLoss;
import io.github.kpconvx.training.LearningRate;
import io.github.kpconvx.training.OptimizerSettings;
import io.github.kpconvx.training.TrainingSettings;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
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
   * @throws KerasException if it is missing, no JSON, has an unknown key or a value that is not
   *     allowed
   */
  static TrainingFile read(Path file) {
    return of(ConfigReader.read(file));
  }

  private static TrainingFile of(ConfigReader reader) {
    String owner = reader.owner();
    reader.allowOnly(KEYS);
    TrainingSettings.Builder settings =
        TrainingSettings.builder()
            .epochs(reader.integer("epochs", 10, 1))
            .batchSize(reader.integer("batch_size", 1, 1))
            .optimizer(optimizer(owner, reader))
            .learningRate(learningRate(owner, reader))
            .clipNorm(reader.number("clip_norm", 0))
            .monitor(choice(reader, "monitor", TrainingSettings.Monitor.LOSS))
            .patience(reader.integer("patience", 0, 0))
            .checkpointSteps(reader.integer("checkpoint_steps", 1000, 1))
            .seed(reader.wholeNumber("seed").orElse(0));
    JsonNode weights = reader.json("class_weights");
    Balance balance =
        weights.isTextual() ? choice(reader, "class_weights", Balance.NONE) : Balance.NONE;
    List<Double> given =
        weights.isNull() || weights.isTextual()
            ? List.of()
            : reader.numbers("class_weights", List.of());
    JsonNode ignored = reader.json("ignored_label");
    if (!ignored.isNull() && !ignored.isInt()) {
      throw reader.invalid("ignored_label", ignored, "null", "an integer");
    }
    settings.loss(
        new ClassificationLoss(
            choice(reader, "labels", ClassificationLoss.Labels.SPARSE),
            reader.bool("from_logits", false),
            given,
            ignored.isNull() ? OptionalInt.empty() : OptionalInt.of(ignored.intValue())));
    return new TrainingFile(settings.build(), balance, reader.bool("augment", true));
  }

  private static OptimizerSettings optimizer(String owner, ConfigReader reader) {
    JsonNode json = reader.json("optimizer");
    if (json.isNull() || json.isTextual()) {
      json =
          JsonNodeFactory.instance
              .objectNode()
              .put("name", json.isNull() ? "adam" : json.textValue());
    }
    if (!(json instanceof ObjectNode object)) {
      throw reader.invalid("optimizer", json, "adam, sgd", "an object with its name and arguments");
    }
    ConfigReader optimizer = ConfigReader.of(owner + ": optimizer", object);
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
          throw reader.invalid("optimizer", json, "adam, sgd, or an object with such a name");
    };
  }

  private static LearningRate learningRate(String owner, ConfigReader reader) {
    JsonNode json = reader.json("learning_rate");
    if (!(json instanceof ObjectNode object)) {
      return new LearningRate.Constant(reader.number("learning_rate", 0.001));
    }
    ConfigReader schedule = ConfigReader.of(owner + ": learning_rate", object);
    return switch (schedule.text("schedule", "")) {
      case "cosine" -> {
        schedule.allowOnly(
            List.of("schedule", "from", "highest", "last", "warmup_steps", "decay_steps"));
        double highest = schedule.number("highest", 0.001);
        yield new LearningRate.Cosine(
            schedule.number("from", 0),
            highest,
            schedule.number("last", 0),
            schedule.integer("warmup_steps", 0, 0),
            schedule.integer("decay_steps", 0, 1));
      }
      case "exponential" -> {
        schedule.allowOnly(List.of("schedule", "rate", "factor", "steps"));
        yield new LearningRate.Exponential(
            schedule.number("rate", 0.001),
            schedule.number("factor", 0.96),
            schedule.integer("steps", 1000, 1));
      }
      default ->
          throw reader.invalid(
              "learning_rate", json, "a number", "an object with schedule = cosine or exponential");
    };
  }

  private static <E extends Enum<E>> E choice(ConfigReader reader, String key, E ifMissing) {
    String text = reader.text(key, ifMissing.name().toLowerCase(Locale.ROOT));
    E[] choices = ifMissing.getDeclaringClass().getEnumConstants();
    return Arrays.stream(choices)
        .filter(choice -> choice.name().toLowerCase(Locale.ROOT).equals(text))
        .findFirst()
        .orElseThrow(
            () ->
                reader.invalid(
                    key,
                    text,
                    Arrays.stream(choices)
                        .map(choice -> choice.name().toLowerCase(Locale.ROOT))
                        .toArray(String[]::new)));
  }
}
