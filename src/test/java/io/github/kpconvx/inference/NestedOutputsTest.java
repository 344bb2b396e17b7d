package io.github.kpconvx.inference;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.numpy.NpzFile;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Models whose outputs are those of nested models, as Keras 3 numbers their calls. */
class NestedOutputsTest {
  private static final Path RESOURCES = Path.of("src/test/resources/io/github/kpconvx/network");

  @ParameterizedTest
  @ValueSource(strings = {"chain", "lastfun", "lasttwice", "split", "two"})
  void computesWhatKerasComputes(String name) {
    Map<String, NpyArray> expected = NpzFile.read(RESOURCES.resolve(name + ".gold.npz"));
    try (Model model = KPConvX.load(RESOURCES.resolve(name + ".keras"))) {
      assertEquals(expected.keySet(), model.outputs().keySet());
      Map<String, NpyArray> found =
          model.predictArrays(NpzFile.read(RESOURCES.resolve(name + ".in.npz")), expected.keySet());
      expected.forEach(
          (output, values) ->
              assertArrayEquals(values.toFloats(), found.get(output).toFloats(), 1e-5f, output));
    }
  }
}
