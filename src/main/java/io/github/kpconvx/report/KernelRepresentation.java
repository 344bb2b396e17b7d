package io.github.kpconvx.report;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.layer.LayerVariable;
import io.github.kpconvx.layer.vl3d.KPConvXConfig;
import io.github.kpconvx.layer.vl3d.KPConvXLayer;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.tensorflow.Session;
import org.tensorflow.ndarray.FloatNdArray;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.types.TFloat32;

/**
 * The state of a KPConvX layer's kernel, its structure Q and its weights W, as Keras's {@code
 * export_representation} shows it. Immutable; holds copies of the values, no native memory.
 *
 * <p>{@link #export(Path)} writes
 *
 * <ul>
 *   <li>{@code Q.csv}: the kernel points, a point a line, and {@code W0.csv}, {@code W1.csv}, …:
 *       the weights of each block, a kernel point a line; numbers separated by spaces, seven digits
 *       after the point;
 *   <li>{@code Qinit.svg}: the kernel points in space with their spheres of influence of radius
 *       sigma;
 *   <li>{@code Winit_mat.svg}, {@code Winit_hist.svg}: each block's weights as a matrix in colours
 *       and as a histogram.
 * </ul>
 *
 * <p>With earlier weights to compare with, the names are {@code Qend.svg}, {@code Wend_mat.svg} and
 * {@code Wend_hist.svg}, and {@code Wdiff_mat.svg}, {@code Wdiff_hist.svg} show what has changed.
 *
 * <p>A weight that is not finite is drawn in a colour of its own and counted beside the histogram;
 * a kernel point that is not finite is counted in the picture's legend.
 */
public final class KernelRepresentation {
  private final String layer;
  private final KPConvXConfig config;
  private final double[][] points;
  private final WeightTensor weights;

  private KernelRepresentation(
      String layer, KPConvXConfig config, double[][] points, WeightTensor weights) {
    this.layer = layer;
    this.config = config;
    this.points = points;
    this.weights = weights;
  }

  /**
   * A kernel of given values.
   *
   * @param layer tells name, shells and sigma; need not be built
   * @param q the kernel points (m_q, 3)
   * @param w the weights (blocks, m_q, D)
   * @return the kernel; the arrays are copied
   * @throws KerasException if a shape does not fit the layer
   */
  public static KernelRepresentation of(KPConvXLayer layer, FloatNdArray q, FloatNdArray w) {
    KPConvXConfig config = layer.config();
    long points = config.kernelPoints();
    requireShape(layer.name() + ": Q", q.shape(), points, 3);
    requireShape(layer.name() + ": W", w.shape(), config.blocks(), points, Shape.UNKNOWN_SIZE);
    return new KernelRepresentation(layer.name(), config, matrix(q), tensor(w));
  }

  /**
   * The kernel that a built layer has now.
   *
   * @param layer the layer
   * @param session a session over the layer's graph, in which its weights have values
   * @return the kernel
   * @throws IllegalStateException if the layer was not built
   */
  public static KernelRepresentation of(KPConvXLayer layer, Session session) {
    Map<String, LayerVariable> variables = layer.variables();
    try (TFloat32 q = variables.get(layer.name() + "/Q").read(session);
        TFloat32 w = variables.get(layer.name() + "/W").read(session)) {
      return of(layer, q, w);
    }
  }

  private static void requireShape(String what, Shape found, long... expected) {
    boolean fits = found.numDimensions() == expected.length;
    for (int d = 0; fits && d < expected.length; d++) {
      fits = expected[d] == Shape.UNKNOWN_SIZE ? found.get(d) > 0 : found.get(d) == expected[d];
    }
    if (!fits) {
      throw new KerasException(
          what
              + " has shape "
              + describe(found.asArray())
              + ", expected "
              + describe(expected).replace("-1", "D"));
    }
  }

  private static String describe(long[] shape) {
    return Arrays.toString(shape).replace('[', '(').replace(']', ')');
  }

  private static double[][] matrix(FloatNdArray array) {
    double[][] rows = new double[(int) array.shape().get(0)][(int) array.shape().get(1)];
    array
        .scalars()
        .forEachIndexed((at, value) -> rows[(int) at[0]][(int) at[1]] = value.getFloat());
    return rows;
  }

  private static WeightTensor tensor(FloatNdArray array) {
    double[][][] blocks = new double[(int) array.shape().get(0)][][];
    Arrays.setAll(blocks, t -> matrix(array.get(t)));
    return new WeightTensor(blocks);
  }

  double[][] points() {
    return points;
  }

  double sigma() {
    return config.sigma();
  }

  List<Double> shellRadii() {
    return config.shellRadii();
  }

  List<Integer> shellPoints() {
    return config.shellPoints();
  }

  /**
   * Writes the kernel as it is now.
   *
   * @param directory where to; made if it is not there
   * @throws KerasException if a file cannot be written
   */
  public void export(Path directory) {
    export(directory.toString(), null, null);
  }

  /**
   * Writes the kernel as it has become, and how its weights have changed.
   *
   * @param directory where to; made if it is not there
   * @param past the weights (blocks, m_q, D) of an earlier time
   * @throws KerasException if the earlier weights have another shape, or a file cannot be written
   */
  public void export(Path directory, FloatNdArray past) {
    export(directory.toString(), null, past);
  }

  /**
   * Does as {@code export_representation(dir_path, out_prefix, Wpast)} in Python. All files are
   * written before the first is given its name.
   *
   * @param directory where to; made if it is not there. A {@code *} at its start stands for the
   *     prefix without its last character. If null, nothing is done
   * @param prefix needed if the directory starts with {@code *}; else not used
   * @param past the weights (blocks, m_q, D) of an earlier time, or null
   * @throws KerasException if the prefix is missing, the earlier weights have another shape, or a
   *     file cannot be written
   */
  public void export(String directory, String prefix, FloatNdArray past) {
    if (directory == null) {
      return;
    }
    OutputDirectory.write(expand(directory, prefix), files(past));
  }

  private static Path expand(String directory, String prefix) {
    if (!directory.startsWith("*")) {
      return Path.of(directory);
    }
    if (prefix == null || prefix.isEmpty()) {
      throw new KerasException(
          "The directory "
              + directory
              + " starts with *, which stands for the prefix without its last character, and there is no prefix");
    }
    return Path.of(prefix.substring(0, prefix.length() - 1) + directory.substring(1));
  }

  private Map<String, String> files(FloatNdArray past) {
    Map<String, String> files = new LinkedHashMap<>();
    files.put("Q.csv", Tables.csv(points));
    for (int t = 0; t < weights.blocks().length; t++) {
      files.put("W" + t + ".csv", Tables.csv(weights.blocks()[t]));
    }
    String time = past == null ? "init" : "end";
    String points =
        "kernel points Q, m_q = %d, σ = %s"
            .formatted(this.points.length, Ticks.label(BigDecimal.valueOf(config.sigma())));
    files.put("Q" + time + ".svg", KernelPicture.draw(layer + ": " + points, this));
    draw("W" + time, "kernel weights W", "weight", weights, files);
    if (past != null) {
      double[][][] blocks = weights.blocks();
      requireShape(
          layer + ": the past W",
          past.shape(),
          blocks.length,
          blocks[0].length,
          blocks[0][0].length);
      draw(
          "Wdiff",
          "change of the kernel weights W",
          "weight − past weight",
          weights.minus(tensor(past)),
          files);
    }
    return files;
  }

  private void draw(
      String name, String what, String quantity, WeightTensor drawn, Map<String, String> files) {
    double[][][] blocks = drawn.blocks();
    String title =
        "%s: %s, %d block%s, m_q = %d, D = %d"
            .formatted(
                layer,
                what,
                blocks.length,
                blocks.length == 1 ? "" : "s",
                blocks[0].length,
                blocks[0][0].length);
    files.put(name + "_mat.svg", MatrixPicture.draw(title, drawn, shellPoints()));
    files.put(name + "_hist.svg", HistogramPicture.draw(title, quantity, drawn));
  }
}
