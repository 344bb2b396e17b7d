package io.github.kpconvx.layer;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.TextFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.types.TFloat32;

/**
 * Where the kernel points of a layer come from when its weight file does not hold them, and
 * whatever other weights of it that a file may leave out ({@link
 * io.github.kpconvx.keras.weights.WeightSpec#floating}).
 *
 * <p>VL3D's layers keep theirs as bare TensorFlow variables, which a SavedModel carries, but a
 * Keras 3 {@code .keras} or {@code .weights.h5} does not. They are never made up silently: the
 * caller says where they come from.
 */
public interface KernelPoints {
  /** The name under which recomputation is asked for. */
  String INITIALIZER = "FibonacciShellInitializer";

  /**
   * The kernel points of a layer, or another weight that its file left out.
   *
   * @param layer the layer
   * @param weight which of its weights
   * @return a new tensor of the weight's shape, (m_q, 3) for kernel points, the caller's to close
   * @throws KerasException if there are none for it
   */
  TFloat32 of(Layer layer, LayerVariable weight);

  /**
   * From the weight file alone: a file without them is an error.
   *
   * @return a source that has none
   */
  static KernelPoints fromFileOnly() {
    return (layer, weight) -> {
      throw new KerasException(
          layer.serialize().describe()
              + ": the weight file holds no "
              + (weight.spec().name().startsWith("Q") ? "kernel points " : "weight ")
              + weight.spec().name()
              + ", as VL3D's layer keeps it outside of Keras's weights, which Keras 3 leaves out of"
              + " its files. Give it from a CSV file such as the Q.csv that export_representation"
              + " writes, or a folder with "
              + layer.name()
              + "."
              + weight.spec().name()
              + ".csv"
              + " (--kernel-points), or load the model's SavedModel, which carries it"
              + (weight.rules().initializer().isComputed()
                  ? ", or ask for its recomputation by the name " + INITIALIZER
                  : ""));
    };
  }

  /**
   * Recomputed by the initializer that computes a layer's kernel points, such as {@link
   * io.github.kpconvx.layer.vl3d.FibonacciShellInitializer}. Right only for a layer whose kernel
   * points were never trained nor replaced.
   *
   * @return the source
   */
  static KernelPoints recomputed() {
    return (layer, weight) -> weight.computedValue();
  }

  /**
   * From a file in UTF-8 or UTF-16 of three numbers a line, separated by spaces or commas, such as
   * the {@code Q.csv} of export_representation.
   *
   * @param csv the file
   * @return the source; every layer that lacks its kernel points gets these
   * @throws KerasException if the file is missing or malformed
   */
  static KernelPoints fromCsv(Path csv) {
    List<double[]> points = read(csv, 3);
    return (layer, weight) -> {
      Shape shape = Shape.of(points.size(), 3);
      if (!shape.equals(weight.spec().shape())) {
        throw new KerasException(
            layer.serialize().describe()
                + ": "
                + csv
                + " has "
                + points.size()
                + " kernel points, expected "
                + weight.spec().shape().get(0));
      }
      return tensor(points, shape);
    };
  }

  /**
   * From files in a folder: {@code layer.weight.csv}, {@code layer/weight.csv} or, as VL3D's
   * export_representation names it after training, {@code TRAINED_layer/weight.csv}, the first of
   * them that is there. Each holds a row of the weight a line, separated by spaces or commas; of a
   * vector a number a line.
   *
   * @param folder the folder
   * @return the source; a weight without a file is an error
   * @throws KerasException if there is no such folder
   */
  static KernelPoints fromFolder(Path folder) {
    if (!Files.isDirectory(folder)) {
      throw new KerasException(
          "Cannot read kernel points from " + folder + ": there is no such folder");
    }
    return (layer, weight) -> {
      String name = weight.spec().name() + ".csv";
      List<String> names =
          List.of(
              layer.name() + "." + name,
              layer.name() + "/" + name,
              "TRAINED_" + layer.name() + "/" + name);
      Path csv =
          names.stream()
              .map(folder::resolve)
              .filter(Files::isRegularFile)
              .findFirst()
              .orElseThrow(
                  () ->
                      new KerasException(
                          "%s: %s has none of the files %s, expected one with its weight %s"
                              .formatted(
                                  layer.serialize().describe(),
                                  folder,
                                  String.join(", ", names),
                                  weight.spec().name())));
      Shape shape = weight.spec().shape();
      int columns = shape.numDimensions() < 2 ? 1 : (int) shape.get(shape.numDimensions() - 1);
      List<double[]> rows = read(csv, columns);
      if ((long) rows.size() * columns != shape.size()) {
        throw new KerasException(
            "%s: %s has %d lines, expected %d for weight %s of shape %s"
                .formatted(
                    layer.serialize().describe(),
                    csv,
                    rows.size(),
                    shape.size() / columns,
                    weight.spec().name(),
                    shape));
      }
      return tensor(rows, shape);
    };
  }

  /**
   * From a source for each layer.
   *
   * @param byLayer sources by layer name
   * @return the source; a layer that has none there is an error
   */
  static KernelPoints byLayer(Map<String, KernelPoints> byLayer) {
    Map<String, KernelPoints> sources = Map.copyOf(byLayer);
    return (layer, weight) -> sources.getOrDefault(layer.name(), fromFileOnly()).of(layer, weight);
  }

  private static List<double[]> read(Path csv, int columns) {
    if (!Files.isRegularFile(csv)) {
      throw new KerasException("Cannot read kernel points from " + csv + ": there is no such file");
    }
    List<String> lines = TextFile.read(csv).lines().toList();
    List<double[]> rows = new ArrayList<>();
    for (int number = 1; number <= lines.size(); number++) {
      String line = lines.get(number - 1).strip();
      if (!line.isEmpty()) {
        rows.add(row(csv, number, line, columns));
      }
    }
    return rows;
  }

  private static double[] row(Path csv, int number, String line, int columns) {
    String[] parts = line.split("\\s*[,;]\\s*|\\s+", -1);
    double[] row = new double[columns];
    boolean valid = parts.length == columns;
    try {
      for (int c = 0; valid && c < columns; c++) {
        row[c] = Double.parseDouble(parts[c]);
        valid = Double.isFinite(row[c]);
      }
    } catch (NumberFormatException e) {
      valid = false;
    }
    if (!valid) {
      throw new KerasException(
          "%s, line %d: expected %s, found \"%s\""
              .formatted(
                  csv,
                  number,
                  columns == 3
                      ? "three finite numbers"
                      : columns == 1 ? "a finite number" : columns + " finite numbers",
                  line));
    }
    return row;
  }

  private static TFloat32 tensor(List<double[]> rows, Shape shape) {
    float[] values = new float[(int) shape.size()];
    int next = 0;
    for (double[] row : rows) {
      for (double value : row) {
        values[next++] = (float) value;
      }
    }
    return TFloat32.tensorOf(shape, DataBuffers.of(values));
  }
}
