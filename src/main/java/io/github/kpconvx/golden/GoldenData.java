package io.github.kpconvx.golden;

import io.github.kpconvx.inference.KPConvX;
import io.github.kpconvx.inference.Model;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.layer.KernelPoints;
import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.numpy.NpzFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * A directory that {@code kpconvx_compat.golden.write_golden} made in Python: a model, inputs, and
 * what Keras computed for them in every stage. Immutable.
 */
public final class GoldenData {
  private static final List<String> KEYS =
      List.of(
          "tensorflow",
          "keras",
          "numpy",
          "atol",
          "rtol",
          "stages",
          "near_ties",
          "outputs",
          "kernel_points");

  private final Path directory;
  private final Tolerance tolerance;
  private final List<String> stages;
  private final List<String> outputs;
  private final List<NpyArray> nearTies;
  private final Map<String, String> kernelPoints;
  private final Map<String, NpyArray> inputs;
  private final Map<String, NpyArray> arrays;

  private GoldenData(Path directory, ConfigReader description) {
    this.directory = directory;
    description.allowOnly(KEYS);
    this.tolerance = new Tolerance(tolerance(description, "atol"), tolerance(description, "rtol"));
    this.stages = description.texts("stages");
    this.outputs = description.texts("outputs");
    this.kernelPoints = new HashMap<>();
    ConfigReader points = description.object("kernel_points");
    points.keys().forEach(layer -> kernelPoints.put(layer, points.text(layer, "")));
    this.inputs = NpzFile.read(directory.resolve("inputs.npz"));
    this.arrays = NpzFile.read(directory.resolve("golden.npz"));
    List<String> ties = description.texts("near_ties");
    Set<String> listed = new TreeSet<>(stages);
    listed.addAll(outputs);
    listed.addAll(ties);
    if (!arrays.keySet().equals(listed)) {
      throw new KerasException(
          directory.resolve("golden.npz")
              + " holds other arrays than golden.json lists: missing are "
              + without(listed, arrays.keySet())
              + ", surplus are "
              + without(arrays.keySet(), listed));
    }
    this.nearTies = ties.stream().map(arrays::get).toList();
  }

  /**
   * Reads golden data.
   *
   * @param directory what {@code write_golden} made
   * @return the data
   * @throws KerasException if a file is missing or says something else than expected
   */
  public static GoldenData read(Path directory) {
    Path file = directory.resolve("golden.json");
    if (!Files.exists(file)) {
      throw new KerasException(
          "There is no " + file + ", which kpconvx_compat.golden.write_golden writes in Python");
    }
    return new GoldenData(directory, ConfigReader.read(file));
  }

  private static double tolerance(ConfigReader description, String key) {
    if (!description.has(key)) {
      throw description.invalid(key, "nothing", "a finite number of at least 0");
    }
    return description.number(key, 0, 0);
  }

  private static Set<String> without(Set<String> names, Set<String> others) {
    Set<String> left = new TreeSet<>(names);
    left.removeAll(others);
    return left;
  }

  /**
   * By how much other implementations may differ, as the data says.
   *
   * @return the tolerance
   */
  public Tolerance tolerance() {
    return tolerance;
  }

  /** What goes in, by the names of the inputs. */
  Map<String, NpyArray> inputs() {
    return inputs;
  }

  /**
   * A loader of the directory's {@code model.keras}, which is told the kernel points and, from
   * {@code bare}, the other weights that the archive does not hold.
   *
   * @return the loader
   */
  public KPConvX.Loader loader() {
    Map<String, KernelPoints> points = new HashMap<>();
    kernelPoints.forEach(
        (layer, file) -> points.put(layer, KernelPoints.fromCsv(directory.resolve(file))));
    Path bare = directory.resolve("bare");
    KernelPoints others =
        Files.isDirectory(bare) ? KernelPoints.fromFolder(bare) : KernelPoints.fromFileOnly();
    return KPConvX.loader(directory.resolve("model.keras"))
        .withKernelPoints(
            (layer, weight) ->
                (weight.spec().name().equals("Q")
                        ? points.getOrDefault(layer.name(), others)
                        : others)
                    .of(layer, weight));
  }

  /**
   * Compares all stages and outputs.
   *
   * @param model the model, with the native engine
   * @param allowed by how much it may differ
   * @return the result, the stages in the order of the graph, then the outputs
   * @throws KerasException if the model has other outputs, lacks stages or does not take the inputs
   */
  public GoldenComparison compare(Model model, Tolerance allowed) {
    Set<String> missing = without(new TreeSet<>(stages), model.stages());
    missing.removeAll(model.outputs().keySet());
    if (!missing.isEmpty()) {
      throw new KerasException(
          "The model has no stages "
              + missing
              + ", which "
              + directory
              + " holds; "
              + (model.stages().isEmpty()
                  ? "a stored graph, as the engine savedmodel runs it, has outputs only: load the model with the native"
                      + " engine, or compare the outputs alone"
                  : "expected only those of " + model.stages()));
    }
    List<String> names = new ArrayList<>(stages);
    names.addAll(outputs);
    return compare(model, names, allowed);
  }

  /**
   * Compares the outputs alone.
   *
   * @param model the model, with either engine
   * @param allowed by how much it may differ
   * @return the result
   * @throws KerasException if the model has other outputs or does not take the inputs
   */
  public GoldenComparison compareOutputs(Model model, Tolerance allowed) {
    return compare(model, outputs, allowed);
  }

  private GoldenComparison compare(Model model, List<String> names, Tolerance allowed) {
    if (!model.outputs().keySet().equals(Set.copyOf(outputs))) {
      throw new KerasException(
          "The model has the outputs "
              + model.outputs().keySet()
              + ", expected those that "
              + directory
              + " holds, "
              + outputs);
    }
    return GoldenComparison.of(arrays, model.predictArrays(inputs, names), allowed, nearTies);
  }
}
