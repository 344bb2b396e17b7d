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
 * Where the kernel points of a layer come from when its weight file does not hold them: weights
 * that a file may leave out ({@link io.github.kpconvx.keras.weights.WeightSpec#floating}).
 *
 * <p>VL3D's layers keep theirs as bare TensorFlow variables, which a SavedModel carries, but a
 * Keras 3 {@code .keras} or {@code .weights.h5} does not. They are never made up silently: the
 * caller says where they come from.
 */
public interface KernelPoints {
  /** The name under which recomputation is asked for. */
  String INITIALIZER = "FibonacciShellInitializer";

  /**
   * The kernel points of a layer.
   *
   * @param layer the layer
   * @param weight which of its weights they are
   * @return a new tensor of the weight's shape, (m_q, 3), the caller's to close
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
              + ": the weight file holds no kernel points "
              + weight.spec().name()
              + ", as VL3D's layer keeps them outside of Keras's weights. Give"
              + " them from the Q.csv that export_representation writes, load the model's SavedModel, which carries"
              + " them, or ask for their recomputation by the name "
              + INITIALIZER);
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
    double[][] points = read(csv);
    return (layer, weight) -> {
      Shape shape = Shape.of(points.length, 3);
      if (!shape.equals(weight.spec().shape())) {
        throw new KerasException(
            layer.serialize().describe()
                + ": "
                + csv
                + " has "
                + points.length
                + " kernel points, expected "
                + weight.spec().shape().get(0));
      }
      return tensor(points);
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

  private static double[][] read(Path csv) {
    if (!Files.isRegularFile(csv)) {
      throw new KerasException("Cannot read kernel points from " + csv + ": there is no such file");
    }
    List<String> lines = TextFile.read(csv).lines().toList();
    List<double[]> points = new ArrayList<>();
    for (int number = 1; number <= lines.size(); number++) {
      String line = lines.get(number - 1).strip();
      if (!line.isEmpty()) {
        points.add(point(csv, number, line));
      }
    }
    return points.toArray(double[][]::new);
  }

  private static double[] point(Path csv, int number, String line) {
    String[] parts = line.split("\\s*[,;]\\s*|\\s+", -1);
    double[] point = new double[3];
    boolean valid = parts.length == 3;
    try {
      for (int c = 0; valid && c < 3; c++) {
        point[c] = Double.parseDouble(parts[c]);
        valid = Double.isFinite(point[c]);
      }
    } catch (NumberFormatException e) {
      valid = false;
    }
    if (!valid) {
      throw new KerasException(
          csv + ", line " + number + ": expected three finite numbers, found \"" + line + "\"");
    }
    return point;
  }

  private static TFloat32 tensor(double[][] points) {
    float[] values = new float[points.length * 3];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) points[i / 3][i % 3];
    }
    return TFloat32.tensorOf(Shape.of(points.length, 3), DataBuffers.of(values));
  }
}
