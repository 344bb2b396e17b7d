package io.github.kpconvx.inference;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.Fixtures;
import io.github.kpconvx.VL3DModel;
import io.github.kpconvx.keras.config.CompiledLosses;
import io.github.kpconvx.keras.config.KerasObject;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A loss that a model was compiled with and that exists in Python alone is ignored, and named. */
@Isolated("It takes hold of the standard error.")
class CompiledLossTest {
  @TempDir private Path directory;

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "null | ",
        "'mse' | ",
        "'my_loss' | my_loss",
        "'pack>g' | pack>g",
        "['mean_squared_error','f','f'] | f",
        "{'a':'f','b':['g',{'class_name':'C','config':{'name':null}}]} | f, g, C",
        "{'module':'builtins','class_name':'function','config':'f','registered_name':'function'} | f",
        "{'module':'builtins','class_name':'function','config':'huber','registered_name':'function'} | ",
        "{'module':'keras.losses','class_name':'Huber','config':{},'registered_name':null} | ",
        "{'class_name':'CategoricalCrossentropy','config':{'axis':-1}} | ",
        "{'module':null,'class_name':'Huber','config':{},'registered_name':'Huber'} | Huber",
        "{'module':'mine','class_name':'Huber','config':{},'registered_name':'p>Huber'} | Huber"
      })
  void thoseOfKerasAreKnown(String loss, String unknown) {
    var compiled = KerasObject.parseJson("{\"loss\": " + loss.replace('\'', '"') + "}");
    assertEquals(
        unknown == null ? "" : unknown, String.join(", ", CompiledLosses.unknown(compiled)));
  }

  /** VL3D's own run: HDF5. */
  @Test
  void isNamedOnceForEachLoad() {
    Path model = VL3DModel.ORIGINAL.resolve("a3_trained/keras-2.12.keras");
    assertNamed(model, "_vl3d_class_weighted_categorical_crossentropy");
  }

  @Test
  void alsoThatOfAnArchive() throws IOException {
    assertNamed(compiled("my_loss"), "my_loss");
  }

  @Test
  void nothingIsSaidOfKerasOwn() throws IOException {
    assertEquals(List.of(), load(compiled("sparse_categorical_crossentropy")));
    assertEquals(List.of(), load(Fixtures.of("deformable").resolve("model.keras")));
    assertEquals(List.of(), load(Path.of("savedmodels/keras2/keras-2.15.0/trained/saved_model")));
  }

  /** An archive as Keras 3 writes a model that was compiled. */
  private Path compiled(String loss) throws IOException {
    Path file = directory.resolve("model.keras");
    Files.deleteIfExists(file);
    Files.copy(Fixtures.of("deformable").resolve("model.keras"), file);
    try (FileSystem zip = FileSystems.newFileSystem(file)) {
      Path config = zip.getPath("config.json");
      ObjectNode model = (ObjectNode) KerasObject.parseJson(Files.readString(config));
      model.putObject("compile_config").put("optimizer", "adam").put("loss", loss);
      Files.writeString(config, model.toString());
    }
    return file;
  }

  private static void assertNamed(Path model, String loss) {
    List<String> lines = load(model);
    assertEquals(1, lines.size(), lines.toString());
    String line = lines.get(0);
    for (String words : List.of(model.toString(), loss + ",", "predictions do not need it")) {
      assertTrue(line.contains(words), line);
    }
  }

  /** The log's lines. */
  private static List<String> load(Path model) {
    PrintStream before = System.err;
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    System.setErr(new PrintStream(bytes, true, StandardCharsets.UTF_8));
    try {
      KPConvX.load(model).close();
    } finally {
      System.setErr(before);
    }
    return bytes.toString(StandardCharsets.UTF_8).lines().toList();
  }
}
