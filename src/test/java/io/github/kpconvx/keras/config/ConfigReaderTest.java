package io.github.kpconvx.keras.config;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.TextFile;
import io.github.kpconvx.keras.file.FileKind;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ConfigReaderTest {
  @TempDir private Path directory;

  private static ConfigReader reader(String json) {
    return ConfigReader.of("Owner", (ObjectNode) KerasObject.parseJson(json));
  }

  private static void assertRefused(String message, Executable read) {
    assertEquals(message, assertThrows(KerasException.class, read).getMessage());
  }

  @Test
  void readsScalarsListsAndTuplesInTheFormsThatKerasWrites() {
    ConfigReader config =
        reader(
            """
            {"scalar": {"class_name": "__numpy__", "config": {"value": 3.0, "dtype": "float32"}},
             "tensor": {"class_name": "__tensor__", "config": {"value": 0.5, "dtype": "float32"}},
             "array": {"class_name": "__numpy__", "config": {"value": [1, 2], "dtype": "int64"}},
             "tuple": {"class_name": "__tuple__", "items": [4, 5]}}
            """);
    assertEquals(3, config.number("scalar", 0));
    assertEquals(3, config.integer("scalar", 0, 3));
    assertEquals(0.5, config.number("tensor", 0, 0.5));
    assertEquals(List.of(1, 2), config.integers("array", List.of(), 1));
    assertEquals(List.of(4.0, 5.0), config.numbers("tuple", List.of()));
    assertEquals(7, config.number("missing", 7, 7));
    assertEquals("Owner", config.owner());
  }

  @Test
  void namesWhatItFoundAndWhatItExpected() {
    ConfigReader config = reader("{\"n\": 1.5, \"x\": -2}");
    assertRefused(
        "Owner: n = 1.5, expected an integer", () -> config.integer("n", 0, Integer.MIN_VALUE));
    assertRefused(
        "Owner: x = -2, expected an integer of at least -1", () -> config.integer("x", 0, -1));
    assertRefused(
        "Owner: x = -2, expected a finite number of at least -1.5",
        () -> config.number("x", 0, -1.5));
    assertRefused(
        "Owner: y = 0.0, expected a finite number of at least 1.0", () -> config.number("y", 0, 1));
  }

  @ParameterizedTest
  @ValueSource(strings = {"2.9", "4294967295", "-1e300", "\"last\"", "{}", "true", "null", "[1]"})
  void takesNothingElseForAnInteger(String json) {
    String shown = json.equals("-1e300") ? "-1.0E300" : json;
    assertRefused(
        "Owner: axis = " + shown + ", expected an integer",
        () -> reader("{\"axis\": " + json + "}").integer("axis", -1, Integer.MIN_VALUE));
  }

  @Test
  void readsWholeNumbersOf64Bits() {
    ConfigReader config = reader("{\"seed\": 9007199254740993, \"none\": null, \"half\": 1.7}");
    assertEquals(OptionalLong.of(9007199254740993L), config.wholeNumber("seed"));
    assertEquals(OptionalLong.empty(), config.wholeNumber("none"));
    assertEquals(OptionalLong.empty(), config.wholeNumber("missing"));
    assertRefused(
        "Owner: half = 1.7, expected null or an integer", () -> config.wholeNumber("half"));
    assertRefused(
        "Owner: two = 2, expected an integer from 0 to 1",
        () -> reader("{\"two\": 2}").integer("two", 0, 0, 1));
  }

  @Test
  void readsObjectsTextsSizesAndWords() {
    ConfigReader config =
        reader(
            """
            {"inner": {"n": 1.5}, "list": [{"n": 2}, {"n": "x"}], "names": ["a", "b"],
             "shape": [null, 3], "word": "two", "number": 3}
            """);
    assertRefused(
        "Owner: inner: n = 1.5, expected an integer of at least 0",
        () -> config.object("inner").integer("n", 0, 0));
    assertEquals(4, config.object("missing").integer("n", 4, 0));
    assertRefused("Owner: number = 3, expected an object {…}", () -> config.object("number"));
    assertEquals(2, config.objects("list").get(0).integer("n", 0, 0));
    assertRefused(
        "Owner: list[1]: n = \"x\", expected an integer of at least 0",
        () -> config.objects("list").get(1).integer("n", 0, 0));
    assertRefused(
        "Owner: names = [\"a\",\"b\"], expected a list of objects {…}",
        () -> config.objects("names"));
    assertEquals(List.of("a", "b"), config.texts("names"));
    assertRefused(
        "Owner: shape = [null,3], expected a list of strings", () -> config.texts("shape"));
    assertArrayEquals(new long[] {-1, 3}, config.sizes("shape", 1));
    assertRefused(
        "Owner: shape = 3, expected an integer of at least 4", () -> config.sizes("shape", 4));
    Map<String, Integer> words = Map.of("one", 1, "two", 2);
    assertEquals(2, config.choice("word", 1, words));
    assertEquals(1, config.choice("missing", 1, words));
    assertRefused(
        "Owner: number = 3, expected \"one\" or \"two\"", () -> config.choice("number", 1, words));
  }

  @ParameterizedTest
  @ValueSource(strings = {"UTF-8", "UTF-16BE", "UTF-16LE"})
  void readsFilesInTheEncodingsOfEditors(String charset) throws IOException {
    Path file = directory.resolve("settings.json");
    for (String mark : List.of("", "\ufeff")) {
      Files.writeString(file, mark + "{\"n\": 1.5, \"ä\": 2}", Charset.forName(charset));
      ConfigReader config = ConfigReader.read(file);
      assertEquals(2, config.integer("ä", 0, 0));
      assertRefused(
          file + ": n = 1.5, expected an integer of at least 0", () -> config.integer("n", 0, 0));
      assertEquals("{\"n\": 1.5, \"ä\": 2}", TextFile.read(file));
    }
  }

  @Test
  void namesTheFileThatIsNoObject() throws IOException {
    Path file = directory.resolve("settings.json");
    assertRefused(file + " cannot be read: there is no such file", () -> ConfigReader.read(file));
    Files.writeString(file, "{\"n\": 1, \"n\": 2}");
    assertRefused(
        file + " is no valid JSON: Duplicate field 'n' (line 1, column 13)",
        () -> ConfigReader.read(file));
    Files.writeString(file, "[".repeat(2000));
    assertThrows(KerasException.class, () -> ConfigReader.read(file));
    Files.write(file, new byte[] {'a', (byte) 0xe4});
    assertRefused(
        file + " is no text in UTF-8, expected UTF-8 or UTF-16; save it as UTF-8",
        () -> TextFile.read(file));
    Files.writeString(
        file, "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 9\n");
    String pointer =
        file + " is a Git LFS pointer, not the file itself; `git lfs pull` gets the file";
    assertRefused(pointer, () -> ConfigReader.read(file));
    assertRefused(pointer, () -> FileKind.of(file));
  }

  @Test
  void knowsTheKeysOfLayersFromThoseOfOtherObjects() {
    ConfigReader config = reader("{\"name\": \"a\", \"units\": 1}");
    config.rejectUnknownKeys(List.of("units"));
    config.allowOnly(List.of("units", "name"));
    assertRefused(
        "Owner: unknown configuration key \"name\"; known keys are bias, units",
        () -> config.allowOnly(List.of("units", "bias")));
    assertRefused(
        "Owner: unknown configuration key \"name\"; known keys are none",
        () -> config.allowOnly(List.of()));
    assertRefused(
        "Owner: unknown configuration key \"units\"; known keys are activity_regularizer,"
            + " autocast, batch_input_shape, batch_shape, dtype, name, trainable",
        () -> config.rejectUnknownKeys(List.of()));
  }
}
