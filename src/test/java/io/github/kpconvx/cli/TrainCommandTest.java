package io.github.kpconvx.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.Fixtures;
import io.github.kpconvx.inference.KPConvX;
import io.github.kpconvx.inference.Model;
import io.github.kpconvx.inference.ModelException;
import io.github.kpconvx.inference.StandardLayers;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.numpy.NpzFile;
import io.github.kpconvx.pointcloud.classification.PreprocessingFile;
import io.github.kpconvx.training.Example;
import io.github.kpconvx.training.InputsByNameTest;
import io.github.kpconvx.training.Trainer;
import io.github.kpconvx.training.TrainingException;
import io.github.kpconvx.training.TrainingSettings;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;

/** Training by the command line, without Python. */
@Isolated // Standard output and error are the process's.
class TrainCommandTest {
  private static final Path CASE = Fixtures.of("network_segmentation");
  private static final Path MODEL = CASE.resolve("model.keras");

  @TempDir private Path directory;

  private Path data;
  private String out = "";
  private String err = "";

  @BeforeEach
  void makeData() {
    data = directory.resolve("data.npz");
    write(data, 5);
  }

  private static void write(Path file, int classes) {
    Map<String, NpyArray> arrays = new LinkedHashMap<>(NpzFile.read(CASE.resolve("inputs.npz")));
    int[] labels = new int[2 * 24];
    Arrays.setAll(labels, i -> classes == 0 ? -1 : i % classes);
    arrays.put("labels", NpyArray.of(labels, 2, 24));
    NpzFile.write(file, arrays);
  }

  private int run(Object... arguments) {
    PrintStream oldOut = System.out;
    PrintStream oldErr = System.err;
    ByteArrayOutputStream newOut = new ByteArrayOutputStream();
    ByteArrayOutputStream newErr = new ByteArrayOutputStream();
    List<String> line = new ArrayList<>(List.of("train"));
    Arrays.stream(arguments).map(Object::toString).forEach(line::add);
    if (!line.contains("--model")) {
      line.addAll(List.of("--model", MODEL.toString()));
    }
    try {
      System.setOut(new PrintStream(newOut, true, StandardCharsets.UTF_8));
      System.setErr(new PrintStream(newErr, true, StandardCharsets.UTF_8));
      return Main.run(line.toArray(String[]::new));
    } finally {
      System.setOut(oldOut);
      System.setErr(oldErr);
      out = newOut.toString(StandardCharsets.UTF_8);
      err = newErr.toString(StandardCharsets.UTF_8);
    }
  }

  private Path settings(String json) throws IOException {
    return Files.writeString(directory.resolve("settings.json"), json);
  }

  /** Fails before the first step: nothing is written, no epoch is told of. */
  private void assertFails(String message, Object... arguments) {
    assertEquals(1, run(arguments), err);
    assertTrue(err.contains(message), err);
    assertFalse(err.contains("epoch 1: loss"), err);
    assertFalse(Files.exists(directory.resolve("out.keras")));
  }

  @Test
  void trainsAndWritesWhatOpens() throws IOException {
    Path trained = directory.resolve("out.keras");
    Path events = directory.resolve("events");
    Path checkpoint = directory.resolve("checkpoint.npz");
    assertEquals(
        0,
        run(
            "--data",
            data,
            "--validation",
            data,
            "--epochs",
            2,
            "--seed",
            3,
            "--freeze",
            "stem",
            "--checkpoint",
            checkpoint,
            "--tensorboard",
            events,
            "--settings",
            settings("{\"learning_rate\": 0.01, \"class_weights\": \"inverse_sqrt\"}"),
            "--out",
            trained),
        err);
    assertTrue(out.contains("trained 4 steps, written to " + trained), out);
    assertTrue(out.contains("validation: loss "), out);
    assertTrue(err.contains("epoch 2: loss "), err);
    assertTrue(Files.exists(checkpoint));
    try (var files = Files.list(events)) {
      byte[] record = Files.readAllBytes(files.findFirst().orElseThrow());
      String text = new String(record, StandardCharsets.ISO_8859_1);
      for (String tag : List.of("step/loss", "training/mean_iou", "validation/accuracy")) {
        assertTrue(text.contains(tag), tag);
      }
    }
    Map<String, NpyArray> inputs = NpzFile.read(CASE.resolve("inputs.npz"));
    try (Model before = KPConvX.load(MODEL);
        Model after = KPConvX.load(trained)) {
      float[] a = before.predictArrays(inputs, List.of("output_0")).get("output_0").toFloats();
      float[] b = after.predictArrays(inputs, List.of("output_0")).get("output_0").toFloats();
      assertFalse(Arrays.equals(a, b));
    }
    assertEquals(1, run("--data", data, "--out", trained));
    assertTrue(err.contains("exists; --force replaces it"), err);
  }

  /** Neighbours of another type of integers, features of float64, each as they were. */
  @Test
  void takesArraysOfOtherTypes() {
    Map<String, NpyArray> arrays = new LinkedHashMap<>(NpzFile.read(data));
    assertEquals(Set.of("X", "F", "N", "labels"), arrays.keySet());
    assertEquals(0, run("--data", data, "--epochs", 1, "--out", directory.resolve("a.keras")), err);
    arrays.replaceAll(
        (name, array) ->
            array.as(array.type().isFloat() ? NpyArray.Type.FLOAT64 : NpyArray.Type.UINT8));
    NpzFile.write(data, arrays);
    assertEquals(0, run("--data", data, "--epochs", 1, "--out", directory.resolve("b.keras")), err);
    Map<String, NpyArray> inputs = NpzFile.read(CASE.resolve("inputs.npz"));
    Map<String, NpyArray> wide = new LinkedHashMap<>(arrays);
    wide.remove("labels");
    try (Model a = KPConvX.load(directory.resolve("a.keras"));
        Model b = KPConvX.load(directory.resolve("b.keras"))) {
      assertEquals(
          a.predictArrays(inputs, List.of("output_0")).get("output_0").bytes(),
          b.predictArrays(wide, List.of("output_0")).get("output_0").bytes());
      wide.put("N", wide.get("X"));
      String message =
          assertThrows(ModelException.class, () -> b.predictArrays(wide, List.of())).getMessage();
      assertTrue(
          message.contains("Input N is float64 (2, 24, 3), expected int32 (None, None, None)"),
          message);
      wide.remove("N");
      message =
          assertThrows(ModelException.class, () -> b.predictArrays(wide, List.of())).getMessage();
      assertTrue(message.contains("got [X, F]"), message);
    }
  }

  /** Two depths, other numbers of points in each file, and none of the usual names. */
  @Test
  void takesTheInputsThatTheModelHas() {
    KerasObject config =
        KerasObject.parse(
            InputsByNameTest.TWO_DEPTHS.toString().replace("\"labels\"", "\"fine/F\""));
    Path model = directory.resolve("model.keras");
    try (Trainer trainer =
        new Trainer(config, StandardLayers.registry(), TrainingSettings.builder().build())) {
      trainer.initialize();
      trainer.write(model);
    }
    List<Path> files = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      Example example = InputsByNameTest.twoDepths(10 + i, 6 - i, i);
      Map<String, NpyArray> arrays = new LinkedHashMap<>();
      arrays.put("fine/F", NpyArray.stack(List.of(example.inputs().get("labels"))));
      arrays.put("coarse/F", NpyArray.stack(List.of(example.inputs().get("coarse/F"))));
      arrays.put("labels", NpyArray.stack(List.of(example.labels())));
      files.add(directory.resolve("cloud_" + i + ".npz"));
      NpzFile.write(files.get(i), arrays);
    }
    Path trained = directory.resolve("trained.keras");
    assertEquals(
        0,
        run(
            "--model",
            model,
            "--data",
            files.get(0),
            files.get(1),
            "--validation",
            files.get(2),
            "--out",
            trained),
        err);
    assertTrue(out.contains("trained 20 steps, written to " + trained), out);
    assertTrue(out.contains("validation: loss "), out);
    assertFails(
        " has the inputs [X, F, N], the network takes [fine/F, coarse/F]",
        "--model",
        model,
        "--data",
        data,
        "--out",
        directory.resolve("out.keras"));
  }

  /** VL3D's own layer, whose kernel points stand outside of Keras's weights. */
  @Test
  void kernelPointsAreWrittenBesideAFileThatCannotHoldThem() {
    Path folder = Fixtures.of("original_network");
    Path model = folder.resolve("saved_model");
    Map<String, NpyArray> arrays = new LinkedHashMap<>(NpzFile.read(folder.resolve("inputs.npz")));
    long[] shape = arrays.get("X").shape();
    int[] labels = new int[(int) (shape[0] * shape[1])];
    Arrays.setAll(labels, i -> i % 2);
    arrays.put("labels", NpyArray.of(labels, shape[0], shape[1]));
    NpzFile.write(data, arrays);
    Path trained = directory.resolve("out.keras");
    assertFails(
        "its kernel points Q stand outside of Keras's weights",
        "--model",
        model,
        "--data",
        data,
        "--out",
        trained);
    Path none = directory.resolve("none/Q.csv");
    assertFails(
        "--kernel-points-out " + none + " cannot be written: there is no folder",
        "--model",
        model,
        "--data",
        data,
        "--out",
        trained,
        "--kernel-points-out",
        none);
    assertEquals(
        0,
        run(
            "--model",
            model,
            "--data",
            data,
            "--epochs",
            1,
            "--out",
            trained,
            "--kernel-points-out",
            "kp_conv_x_layer=" + directory.resolve("first.csv"),
            "--kernel-points-out",
            "kp_conv_x_layer_1=" + directory.resolve("second.csv")),
        err);
    assertTrue(Files.exists(trained));
    assertTrue(Files.exists(directory.resolve("first.csv")));
    assertTrue(Files.exists(directory.resolve("second.csv")));
  }

  /** What makes inputs of a cloud goes with the network that was trained for it. */
  @Test
  void assetsGoWithASavedModel() throws IOException {
    int[] neighbours = new int[30 * 16];
    Arrays.setAll(neighbours, i -> i % 30);
    NpzFile.write(
        data,
        Map.of(
            "X", NpyArray.of(new float[30 * 3], 1, 30, 3),
            "F", NpyArray.of(new float[30 * 4], 1, 30, 4),
            "N", NpyArray.of(neighbours, 1, 30, 16),
            "labels", NpyArray.of(new int[30], 1, 30)));
    Path trained = directory.resolve("trained");
    assertEquals(
        0, run("--model", Fixtures.AERIAL, "--data", data, "--epochs", 1, "--out", trained), err);
    assertEquals(
        Files.readString(Fixtures.AERIAL.resolve("assets.extra/pipeline.json")),
        Files.readString(trained.resolve("assets.extra/pipeline.json")));
  }

  @Test
  void whatCannotBeWrittenIsToldBeforeTheFirstStep() throws IOException {
    assertFails(
        "there is no folder " + directory.resolve("none"),
        "--data",
        data,
        "--out",
        directory.resolve("none/out.keras"));
    assertFails(
        "expected a name that ends in .weights.h5 or .keras",
        "--data",
        data,
        "--out",
        directory.resolve("out.h5"));
    assertFails(
        "there is no folder",
        "--data",
        data,
        "--out",
        directory.resolve("out.keras"),
        "--checkpoint",
        directory.resolve("none/checkpoint.npz"));
    assertFails("which would be lost", "--data", data, "--out", data, "--force");
  }

  @Test
  void whatTeachesNothingIsAnError() throws IOException {
    Path model = directory.resolve("out.keras");
    assertFails(
        "Class weights are all 0",
        "--data",
        data,
        "--out",
        model,
        "--settings",
        settings("{\"class_weights\": [0, 0, 0, 0, 0]}"));
    assertFails(
        "settings.json: Learning rate: rate = 1.0E30, expected a number from 0 to 1000",
        "--data",
        data,
        "--out",
        model,
        "--settings",
        settings("{\"learning_rate\": 1e30}"));
    write(data, 0);
    assertFails(
        "Nothing was learned in epoch 1",
        "--data",
        data,
        "--out",
        model,
        "--settings",
        settings("{\"ignored_label\": -1}"));
  }

  @Test
  void cloudsWithoutAKnownClassAreAnError() {
    Path cloud = Path.of("src/test/resources/io/github/kpconvx/cli/no_known_class.las");
    String message =
        assertThrows(
                TrainingException.class,
                () ->
                    PointCloudExamples.trainingData(
                        List.of(cloud),
                        PreprocessingFile.read(
                            Fixtures.AERIAL.resolve("assets.extra/pipeline.json")),
                        false))
            .getMessage();
    assertTrue(message.contains("No point of [" + cloud + "] is of a class"), message);
    assertTrue(message.contains("ground"), message);
  }
}
