package io.github.kpconvx.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.kpconvx.Fixtures;
import io.github.kpconvx.inference.KPConvX;
import io.github.kpconvx.inference.StoredKernel;
import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.numpy.NpzFile;
import io.github.kpconvx.pointcloud.PointCloud;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.ndarray.FloatNdArray;

@Isolated("It takes hold of the JVM's standard streams.")
class MainTest {
  private static final Path CASE = Fixtures.of("network_segmentation");
  private static final String INPUTS = CASE.resolve("inputs.npz").toString();
  private static final String KERAS = CASE.resolve("model.keras").toString();

  @TempDir private Path directory;
  private String out = "";
  private String err = "";

  private int run(Object... arguments) {
    PrintStream realOut = System.out;
    PrintStream realErr = System.err;
    ByteArrayOutputStream bytesOut = new ByteArrayOutputStream();
    ByteArrayOutputStream bytesErr = new ByteArrayOutputStream();
    System.setOut(new PrintStream(bytesOut, true, StandardCharsets.UTF_8));
    System.setErr(new PrintStream(bytesErr, true, StandardCharsets.UTF_8));
    try {
      return Main.run(Arrays.stream(arguments).map(Object::toString).toArray(String[]::new));
    } finally {
      System.setOut(realOut);
      System.setErr(realErr);
      out = bytesOut.toString(StandardCharsets.UTF_8);
      err = bytesErr.toString(StandardCharsets.UTF_8);
    }
  }

  @Test
  void demoAgreesWithPythonAndDraws() throws IOException {
    assertEquals(0, run("demo", "--out", directory), err);
    assertTrue(out.contains("native      same class as Python for 143,368 of 143,368 points"), out);
    assertTrue(out.contains("savedmodel  same class as Python for 143,368 of 143,368 points"), out);
    List<Double> meanIous =
        Pattern.compile("mean IoU +([0-9.]+)")
            .matcher(out)
            .results()
            .map(found -> Double.parseDouble(found.group(1)))
            .toList();
    assertEquals(2, meanIous.size(), out);
    assertTrue(meanIous.get(0) >= 0.85, out);
    assertTrue(meanIous.get(1) > meanIous.get(0), "that of three depths is the better one");
    assertEquals(3, out.split("same class as Python for 143,368 of 143,368 points").length - 1);
    for (Path folder : List.of(directory, directory.resolve("aerial_hierarchical"))) {
      for (String picture : new String[] {"above.png", "oblique.png"}) {
        assertTrue(ImageIO.read(folder.resolve(picture).toFile()).getWidth() >= 800);
      }
      assertEquals(143_368, PointCloud.read(folder.resolve("classified.las")).size());
    }
  }

  @Test
  void predictWritesWhatVerifyAccepts() {
    Path output = directory.resolve("out.npz");
    for (String how :
        new String[] {
          "--engine=auto",
          "--engine=plain",
          "--engine=Folded",
          "--engine=compiled",
          "--engine=savedmodel",
          // As earlier versions have it.
          "--engine=native",
          "--engine=native --compile=none",
          "--engine=native --compile=xla",
          "--engine=savedmodel --compile=none",
          "--compile=xla",
          "--compile=NONE"
        }) {
      Path model = CASE.resolve("saved_model");
      String command =
          "predict --model %s --inputs %s --output %s %s".formatted(model, INPUTS, output, how);
      assertEquals(0, run((Object[]) command.split(" ")), err);
      assertEquals("[output_0]", NpzFile.read(output).keySet().toString());
      assertEquals(0, run("verify", KERAS, "--inputs", INPUTS, "--golden", output), err);
      assertTrue(out.contains("agrees"), out);
    }
    NpyArray right = NpzFile.read(output).get("output_0");
    float[] wrong = right.toFloats();
    wrong[7] += 1e-3f;
    NpzFile.write(output, Map.of("output_0", NpyArray.of(wrong, right.shape())));
    assertEquals(1, run("verify", KERAS, "--inputs", INPUTS, "--golden", output));
    assertTrue(out.contains("max |difference| 0.00100") && out.contains("DIFFERS"), out);
    assertEquals(0, run("verify", KERAS, "--inputs", INPUTS, "--golden", output, "--atol", "0.01"));
  }

  @Test
  void convertKeepsTheFilesBesideTheModel() throws IOException {
    Path original = directory.resolve("model");
    assertEquals(0, run("convert", KERAS, original), err);
    Files.createDirectories(original.resolve("assets/deep"));
    Files.writeString(original.resolve("assets/deep/classes.txt"), "ground");
    Files.writeString(original.resolve("assets.extra/pipeline.json"), "{}");
    Path copy = directory.resolve("copy");
    assertEquals(0, run("convert", original, copy), err);
    assertEquals("", err);
    assertEquals("ground", Files.readString(copy.resolve("assets/deep/classes.txt")));
    assertEquals("{}", Files.readString(copy.resolve("assets.extra/pipeline.json")));
    assertEquals(0, run("convert", original, copy, "--force"), err);
    assertEquals(0, run("convert", original, directory.resolve("a.keras")), err);
    assertTrue(err.contains("Not written") && err.contains("pipeline.json"), err);
    // What the target alone has is not lost.
    assertFails(
        "would be lost: [assets/deep/classes.txt, assets.extra/pipeline.json]",
        "convert",
        KERAS,
        copy,
        "--force");
    assertEquals("{}", Files.readString(copy.resolve("assets.extra/pipeline.json")));
  }

  @Test
  void noOutputTakesThePlaceOfWhatItIsMadeOf() throws IOException {
    Path inputs = Files.copy(Path.of(INPUTS), directory.resolve("in.npz"));
    Path model = Files.copy(Path.of(KERAS), directory.resolve("model.keras"));
    Path link = Files.createSymbolicLink(directory.resolve("link.npz"), inputs);
    byte[] before = Files.readAllBytes(inputs);
    for (Path output :
        List.of(
            inputs, link, model, directory.resolve("../" + directory.getFileName() + "/in.npz"))) {
      assertFails(
          "which would be lost; choose another name",
          "predict",
          "--model",
          model,
          "--inputs",
          inputs,
          "--output",
          output);
    }
    assertFails("which would be lost", "convert", model, model, "--force");
    assertFails(
        "there is no folder " + directory.resolve("none"),
        "predict",
        "--model",
        model,
        "--inputs",
        inputs,
        "--output",
        directory.resolve("none/out.npz"));
    assertArrayEquals(before, Files.readAllBytes(inputs));
    assertArrayEquals(Files.readAllBytes(Path.of(KERAS)), Files.readAllBytes(model));
  }

  /** In a JVM of its own, with standard output and heap as given: its exit status. */
  private int inAnotherJvm(String shell, String... options) throws Exception {
    return inAnotherJvm(shell, List.of(options), "inspect", KERAS);
  }

  private int inAnotherJvm(String shell, List<String> options, String... arguments)
      throws Exception {
    List<String> command =
        new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin/java").toString()));
    command.addAll(options);
    command.addAll(
        List.of("-cp", System.getProperty("java.class.path"), "io.github.kpconvx.cli.Main"));
    command.addAll(List.of(arguments));
    String line =
        String.join(" ", command.stream().map(part -> "'" + part + "'").toList()) + " " + shell;
    Process process =
        new ProcessBuilder("bash", "-c", "set -o pipefail; " + line)
            .redirectError(directory.resolve("err.txt").toFile())
            .start();
    process.getInputStream().readAllBytes();
    int status = process.waitFor();
    err = Files.readString(directory.resolve("err.txt"));
    return status;
  }

  @Test
  void saysThatStandardOutputIsFullAndNothingWhereNobodyReadsIt() throws Exception {
    assertEquals(1, inAnotherJvm("> /dev/full"), err);
    assertTrue(err.contains("error: standard output cannot be written: No space left"), err);
    assertEquals(0, inAnotherJvm("> /dev/null"), err);
    inAnotherJvm("| true");
    assertEquals("", err);
  }

  @Test
  void runningOutOfMemoryIsOneLine() throws Exception {
    Path large = directory.resolve("large.npz");
    NpzFile.write(large, Map.of("X", NpyArray.of(new float[20_000_000], 20_000_000)));
    String[] verify = {"verify", KERAS, "--inputs", large.toString(), "--golden", large.toString()};
    assertEquals(1, inAnotherJvm("> /dev/null", List.of("-Xmx60m"), verify), err);
    assertTrue(err.startsWith("error: out of memory ("), err);
    assertEquals(1, err.lines().count(), err);
  }

  @Test
  void benchTimesEveryForm() {
    Path model = CASE.resolve("saved_model");
    assertEquals(
        0,
        run("bench", "--model", model, "--points", "100", "--neighbours", "5", "--runs", "2"),
        err);
    for (String form : new String[] {"plain", "folded", "compiled", "savedmodel"}) {
      assertTrue(
          out.lines()
              .anyMatch(
                  line -> line.matches(form + "( +[0-9]+\\.[0-9]){4}( +[0-9]+\\.[0-9]{2}){2}")),
          out);
    }
    assertEquals(0, run("bench", "--model", KERAS, "--inputs", INPUTS, "--runs", "1"), err);
    assertTrue(out.lines().noneMatch(line -> line.startsWith("savedmodel ")), out);
    assertFails(
        "no 5 nearest neighbours of 3 points",
        "bench",
        "--model",
        KERAS,
        "--points",
        "3",
        "--neighbours",
        "5");
  }

  @ParameterizedTest
  @ValueSource(strings = {"--engine", "--form"})
  void benchTellsProgramsToo(String option) throws IOException {
    Path model = CASE.resolve("saved_model");
    assertEquals(
        0,
        run(
            "bench",
            "--model",
            model,
            "--inputs",
            INPUTS,
            "--runs",
            "2",
            option,
            "savedmodel,folded",
            "--json"),
        err);
    JsonNode report = new ObjectMapper().readTree(out);
    long[] shape = NpzFile.read(Path.of(INPUTS)).get("X").shape();
    assertEquals(2, report.get("forms").size(), out);
    assertEquals(shape[1], report.at("/inputs/X/1").asLong(), out);
    for (JsonNode form : report.get("forms")) {
      double median = form.get("median_ms").asDouble();
      assertTrue(form.get("load_ms").asDouble() > 0 && form.get("first_ms").asDouble() > 0, out);
      assertTrue(median >= form.get("least_ms").asDouble() && median > 0, out);
      assertEquals(
          median * 1e3 / (shape[0] * shape[1]),
          form.get("microseconds_per_point").asDouble(),
          1e-9 * median,
          out);
      assertTrue(form.get("largest_difference").asDouble() <= 1e-4, out);
      assertFalse(form.has("plain_over_form"), out);
    }
    assertEquals("folded", report.at("/forms/0/form").asText());
    assertEquals("savedmodel", report.at("/forms/1/form").asText());
  }

  @Test
  void benchAcceptsNoFormThatAnswersDifferently() throws IOException {
    // The stored graph knows nothing of another configuration.
    Path config = directory.resolve("config.json");
    Files.writeString(
        config,
        Fixtures.text(CASE.resolve("config.json"))
            .replaceAll("\"sigma\": [0-9.]+", "\"sigma\": 0.3"));
    assertFails(
        "The form savedmodel differs from plain: element",
        "bench",
        "--model",
        CASE.resolve("saved_model"),
        "--config",
        config,
        "--inputs",
        INPUTS,
        "--runs",
        "1");
    assertEquals("", out);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--engine savedmodel --compile xla",
        "--engine plain --compile xla",
        "--engine compiled --compile none",
        "--engine fast"
      })
  void enginesThatContradictEachOtherAreBadUsage(String options) {
    String[] given =
        ("verify --model " + KERAS + " --inputs " + INPUTS + " --golden " + INPUTS + " " + options)
            .split(" ");
    assertEquals(2, run((Object[]) given), err);
    assertTrue(err.contains("--engine") && err.contains("Usage:"), err);
    assertEquals("", out);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--runs 0",
        "--engine auto",
        "--engine fast",
        "--points -1",
        "--batch 0",
        "--neighbours 0",
        "--form fast",
        "--inputs in.npz --points 16384",
        "--inputs in.npz --neighbours 5",
        "--inputs in.npz --batch 1"
      })
  void benchRefusesBadUsage(String options) {
    String[] given = ("bench --model " + KERAS + " " + options).split(" ");
    assertEquals(2, run((Object[]) given), err);
    assertTrue(err.contains(given[given.length - 2]) && err.contains("Usage:"), err);
    assertEquals("", out);
  }

  @Test
  void aModelOfThreeInputsTakesThemAsXFN() {
    Map<String, NpyArray> inputs = NpzFile.read(Path.of(INPUTS));
    Path renamed = directory.resolve("renamed.npz");
    NpzFile.write(
        renamed, Map.of("X", inputs.get("X"), "F", inputs.get("F"), "N", inputs.get("N")));
    Path model = Fixtures.of("network_residual").resolve("model.keras");
    Path output = directory.resolve("out.npz");
    assertEquals(0, run("predict", "--model", model, "--inputs", renamed, "--output", output), err);
  }

  @Test
  void kernelPointsComeFromWhereTheCallerSays() {
    Path original = Fixtures.of("original");
    Path inputs = original.resolve("inputs.npz");
    Path golden = original.resolve("golden.npz");
    Path model = original.resolve("model.keras");
    assertFails(
        "holds no kernel points Q", "verify", model, "--inputs", inputs, "--golden", golden);
    for (String source :
        new String[] {
          original.resolve("kernel_points.csv").toString(),
          "conv=" + original.resolve("kernel_points.csv"),
          "FibonacciShellInitializer"
        }) {
      assertEquals(
          0,
          run("verify", model, "--inputs", inputs, "--golden", golden, "--kernel-points", source),
          source + err + out);
    }
    assertFails(
        "nowhere.csv",
        "verify",
        model,
        "--inputs",
        inputs,
        "--golden",
        golden,
        "--kernel-points",
        "nowhere.csv");
  }

  @Test
  void convertWritesWhatVerifyAccepts() {
    Path golden = CASE.resolve("golden.npz");
    Path config = CASE.resolve("config.json");
    Path savedModel = directory.resolve("saved_model");
    Path weights = directory.resolve("model.weights.h5");
    Path archive = directory.resolve("model.keras");
    assertEquals(0, run("convert", KERAS, savedModel), err);
    assertEquals(0, run("convert", savedModel, weights), err);
    assertEquals(0, run("convert", weights, archive, "--config", config), err);
    assertEquals("", out + err);
    for (Path model : new Path[] {savedModel, archive}) {
      assertEquals(0, run("verify", model, "--inputs", INPUTS, "--golden", golden), err);
    }
    assertFails("exists; it is left as it is", "convert", KERAS, archive);
    assertEquals(0, run("convert", KERAS, archive, "--force"), err);
    assertFails("no model configuration", "convert", weights, directory.resolve("other.keras"));
    assertFails("No such file", "convert", "nowhere.keras", directory.resolve("other.keras"));
    assertEquals(0, run("inspect", savedModel), err);
    assertTrue(out.contains("KPConvX for TensorFlow Java") && out.contains("3.6.0"), out);
    assertEquals(2, run("convert", KERAS));
  }

  @Test
  void convertLosesNoKernelPoints() {
    Path model = Fixtures.of("original_network").resolve("saved_model");
    Path archive = directory.resolve("model.keras");
    assertFails("kernel points Q stand outside", "convert", model, archive);
    Path first = directory.resolve("first.csv");
    String second = "kp_conv_x_layer_1=" + directory.resolve("second.csv");
    assertFails(
        "LAYER=Q.csv",
        "convert",
        model,
        archive,
        "--kernel-points-out",
        first,
        "--kernel-points-out",
        second);
    assertFails(
        "two layers go to",
        "convert",
        model,
        archive,
        "--kernel-points-out",
        directory.resolve("Q"));
    assertFails(
        "differ by up to",
        "convert",
        model,
        archive,
        "--kernel-points-out",
        "FibonacciShellInitializer");
    String both = "kp_conv_x_layer=" + first;
    assertEquals(
        0,
        run("convert", model, archive, "--kernel-points-out", both, "--kernel-points-out", second),
        err);
    Path fixture = Fixtures.of("original_network");
    assertEquals(
        0,
        run(
            "verify",
            archive,
            "--inputs",
            fixture.resolve("inputs.npz"),
            "--golden",
            fixture.resolve("golden.npz"),
            "--kernel-points",
            both,
            "--kernel-points",
            second),
        err);
  }

  @Test
  void convertSaysWhatItLeavesOut() {
    Path trained = Fixtures.of("trained").resolve("model.keras");
    assertEquals(0, run("convert", trained, directory.resolve("trained.keras")), err);
    assertTrue(err.startsWith("The optimizer's state is not written"), err);
    assertEquals(0, run("convert", trained, directory.resolve("trained.weights.h5")), err);
    assertEquals("", err);
  }

  @Test
  void weightsAloneNeedAConfiguration() {
    Path weights = CASE.resolve("model.weights.h5");
    Path golden = CASE.resolve("golden.npz");
    assertFails(
        "no model configuration", "verify", weights, "--inputs", INPUTS, "--golden", golden);
    Path config = CASE.resolve("config.json");
    assertEquals(
        0, run("verify", weights, "--inputs", INPUTS, "--golden", golden, "--config", config), err);
  }

  @Test
  void inspectTellsLayersWeightsAndParameters() {
    assertEquals(0, run("inspect", Fixtures.AERIAL), err);
    assertTrue(
        out.contains("serving_default") && out.contains("kpconvx_1/W") && out.contains("45,203"),
        out);
    assertEquals(0, run("inspect", Fixtures.AERIAL.resolve("aerial.keras"), "--json"), err);
    assertTrue(out.contains("\"total_params\" : 45203"), out);
  }

  @Test
  void exportRepresentationWritesTablesAndPictures() {
    String before = "Q.csv Qinit.svg W0.csv W1.csv Winit_hist.svg Winit_mat.svg";
    String after =
        "Q.csv Qend.svg W0.csv W1.csv Wdiff_hist.svg Wdiff_mat.svg Wend_hist.svg Wend_mat.svg";
    Path model = Fixtures.of("deformable").resolve("model.keras");
    Path past = Fixtures.of("deformable").resolve("model.weights.h5");
    export(before, model, "conv", "now");
    export(after, model, "conv", "then", "--past", past);
    export(before, past, "conv", "h5", "--config", past.resolveSibling("config.json"));
    Object[] line = {
      "export-representation",
      "--model",
      model,
      "--layer",
      "conv",
      "--out",
      "*star",
      "--prefix",
      directory + "/_"
    };
    assertEquals(0, run(line), err);
    assertTrue(Files.exists(directory.resolve("star/Q.csv")));

    Path network = Fixtures.of("original_network").resolve("saved_model");
    String layer = "kp_conv_x_layer_1";
    export("Q.csv Qinit.svg W0.csv Winit_hist.svg Winit_mat.svg", network, layer, "bare");
    Path nested = Fixtures.of("nested").resolve("model.keras");
    export("Q.csv Qinit.svg W0.csv Winit_hist.svg Winit_mat.svg", nested, "inner_conv", "nested");
    // The Q.csv is what --kernel-points reads; a file without Q needs it, an earlier state does
    // not.
    Path archive = network.resolveSibling("model.keras");
    assertExportFails("holds no kernel points Q", archive, layer);
    export(
        "Q.csv Qend.svg W0.csv Wdiff_hist.svg Wdiff_mat.svg Wend_hist.svg Wend_mat.svg",
        archive,
        layer,
        "given",
        "--kernel-points",
        directory.resolve("bare/Q.csv"),
        "--past",
        archive);
    assertEquals(
        Fixtures.text(directory.resolve("bare/Q.csv")),
        Fixtures.text(directory.resolve("given/Q.csv")));
  }

  @Test
  void thePicturesInTheReadmeAreOfTheShippedModel() {
    String files = "Q.csv Qinit.svg W0.csv W1.csv Winit_hist.svg Winit_mat.svg";
    export(files, Fixtures.AERIAL, "kpconvx_1", "kernel");
    Path site = Path.of("src/site");
    assertEquals(
        Fixtures.text(site.resolve("kernel_points.svg")),
        Fixtures.text(directory.resolve("kernel/Qinit.svg")));
    assertEquals(
        Fixtures.text(site.resolve("kernel_weights.svg")),
        Fixtures.text(directory.resolve("kernel/Winit_mat.svg")));
  }

  private void export(String files, Path model, String layer, String out, Object... more) {
    Object[] line = {
      "export-representation", "--model", model, "--layer", layer, "--out", directory.resolve(out)
    };
    Object[] all = Arrays.copyOf(line, line.length + more.length);
    System.arraycopy(more, 0, all, line.length, more.length);
    assertEquals(0, run(all), err);
    List<String> names =
        Fixtures.files(directory.resolve(out)).stream()
            .map(file -> file.getFileName().toString())
            .toList();
    assertEquals(files, String.join(" ", names));
  }

  /** Of a run of VL3D's own: the tables that it wrote after training. */
  @Test
  void exportRepresentationWritesTheTablesOfVl3d() {
    Path run = Path.of("src/test/resources/vl3d/original/a3_trained");
    String tables = "W0.csv W1.csv W2.csv W3.csv W4.csv W5.csv ";
    export(
        "Q.csv Qinit.svg " + tables + "Winit_hist.svg Winit_mat.svg",
        run.resolve("keras-2.12.keras"),
        "KPConv_d1_1",
        "kpconv");
    List<Path> expected =
        Fixtures.files(run.resolve("representation/TRAINED_KPConv_d1_1")).stream().toList();
    assertEquals(7, expected.size());
    for (Path table : expected) {
      assertEquals(
          Fixtures.text(table),
          Fixtures.text(directory.resolve("kpconv").resolve(table.getFileName())),
          table.toString());
    }
    String matrices = Fixtures.text(directory.resolve("kpconv/Winit_mat.svg"));
    assertTrue(matrices.contains("kernel weights W, m_q = 6, D = 4, Dout = 4"), matrices);
    assertTrue(matrices.contains(">kernel point 5: 16 weights, "), matrices);
    String points = Fixtures.text(directory.resolve("kpconv/Qinit.svg"));
    assertTrue(points.contains("centre: radius 0, 1 point<"), points);
  }

  @ParameterizedTest
  @ValueSource(strings = {"e_light_kpconv", "e_strided_light_kpconv"})
  void exportRepresentationOfALightLayerHasItsScaleFactors(String name) {
    Path model = Path.of("src/test/resources/vl3d/original", name, "keras-2.12.keras");
    StoredKernel kernel = KPConvX.loader(model).kernel();
    String layer = kernel.layer().name();
    export(
        "A.csv Ainit_hist.svg Ainit_mat.svg Q.csv Qinit.svg W.csv Winit_hist.svg Winit_mat.svg",
        model,
        layer,
        "light");
    export(
        "A.csv Adiff_hist.svg Adiff_mat.svg Aend_hist.svg Aend_mat.svg Q.csv Qend.svg W.csv"
            + " Wdiff_hist.svg Wdiff_mat.svg Wend_hist.svg Wend_mat.svg",
        model,
        layer,
        "then",
        "--past",
        model);
    kernel.weights().forEach((weight, value) -> assertTable(value, weight));
    assertTable(kernel.points(), "Q");
    Path out = directory.resolve("only");
    assertEquals(0, run("export-representation", "--model", model, "--out", out), err);
    assertEquals(
        Fixtures.text(directory.resolve("light/A.csv")), Fixtures.text(out.resolve("A.csv")));
  }

  private void assertTable(FloatNdArray value, String weight) {
    String table = Fixtures.text(directory.resolve("light/" + weight + ".csv"));
    List<String> lines = table.lines().toList();
    assertEquals(value.shape().get(0), lines.size(), weight);
    for (int row = 0; row < lines.size(); row++) {
      String[] numbers = lines.get(row).split(" ", -1);
      assertEquals(value.shape().get(1), numbers.length, weight);
      for (int c = 0; c < numbers.length; c++) {
        assertEquals(value.getFloat(row, c), Float.parseFloat(numbers[c]), 1e-7f, weight);
      }
    }
  }

  @Test
  void exportRepresentationNeedsTheNameOfOneOfSeveralLayers() {
    Path out = directory.resolve("never");
    Path several = Path.of("src/test/resources/vl3d/original/a3_trained/keras-2.12.keras");
    assertFails(
        "several layers with a kernel, expected the name of one of [KPConv_d1_1, DOWN_SKPConv_d2_2,",
        "export-representation",
        "--model",
        several,
        "--out",
        out);
    Path none = Path.of("src/test/resources/vl3d/original/e_tnet/keras-2.12.keras");
    assertFails(
        "no layer with a kernel, expected one of the classes KPConvXLayer, KPConvLayer, ",
        "export-representation",
        "--model",
        none,
        "--out",
        out);
    assertFalse(Files.exists(out));
  }

  @Test
  void exportRepresentationSaysWhatItCannotDo() throws IOException {
    assertExportFails(
        "no layer with a kernel named dense, expected the name of one of [kpconvx_1, kpconvx_2]",
        Fixtures.AERIAL,
        "dense");
    Path model = Fixtures.of("defaults").resolve("model.keras");
    assertExportFails(
        "past W has shape (2, 21, 16), expected (1, 21, 16)",
        model,
        "conv",
        "--past",
        Fixtures.of("deformable").resolve("model.keras"));
    assertExportFails("No such file", model, "conv", "--past", "nowhere");
    assertExportFails("No such file", Path.of("nowhere"), "conv");
    Path file = Files.createFile(directory.resolve("file"));
    assertFails(
        "it is a file",
        "export-representation",
        "--model",
        model,
        "--layer",
        "conv",
        "--out",
        file);
    assertFails(
        "no prefix", "export-representation", "--model", model, "--layer", "conv", "--out", "*x");
  }

  private void assertExportFails(String reason, Path model, String layer, Object... more) {
    Path out = directory.resolve("never");
    Object[] line = {"export-representation", "--model", model, "--layer", layer, "--out", out};
    Object[] all = Arrays.copyOf(line, line.length + more.length);
    System.arraycopy(more, 0, all, line.length, more.length);
    assertFails(reason, all);
    assertFalse(Files.exists(out));
  }

  @ParameterizedTest
  @ValueSource(strings = {"nonsense", "predict", "inspect", "verify --atol x"})
  void badUsageIsStatusTwo(String line) {
    assertEquals(2, run((Object[]) line.split(" ")));
    assertTrue(err.contains("Usage: kpconvx") || err.contains("Unmatched"), err);
  }

  @Test
  void tellsItsVersion() {
    assertEquals(0, run("--version"));
    assertTrue(out.matches("kpconvx-tensorflow \\d+\\.\\d+\\.\\d+.*\\s*"), out);
  }

  @Test
  void runsNoStoredOperationThatReachesBeyondTheModel() {
    assertPredictFails(
        "WriteFile (node WriteFile of the function __inference_f_90)",
        "src/test/resources/hostile/savedmodel_WriteFile",
        INPUTS,
        "--engine",
        "savedmodel");
    assertTrue(err.contains("--unsafe-operations"), err);
  }

  @Test
  void everyBadInputIsOneLineAndNoFile() throws IOException {
    assertPredictFails("No such file", "nowhere", INPUTS);
    assertPredictFails("is no SavedModel", directory.toString(), INPUTS);
    Path cut = directory.resolve("cut.keras");
    byte[] bytes = Files.readAllBytes(Path.of(KERAS));
    Files.write(cut, Arrays.copyOf(bytes, bytes.length / 2));
    assertPredictFails("cut.keras", cut.toString(), INPUTS);

    String config = Fixtures.text(CASE.resolve("config.json"));
    assertConfigFails(
        "unknown configuration key \"sygma\"", config.replace("\"sigma\":", "\"sygma\":"));
    assertConfigFails("unknown layer", config.replace("\"KPConvXLayer\"", "\"PointNetLayer\""));
    assertConfigFails("does not divide", config.replaceAll("\"groups\": \\d+", "\"groups\": 7"));

    Map<String, NpyArray> inputs = NpzFile.read(Path.of(INPUTS));
    NpyArray n = inputs.get("N");
    NpyArray f = inputs.get("F");
    assertInputFails("expected float32", "F", NpyArray.of(f.toFloats(), f.size()));
    long[] huge = new long[n.size()];
    huge[5] = 1L << 40;
    assertInputFails("1099511627776", "N", NpyArray.of(huge, n.shape()));
    assertInputFails("disagree in (B, R)", "F", NpyArray.of(new float[24 * 4], 1, 24, 4));
    assertInputFails("disagree in (B, R)", "F", NpyArray.of(new float[2 * 12 * 4], 2, 12, 4));
    int[] indices = n.toInts();
    for (int wrong : new int[] {-1, 24}) {
      indices[30] = wrong;
      assertInputFails("neighbour index " + wrong + " at", "N", NpyArray.of(indices, n.shape()));
    }
    Map<String, NpyArray> two = new HashMap<>(inputs);
    two.remove("F");
    Path file = directory.resolve("in.npz");
    NpzFile.write(file, two);
    assertPredictFails("Expected the inputs", KERAS, file.toString());
    assertPredictFails("there is no such file", KERAS, "nowhere.npz");
    Path lost = directory.resolve("no/such/folder.npz");
    assertFails(
        "there is no folder", "predict", "--model", KERAS, "--inputs", INPUTS, "--output", lost);
  }

  private void assertConfigFails(String reason, String config) throws IOException {
    Path file = directory.resolve("config.json");
    Files.writeString(file, config);
    assertPredictFails(reason, KERAS, INPUTS, "--config", file.toString());
  }

  private void assertInputFails(String reason, String name, NpyArray array) {
    Map<String, NpyArray> inputs = new HashMap<>(NpzFile.read(Path.of(INPUTS)));
    inputs.put(name, array);
    Path file = directory.resolve("in.npz");
    NpzFile.write(file, inputs);
    for (String model : new String[] {KERAS, CASE.resolve("saved_model").toString()}) {
      assertPredictFails(reason, model, file.toString());
    }
  }

  private void assertPredictFails(String reason, String model, String inputs, String... more) {
    Path output = directory.resolve("never.npz");
    String[] line = {
      "predict", "--model", model, "--inputs", inputs, "--output", output.toString()
    };
    String[] all = Arrays.copyOf(line, line.length + more.length);
    System.arraycopy(more, 0, all, line.length, more.length);
    assertFails(reason, (Object[]) all);
    assertFalse(Files.exists(output));
  }

  private void assertFails(String reason, Object... arguments) {
    assertEquals(1, run(arguments), out + err);
    assertTrue(err.contains(reason), err);
    assertEquals(1, err.lines().filter(line -> !line.startsWith("not an output")).count(), err);
  }

  @Test
  void anOldOutputSurvivesAFailure() throws IOException {
    Path output = directory.resolve("old.npz");
    Files.write(output, new byte[] {1, 2, 3});
    assertEquals(1, run("predict", "--model", KERAS, "--inputs", "nowhere", "--output", output));
    assertArrayEquals(new byte[] {1, 2, 3}, Files.readAllBytes(output));
  }
}
