package io.github.kpconvx.pointcloud.classification;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.Fixtures;
import io.github.kpconvx.inference.KPConvX;
import io.github.kpconvx.inference.Model;
import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.numpy.NpzFile;
import io.github.kpconvx.pointcloud.PointCloud;
import io.github.kpconvx.pointcloud.PointCloudException;
import io.github.kpconvx.pointcloud.Quantization;
import io.github.kpconvx.pointcloud.receptive.Preprocessing;
import io.github.kpconvx.pointcloud.receptive.ReceptiveField;
import io.github.kpconvx.pointcloud.receptive.ReceptiveFields;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HierarchicalPreprocessingTest {
  private static final Path MODEL = Path.of("savedmodels/aerial_hierarchical");
  private static final Path FILE = MODEL.resolve("assets.extra/hierarchy.json");
  private static final Path SCENE = Fixtures.AERIAL.resolve("scene.laz");

  @TempDir private Path directory;

  @Test
  void preparesTheSceneAsPythonDoesBitForBit() {
    assertEquals(FILE, PreprocessingFile.of(MODEL));
    Preprocessing preprocessing = PreprocessingFile.read(FILE);
    Map<String, NpyArray> python = NpzFile.read(MODEL.resolve("inputs.npz"));
    Map<String, NpyArray> golden = NpzFile.read(MODEL.resolve("golden.npz"));
    int[] index = Arrays.stream(golden.get("index").toLongs()).mapToInt(i -> (int) i).toArray();
    ReceptiveField field =
        StreamSupport.stream(
                ReceptiveFields.of(PointCloud.read(SCENE), preprocessing).spliterator(), false)
            .filter(candidate -> Arrays.equals(index, candidate.points()))
            .findFirst()
            .orElseThrow();
    boolean[] core = new boolean[index.length];
    Arrays.stream(field.core()).forEach(i -> core[i] = true);
    assertArrayEquals(golden.get("core").toBooleans(), core);
    assertEquals(python.keySet(), field.inputs().keySet());
    assertEquals(python.keySet(), Set.copyOf(preprocessing.inputs()));
    python.forEach(
        (name, expected) -> {
          NpyArray found = NpyArray.stack(List.of(field.inputs().get(name)));
          assertEquals(expected.toString(), found.toString());
          if (expected.type().isFloat()) {
            assertArrayEquals(expected.toFloats(), found.toFloats(), name);
          } else {
            assertArrayEquals(expected.toInts(), found.toInts(), name);
          }
        });
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "\"share\": 1,|\"share\": 0,|depths[0]: share = 0",
        "\"share\": 1,|\"share\": 2,|depth 1 has down = 0 and up = 0, expected at least 1",
        "\"down\": 16,|\"down\": 0,|depth 2 has down = 0 and up = 3, expected at least 1",
        "\"down\": 16,|\"down\": 1.5,|depths[1]: down = 1.5, expected an integer",
        "\"down\": 16,|``|depths[1]: misses the key down",
        "\"up\": 3|\"up\": 3, \"fast\": true|depths[1]: unknown configuration key \"fast\"",
        "\"unit\": 1.2,|\"unit\": 0,|unit is 0.0, expected a length > 0",
        "\"tile\"|\"neighbours\": 16, \"tile\"|unknown configuration key \"neighbours\"",
        "\"depths\"|\"levels\"|unknown configuration key \"levels\"",
      })
  void namesWhatIsWrong(String found, String replacement, String message) throws IOException {
    PreprocessingFileTest.assertRefused(
        directory.resolve("hierarchy.json"),
        Fixtures.text(FILE).replace(found, replacement),
        message);
  }

  @Test
  void ofTwoFilesNoneIsGuessed() throws IOException {
    Path assets = Files.createDirectories(directory.resolve("assets.extra"));
    assertEquals(assets.resolve("pipeline.json"), PreprocessingFile.of(directory));
    Files.writeString(assets.resolve("hierarchy.json"), "{}");
    assertEquals(assets.resolve("hierarchy.json"), PreprocessingFile.of(directory));
    Files.writeString(assets.resolve("pipeline.json"), "{}");
    PointCloudException error =
        assertThrows(PointCloudException.class, () -> PreprocessingFile.of(directory));
    assertTrue(error.getMessage().contains("has both hierarchy.json and pipeline.json"));
  }

  @Test
  void pointsThatAllCoincideAreRefused() {
    Preprocessing preprocessing = PreprocessingFile.read(FILE);
    PointCloud cloud = PointCloud.of(Quantization.of(0.001), new int[20], new int[20], new int[20]);
    PointCloudException error =
        assertThrows(
            PointCloudException.class, () -> ReceptiveFields.of(cloud, preprocessing).get(0));
    assertEquals(
        "The point cloud: the tile from (0.0, 0.0) m on, with its margin: 5 points are wanted, but of 20 points only 1 differ",
        error.getMessage());
  }

  @Test
  void aModelOfOtherInputsIsRefused() {
    try (Model model = KPConvX.load(Fixtures.AERIAL)) {
      Preprocessing preprocessing = PreprocessingFile.read(FILE);
      PointCloudException error =
          assertThrows(PointCloudException.class, () -> new CloudClassifier(model, preprocessing));
      assertEquals(
          "The model takes [X, F, N], but its preprocessing makes [X_1, X_2, X_3, Fin, ND_2, ND_3, N_1, N_2, N_3, NU_2, NU_3]",
          error.getMessage());
    }
  }
}
