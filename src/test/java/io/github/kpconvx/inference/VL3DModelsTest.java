package io.github.kpconvx.inference;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.VL3DModel;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.vl3d.GaussianFilter;
import io.github.kpconvx.numpy.NpyArray;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Models that VL3D's own layers made, of four versions of Keras, against the answers that VL3D's
 * own code gave.
 */
class VL3DModelsTest {
  static Stream<VL3DModel> files() {
    return VL3DModel.all();
  }

  @ParameterizedTest
  @MethodSource("files")
  void answersAsVL3D(VL3DModel file) {
    try (Model model = file.loader().load()) {
      assertEquals(Engine.FOLDED, model.engine());
      float[] expected = file.golden().get("output_0").toFloats();
      float[] found = predict(model, file.inputs());
      assertEquals(expected.length, found.length);
      double worst = 0;
      for (int i = 0; i < expected.length; i++) {
        assertEquals(Float.isNaN(expected[i]), Float.isNaN(found[i]), "place " + i);
        double error =
            Math.abs((double) expected[i] - found[i]) / Math.max(1, Math.abs(expected[i]));
        worst = Math.max(worst, Float.isNaN(expected[i]) ? 0 : error);
      }
      assertTrue(worst <= 1e-5, "differs by " + worst);
    }
  }

  /** A SavedModel's graph tells what the filter "gaussian" means; no other file does. */
  @Test
  void theStoredGraphTellsWhatTheFilterGaussianMeans() {
    for (String name : List.of("up_gaussian_grows", "down_gaussian_upper_case")) {
      Path directory = VL3DModel.MADE.resolve(name);
      VL3DModel graph = new VL3DModel(directory.resolve("saved_model-3.6"));
      float[] expected = graph.golden().get("output_0").toFloats();
      KerasObject config = graph.config().orElseThrow();
      try (Model model = KPConvX.loader(graph.file()).withConfig(config).load()) {
        assertArrayEquals(expected, predict(model, graph.inputs()), 1e-5f);
      }
      for (String version : List.of("2.15", "3.6")) {
        Path archive = directory.resolve("keras-" + version + ".keras");
        KerasException error =
            assertThrows(KerasException.class, () -> KPConvX.load(archive).close());
        assertTrue(error.getMessage().contains("--gaussian-filter"), error.getMessage());
        GaussianFilter other =
            graph.gaussian() == GaussianFilter.GROWING
                ? GaussianFilter.FALLING
                : GaussianFilter.GROWING;
        try (Model model = KPConvX.loader(archive).withGaussianFilter(other).load()) {
          assertFalse(Arrays.equals(expected, predict(model, graph.inputs())));
        }
      }
    }
  }

  static float[] predict(Model model, Map<String, NpyArray> arrays) {
    return model.predictArrays(arrays, List.of("output_0")).get("output_0").toFloats();
  }
}
