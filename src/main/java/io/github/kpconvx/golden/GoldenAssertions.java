package io.github.kpconvx.golden;

import io.github.kpconvx.inference.Model;
import io.github.kpconvx.keras.KerasException;
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
   * Asserts that the model in a directory of golden data, loaded with the native engine, computes
   * what the data says, in all stages.
   *
   * @param directory what {@code kpconvx_compat.golden.write_golden} made
   * @throws AssertionError if it does not
   * @throws KerasException if the data cannot be read or the model cannot be loaded
   */
  public static void assertMatchesGolden(Path directory) {
    GoldenData golden = GoldenData.read(directory);
    try (Model model = golden.loader().load()) {
      require(directory, golden.compare(model, golden.tolerance()));
    }
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
