package io.github.kpconvx.pointcloud.classification;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.Fixtures;
import io.github.kpconvx.KpconvxException;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.numpy.NpzFile;
import io.github.kpconvx.pointcloud.PointCloud;
import io.github.kpconvx.pointcloud.receptive.Preprocessing;
import io.github.kpconvx.pointcloud.receptive.ReceptiveField;
import io.github.kpconvx.pointcloud.receptive.ReceptiveFields;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PreprocessingFileTest {
  private static final Path FILE = Fixtures.AERIAL.resolve("assets.extra/pipeline.json");

  @TempDir private Path directory;

  @Test
  void preparesTheSceneAsPythonDoesBitForBit() {
    Preprocessing preprocessing = PreprocessingFile.read(FILE);
    PointCloud cloud = PointCloud.read(Fixtures.AERIAL.resolve("scene.laz"));
    Map<String, NpyArray> python = NpzFile.read(Fixtures.AERIAL.resolve("pipeline_check.npz"));
    int compared = 0;
    for (ReceptiveField field : ReceptiveFields.of(cloud, preprocessing)) {
      double side = 32 / cloud.quantization().scaleX();
      String tile =
          "tile_%d_%d/"
              .formatted(
                  (int) (field.part().centerY() / side), (int) (field.part().centerX() / side));
      if (!python.containsKey(tile + "X")) {
        continue;
      }
      assertArrayEquals(python.get(tile + "X").toFloats(), field.inputs().get("X").toFloats());
      assertArrayEquals(python.get(tile + "F").toFloats(), field.inputs().get("F").toFloats());
      assertArrayEquals(python.get(tile + "N").toInts(), field.inputs().get("N").toInts());
      assertArrayEquals(
          python.get(tile + "index").toLongs(),
          Arrays.stream(field.points()).asLongStream().toArray());
      boolean[] core = new boolean[field.size()];
      Arrays.stream(field.core()).forEach(i -> core[i] = true);
      assertArrayEquals(python.get(tile + "core").toBooleans(), core);
      compared++;
    }
    assertEquals(2, compared);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "\"tile\"|\"tiles\"|unknown configuration key \"tiles\"",
        "\"neighbours\": 16|\"neighbours\": 0|neighbours = 0",
        "\"height\",|\"height\", \"height\",|features are",
        "#b59b76|b59b76|expected #rrggbb",
        "\"tile\"|\"trainable\": true, \"tile\"|unknown configuration key \"trainable\"",
        "\"tile\"|\"activity_regularizer\": null, \"tile\"|unknown configuration key",
        "\"neighbours\": 16|\"neighbours\": 16.5|neighbours = 16.5, expected an integer",
        "\"neighbours\": 16|\"neighbours\": \"16\"|neighbours = \"16\", expected an integer",
        "\"neighbours\": 16,|``|misses the key neighbours",
        "\"height\"|\"hight\"|feature is \"hight\", expected one of",
        "\"height\"|1|features = [1,",
        "\"name\": \"ground\"|\"name\": 2|classes[0]: name = 2, expected a string",
        "\"name\": \"ground\"|\"title\": \"ground\"|classes[0]: unknown configuration key \"title\"",
        "\"code\": 2,|\"code\": 2.5,|classes[0]: code = 2.5, expected an integer",
        "\"code\": 2,|\"code\": 300,|class code is 300, expected 0 to 255",
        "{|[|no valid JSON",
      })
  void namesWhatIsWrong(String found, String replacement, String message) throws IOException {
    assertRefused(
        directory.resolve("pipeline.json"),
        Fixtures.text(FILE).replace(found, replacement),
        message);
  }

  /** Reading a file of this text fails, naming the file and what is wrong. */
  static void assertRefused(Path file, String text, String message) throws IOException {
    Files.writeString(file, text);
    KpconvxException error =
        assertThrows(KpconvxException.class, () -> PreprocessingFile.read(file));
    assertTrue(error.getMessage().contains(message), error.getMessage());
    assertTrue(error.getMessage().startsWith(file.toString()), error.getMessage());
  }

  @Test
  void namesAMissingFile() {
    Path none = directory.resolve("none.json");
    KerasException error = assertThrows(KerasException.class, () -> PreprocessingFile.read(none));
    assertTrue(error.getMessage().startsWith(none + " cannot be read: there is no such file"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"UTF-8", "UTF-16", "UTF-16LE", "UTF-32"})
  void readsTheEncodingsOfJson(String encoding) throws IOException {
    Path file = directory.resolve("pipeline.json");
    Files.writeString(file, Fixtures.text(FILE), Charset.forName(encoding));
    assertEquals(PreprocessingFile.read(FILE), PreprocessingFile.read(file));
  }
}
