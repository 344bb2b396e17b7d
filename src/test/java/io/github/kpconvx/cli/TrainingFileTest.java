package io.github.kpconvx.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.KpconvxException;
import io.github.kpconvx.cli.TrainingFile.Balance;
import io.github.kpconvx.training.ClassificationLoss;
import io.github.kpconvx.training.ClassificationLoss.Labels;
import io.github.kpconvx.training.LearningRate;
import io.github.kpconvx.training.OptimizerSettings;
import io.github.kpconvx.training.TrainingSettings;
import io.github.kpconvx.training.TrainingSettings.Monitor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TrainingFileTest {
  @TempDir private Path directory;

  private TrainingFile read(String json) {
    try {
      return TrainingFile.read(
          Files.writeString(directory.resolve("s.json"), json.replace('\'', '"')));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static ClassificationLoss loss(
      Labels labels, boolean fromLogits, List<Double> weights, OptionalInt ignored) {
    return new ClassificationLoss(labels, fromLogits, weights, ignored);
  }

  @Test
  void whatIsMissingTakesItsDefault() {
    TrainingFile file = read("{}");
    assertEquals(TrainingFile.defaults(), file);
    assertEquals(TrainingSettings.builder().build(), file.settings());
    assertEquals(Balance.NONE, file.balance());
    assertTrue(file.augment());
    assertEquals(file, read("{'optimizer': null, 'class_weights': null, 'ignored_label': null}"));
  }

  @Test
  void everyKeyIsRead() {
    TrainingFile file =
        read(
            """
            {'epochs': 3, 'batch_size': 2, 'clip_norm': 1.5, 'monitor': 'mean_iou', 'patience': 4,
             'checkpoint_steps': 7, 'seed': -9007199254740993, 'augment': false, 'labels': 'sparse',
             'from_logits': true, 'class_weights': [0.5, 2], 'ignored_label': -1, 'learning_rate': 0.25,
             'optimizer': {'name': 'sgd', 'momentum': 0.9, 'nesterov': true, 'weight_decay': 0.1}}
            """);
    assertEquals(
        TrainingSettings.builder()
            .epochs(3)
            .batchSize(2)
            .clipNorm(1.5)
            .monitor(Monitor.MEAN_IOU)
            .patience(4)
            .checkpointSteps(7)
            .seed(-9007199254740993L)
            .learningRate(new LearningRate.Constant(0.25))
            .optimizer(new OptimizerSettings.Sgd(0.9, true, 0.1))
            .loss(loss(Labels.SPARSE, true, List.of(0.5, 2.0), OptionalInt.of(-1)))
            .build(),
        file.settings());
    assertFalse(file.augment());
    file = read("{'labels': 'dense', 'class_weights': 'inverse'}");
    assertEquals(Balance.INVERSE, file.balance());
    assertEquals(loss(Labels.DENSE, false, List.of(), OptionalInt.empty()), file.settings().loss());
    assertEquals(Balance.INVERSE_SQRT, read("{'class_weights': 'inverse_sqrt'}").balance());
  }

  private OptimizerSettings optimizer(String json) {
    return read("{'optimizer': " + json + "}").settings().optimizer();
  }

  @Test
  void optimizersHaveANameAndArguments() {
    assertEquals(OptimizerSettings.Adam.DEFAULT, optimizer("'adam'"));
    assertEquals(OptimizerSettings.Adam.DEFAULT, optimizer("{'name': 'adam'}"));
    assertEquals(
        new OptimizerSettings.Adam(0.5, 0.6, 0.25, 0.125),
        optimizer(
            "{'name': 'adam', 'beta_1': 0.5, 'beta_2': 0.6, 'epsilon': 0.25, 'weight_decay': 0.125}"));
    assertEquals(new OptimizerSettings.Sgd(0, false, 0), optimizer("'sgd'"));
  }

  private LearningRate rate(String json) {
    return read("{'learning_rate': {" + json + "}}").settings().learningRate();
  }

  @Test
  void schedulesHaveKerasKeys() {
    assertEquals(
        new LearningRate.Cosine(0.1, 0.1, 0, 0, 9),
        rate("'schedule': 'cosine', 'initial_learning_rate': 0.1, 'decay_steps': 9"));
    assertEquals(
        new LearningRate.Cosine(0.1, 0.4, 0.01, 5, 9),
        rate(
            "'schedule': 'cosine', 'initial_learning_rate': 0.1, 'decay_steps': 9, 'alpha': 0.01,"
                + " 'warmup_target': 0.4, 'warmup_steps': 5"));
    assertEquals(
        rate("'schedule': 'cosine', 'initial_learning_rate': 0.1, 'decay_steps': 9"),
        rate(
            "'schedule': 'cosine', 'initial_learning_rate': 0.1, 'decay_steps': 9, 'warmup_target': null"));
    assertEquals(
        new LearningRate.Exponential(0.1, 0.9, 100, false),
        rate(
            "'schedule': 'exponential', 'initial_learning_rate': 0.1, 'decay_steps': 100, 'decay_rate': 0.9"));
    assertEquals(
        new LearningRate.Exponential(0.1, 0.9, 100, true),
        rate(
            "'schedule': 'exponential', 'initial_learning_rate': 0.1, 'decay_steps': 100,"
                + " 'decay_rate': 0.9, 'staircase': true"));
  }

  @Test
  void olderKeysAreReadToo() {
    assertEquals(
        new LearningRate.Cosine(0.25, 0.5, 0.125, 5, 9),
        rate(
            "'schedule': 'cosine', 'from': 0.25, 'highest': 0.5, 'last': 0.0625,"
                + " 'warmup_steps': 5, 'decay_steps': 9"));
    assertEquals(
        new LearningRate.Cosine(0, 0.001, 0, 5, 9),
        rate("'schedule': 'cosine', 'warmup_steps': 5, 'decay_steps': 9"));
    assertEquals(
        new LearningRate.Exponential(0.1, 0.9, 100, false),
        rate("'schedule': 'exponential', 'rate': 0.1, 'factor': 0.9, 'steps': 100"));
    assertEquals(
        new LearningRate.Exponential(0.001, 0.96, 1000, false), rate("'schedule': 'exponential'"));
  }

  /** A value, and what the message tells of it. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "'epochs': 1.5 | epochs = 1.5, expected an integer of at least 1",
        "'epochs': 0 | epochs = 0, expected an integer of at least 1",
        "'epochs': '3' | epochs = \"3\", expected an integer",
        "'epochs': 3000000000 | epochs = 3000000000, expected an integer",
        "'batch_size': true | batch_size = true, expected an integer",
        "'seed': 1.7 | seed = 1.7, expected null or an integer",
        "'ignored_label': 0.5 | ignored_label = 0.5, expected an integer",
        "'ignored_label': '0' | ignored_label = \"0\", expected an integer",
        "'augment': 1 | augment = 1, expected true or false",
        "'monitor': 'f1' | monitor = \"f1\", expected \"accuracy\" or \"loss\" or \"mean_iou\"",
        "'monitor': 'LOSS' | monitor = \"LOSS\"",
        "'labels': null | labels = null",
        "'class_weights': 'half' | class_weights = \"half\", expected \"inverse\"",
        "'class_weights': ['1'] | class_weights",
        "'class_weights': [0, 0] | Class weights are all 0",
        "'clip_norm': -1 | clip_norm = -1.0, expected a finite number >= 0",
        "'epoch': 3 | unknown configuration key \"epoch\"; known keys are augment, batch_size",
        "'optimizer': 'adamw' | optimizer = \"adamw\", expected \"adam\" or \"sgd\"",
        "'optimizer': 3 | optimizer = 3, expected",
        "'optimizer': {'name': 'lion'} | expected \"adam\" or \"sgd\"",
        "'optimizer': {'name': 'sgd', 'beta_1': 0} | optimizer: unknown configuration key \"beta_1\"",
        "'optimizer': {'name': 'adam', 'beta_1': 2} | Optimizer: beta_1 = 2.0, expected a number in [0, 1)",
        "'learning_rate': '0.1' | learning_rate = \"0.1\", expected a finite number",
        "'learning_rate': null | learning_rate = null, expected a finite number",
        "'learning_rate': -1 | Learning rate: rate = -1.0",
      })
  void whatIsNotAllowedIsNamed(String json, String message) {
    refused("{" + json + "}", message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "'decay_steps': 9 | learning_rate: schedule = null, expected \"cosine\" or \"exponential\"",
        "'schedule': 'step' | learning_rate: schedule = \"step\", expected \"cosine\" or \"exponential\"",
        "'schedule': 'cosine', 'initial_learning_rate': 1 | learning_rate: decay_steps = null, expected a number",
        "'schedule': 'cosine', 'highest': 1 | learning_rate: decay_steps = null, expected a number",
        "'schedule': 'cosine', 'initial_learning_rate': 1, 'decay_steps': 0 | decay_steps = 0, expected an integer of at least 1",
        "'schedule': 'cosine', 'initial_learning_rate': 1, 'decay_steps': 2, 'warmup_steps': 1 | warmup_target = null",
        "'schedule': 'cosine', 'initial_learning_rate': 1, 'decay_steps': 2, 'alpha': -1 | alpha = -1",
        "'schedule': 'cosine', 'initial_learning_rate': 1e9, 'decay_steps': 2 | initial_learning_rate = 1.0E9",
        "'schedule': 'cosine', 'initial_learning_rate': 1, 'highest': 2, 'decay_steps': 2 | unknown configuration key \"highest\"; known keys are alpha, decay_steps, initial",
        "'schedule': 'exponential', 'initial_learning_rate': 1, 'decay_steps': 2 | decay_rate = null, expected a number",
        "'schedule': 'exponential', 'initial_learning_rate': 1, 'decay_steps': 2, 'decay_rate': 2 | decay_rate = 2.0",
        "'schedule': 'exponential', 'initial_learning_rate': 1, 'decay_steps': 2, 'decay_rate': 1, 'staircase': 0 | staircase = 0, expected true or false",
      })
  void whatIsNotAllowedInAScheduleIsNamed(String json, String message) {
    refused("{'learning_rate': {" + json + "}}", message);
  }

  @ParameterizedTest
  @ValueSource(strings = {"[]", "3", "", "{'epochs': 3", "{'epochs': 3} {}"})
  void whatIsNoObjectIsRefused(String text) {
    refused(text, "");
  }

  private void refused(String json, String message) {
    String found = assertThrows(KpconvxException.class, () -> read(json)).getMessage();
    assertTrue(found.startsWith(directory.resolve("s.json").toString()), found);
    assertTrue(found.contains(message), found);
  }

  @Test
  void aMissingFileIsNamed() {
    Path none = directory.resolve("none.json");
    String message =
        assertThrows(KpconvxException.class, () -> TrainingFile.read(none)).getMessage();
    assertTrue(message.contains(none + " cannot be read: there is no such file"), message);
  }
}
