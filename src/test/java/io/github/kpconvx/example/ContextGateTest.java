package io.github.kpconvx.example;

import static io.github.kpconvx.golden.GoldenAssertions.assertGradientsMatchGolden;
import static io.github.kpconvx.golden.GoldenAssertions.assertMatchesGolden;

import io.github.kpconvx.inference.StandardLayers;
import io.github.kpconvx.network.LayerRegistry;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** ContextGate against what Keras computes. */
class ContextGateTest {
  private static final Path GOLDEN = Path.of("src/test/resources/example/context_gate");

  private static final LayerRegistry LAYERS =
      StandardLayers.registry().with("example>ContextGate", ContextGate::new);

  @Test
  void computesWhatKerasComputes() {
    assertMatchesGolden(GOLDEN, LAYERS);
  }

  @Test
  void hasTheGradientsOfKeras() {
    assertGradientsMatchGolden(GOLDEN, LAYERS);
  }
}
