package io.github.kpconvx.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.Fixtures;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.numpy.NpzFile;
import io.github.kpconvx.pointcloud.PointCloud;
import io.github.kpconvx.pointcloud.Preprocessing;
import io.github.kpconvx.pointcloud.ReceptiveField;
import io.github.kpconvx.pointcloud.ReceptiveFields;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

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
      String tile = "tile_" + field.row() + "_" + field.column() + "/";
      if (!python.containsKey(tile + "X")) {
        continue;
      }
      assertArrayEquals(python.get(tile + "X").toFloats(), field.x());
      assertArrayEquals(python.get(tile + "F").toFloats(), field.f());
      assertArrayEquals(python.get(tile + "N").toInts(), field.n());
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
        "{|[|no valid JSON",
      })
  void namesWhatIsWrong(String found, String replacement, String message) throws IOException {
    Path file = directory.resolve("pipeline.json");
    Files.writeString(file, Fixtures.text(FILE).replace(found, replacement));
    RuntimeException error =
        assertThrows(RuntimeException.class, () -> PreprocessingFile.read(file));
    assertTrue(error.getMessage().contains(message), error.getMessage());
  }

  @Test
  void namesAMissingFile() {
    assertThrows(
        KerasException.class, () -> PreprocessingFile.read(directory.resolve("none.json")));
  }
}
