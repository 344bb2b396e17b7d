package io.github.kpconvx.golden;

import io.github.kpconvx.inference.Model;
import io.github.kpconvx.inference.StandardLayers;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.network.LayerRegistry;
import java.nio.file.Path;

/**
 * Assertions for regression tests, with any test framework: they throw an {@link AssertionError}
 * that says which stage of the network leaves the tolerance first, where, and by how much.
 *
 * <pre>{@code
 * @Test
 * void computesWhatPythonComputed() {
 *   assertMatchesGolden(Path.of("src/test/resources/my-model"));
 * }
 * }</pre>
 */
public final class GoldenAssertions {
  private GoldenAssertions() {}

  /**
   * Asserts that the model in a directory of golden data computes what the data says, in all
   * stages.
   *
   * @param directory what {@code kpconvx_compat.golden.write_golden} made
   * @throws AssertionError if it does not
   * @throws KerasException if the data cannot be read or the model cannot be loaded
   */
  public static void assertMatchesGolden(Path directory) {
    assertMatchesGolden(directory, StandardLayers.registry());
  }

  /**
   * Asserts that the model in a directory of golden data, made of given layers, computes what the
   * data says, in all stages.
   *
   * @param directory what {@code kpconvx_compat.golden.write_golden} made
   * @param layers the layers that it may be made of
   * @throws AssertionError if it does not
   * @throws KerasException if the data cannot be read or the model cannot be loaded
   */
  public static void assertMatchesGolden(Path directory, LayerRegistry layers) {
    GoldenData golden = GoldenData.read(directory);
    try (Model model = golden.loader().withLayers(layers).load()) {
      require(directory, golden.compare(model, golden.tolerance()));
    }
  }

  /**
   * Asserts that the model in a directory of golden data, made of given layers, has the gradients
   * that Keras found: of its floating-point inputs and of its trained weights, within 1e-4 of the
   * largest.
   *
   * @param directory what {@code kpconvx_compat.port} made
   * @param layers the layers that it may be made of
   * @throws AssertionError if it has others; says which differs most, where and by how much
   * @throws KerasException if the data cannot be read or the model cannot be loaded
   */
  public static void assertGradientsMatchGolden(Path directory, LayerRegistry layers) {
    require(directory, GoldenGradients.read(directory).compare(layers));
  }

  /**
   * Asserts that a model computes what golden data says, in all stages, within the data's own
   * tolerance.
   *
   * @param model the model, with the native engine; stays the caller's to close
   * @param directory what {@code kpconvx_compat.golden.write_golden} made
   * @throws AssertionError if it does not
   * @throws KerasException if the data cannot be read, or model and data have other stages, inputs
   *     or outputs
   */
  public static void assertMatchesGolden(Model model, Path directory) {
    GoldenData golden = GoldenData.read(directory);
    require(directory, golden.compare(model, golden.tolerance()));
  }

  /**
   * Asserts that a model computes what golden data says, in all stages.
   *
   * @param model the model, with the native engine; stays the caller's to close
   * @param directory what {@code kpconvx_compat.golden.write_golden} made
   * @param tolerance by how much it may differ, such as more on a GPU
   * @throws AssertionError if it does not
   * @throws KerasException if the data cannot be read, or model and data have other stages, inputs
   *     or outputs
   */
  public static void assertMatchesGolden(Model model, Path directory, Tolerance tolerance) {
    require(directory, GoldenData.read(directory).compare(model, tolerance));
  }

  /**
   * Asserts that a model's outputs are those of golden data; its stages are not looked at.
   *
   * @param model the model, with either engine; stays the caller's to close
   * @param directory what {@code kpconvx_compat.golden.write_golden} made
   * @throws AssertionError if they are not
   * @throws KerasException if the data cannot be read, or model and data have other inputs or
   *     outputs
   */
  public static void assertOutputsMatchGolden(Model model, Path directory) {
    GoldenData golden = GoldenData.read(directory);
    require(directory, golden.compareOutputs(model, golden.tolerance()));
  }

  private static void require(Path directory, GoldenComparison comparison) {
    if (!comparison.agrees()) {
      throw new AssertionError(directory + ": " + comparison.describe());
    }
  }
}
