package io.github.kpconvx.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.kpconvx.Fixtures;
import io.github.kpconvx.keras.config.KerasObject;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** Models of layers that nobody registered are described as far as their files go. */
class InspectCommandTest {
  private static final Path KERAS_212 =
      Path.of("src/test/resources/io/github/kpconvx/keras/keras-2.12.0");

  @TempDir private Path directory;
  private String out;
  private String err;

  @BeforeEach
  void forget() {
    out = "";
    err = "";
  }

  private int inspect(Object... arguments) {
    StringWriter written = new StringWriter();
    StringWriter failures = new StringWriter();
    CommandLine line = new CommandLine(new InspectCommand());
    line.setOut(new PrintWriter(written)).setErr(new PrintWriter(failures));
    List<String> texts = new ArrayList<>();
    for (Object argument : arguments) {
      texts.add(argument.toString());
    }
    int status = line.execute(texts.toArray(String[]::new));
    out = written.toString();
    err = failures.toString();
    return status;
  }

  /** A copy of an archive whose configuration has other words. */
  private Path rewritten(Path archive, String words, String others) throws IOException {
    Path copy = Files.copy(archive, directory.resolve("model.keras"));
    try (FileSystem zip = FileSystems.newFileSystem(copy)) {
      Path config = zip.getPath("config.json");
      String text = Files.readString(config);
      assertTrue(text.contains(words), text);
      Files.writeString(config, text.replace(words, others));
    }
    return copy;
  }

  @Test
  void tellsHowToRegisterUnknownLayers() throws IOException {
    Path model =
        rewritten(
            KERAS_212.resolve("zip.keras"),
            "\"class_name\": \"Dense\"",
            "\"class_name\": \"Ours\"");
    assertEquals(0, inspect(model), err);
    assertContains(
        "Ours: stem, deep, inner_one, inner_two, chain_one, chain_two, frozen, head",
        "LayerRegistry layers = StandardLayers.registry()",
        ".with(\"Ours\", Ours::new);",
        "Model model = KPConvX.loader(Path.of(\"" + model + "\")).withLayers(layers).load();",
        "model.export",
        "X  float32 (None, 5, 3)",
        "output_0",
        "_layer_checkpoint_dependencies/functional/_layer_checkpoint_dependencies/dense_2/vars/0",
        "(4, 4)");
    assertTrue(out.matches("(?s).*total params +192\n.*"), out);
    assertEquals(0, inspect(model, "--json"), err);
    JsonNode json = KerasObject.parseJson(out);
    assertEquals(8, json.get("unknown_layers").size());
    assertEquals(13, json.get("layers").size());
    assertEquals("float32", json.get("weights").get(0).get("dtype").textValue());
    assertEquals("[null,5,3]", json.get("inputs").get(0).get("shape").toString());
    assertEquals(1, json.get("outputs").size());
    assertTrue(json.get("trainable_params").isNull());
  }

  @Test
  void tellsThePackageAndTheModuleOfUnknownLayers() throws IOException {
    Path model =
        rewritten(
            Fixtures.of("nested").resolve("model.keras"),
            "\"module\": \"keras.layers\", \"class_name\": \"Dense\", ",
            "\"module\": \"our.layers\", \"class_name\": \"Dense\", ");
    assertEquals(0, inspect(model), err);
    assertContains("Dense of module our.layers: ", ".with(\"Dense\", Dense::new)");
  }

  @ParameterizedTest
  @ValueSource(strings = {"legacy.h5", "model.weights.h5"})
  void describesWeightsOfUnknownLayersInEveryForm(String file) throws IOException {
    Path config = directory.resolve("config.json");
    Files.writeString(
        config,
        Files.readString(KERAS_212.resolve("config.json"))
            .replace("\"class_name\": \"BatchNormalization\"", "\"class_name\": \"Norm\""));
    assertEquals(0, inspect(KERAS_212.resolve(file), "--config", config), err);
    assertContains("Norm: stem_norm, deep_norm, inner_norm", "Norm::new");
    assertTrue(out.matches("(?s).*total params +192\n.*"), out);
  }

  /** What the file says is told; that it makes no sense is an error all the same. */
  @Test
  void describesAlsoWhatMakesNoSense() throws IOException {
    Path model = rewritten(KERAS_212.resolve("zip.keras"), "\"units\": 4", "\"units\": 4.5");
    assertEquals(1, inspect(model));
    assertContains("stem_norm", "total params");
    assertTrue(err.contains("units = 4.5, expected an integer"), err);
    assertFalse(out.contains("does not know"), out);
  }

  static Stream<Path> modelsOfVl3d() throws IOException {
    try (Stream<Path> files = Files.walk(Path.of("src/test/resources/vl3d"))) {
      return files
          .filter(file -> file.toString().matches(".*\\.(keras|h5)"))
          .sorted()
          .toList()
          .stream();
    }
  }

  /** Those too whose filter "gaussian" nobody explains. */
  @ParameterizedTest
  @MethodSource("modelsOfVl3d")
  void describesEveryModelOfVl3d(Path model) {
    assertEquals(0, inspect(model), err);
    assertContains("total params");
    if (!model.toString().endsWith(".weights.h5")) {
      assertContains("input ", "output_0  float32");
    }
  }

  private void assertContains(String... texts) {
    for (String text : texts) {
      assertTrue(out.contains(text), text + " in\n" + out);
    }
  }
}
