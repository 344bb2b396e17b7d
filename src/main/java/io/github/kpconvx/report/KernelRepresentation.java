package io.github.kpconvx.report;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.layer.LayerVariable;
import io.github.kpconvx.layer.vl3d.KernelLayer;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.tensorflow.Session;
import org.tensorflow.ndarray.FloatNdArray;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.types.TFloat32;

/**
 * The state of a layer's kernel, its structure Q and its weights, as Keras's {@code
 * export_representation} shows it. Immutable; holds copies of the values, no native memory.
 *
 * <p>{@link #export(Path)} writes
 *
 * <ul>
 *   <li>{@code Q.csv}: the kernel points, a point a line; numbers separated by spaces, seven digits
 *       after the point, as in all tables;
 *   <li>{@code W0.csv}, {@code W1.csv}, …: of a KPConvX layer the weights of each block, a kernel
 *       point a line (m_q × D); of a KPConv layer those of each kernel point, an input channel a
 *       line (D × Dout); a light KPConv layer has one matrix for all kernel points, {@code W.csv}
 *       (D × Dout), and {@code A.csv}, the factors that each kernel point scales the channels by
 *       (m_q × D);
 *   <li>{@code Qinit.svg}: the kernel points in space with their spheres of influence of radius
 *       sigma;
 *   <li>{@code Winit_mat.svg}, {@code Winit_hist.svg}: the weights of each table as a matrix in
 *       colours and as a histogram; {@code Ainit_mat.svg}, {@code Ainit_hist.svg}: the same of A.
 * </ul>
 *
 * <p>With earlier weights to compare with, the names are {@code Qend.svg}, {@code Wend_mat.svg} and
 * {@code Wend_hist.svg}, and {@code Wdiff_mat.svg}, {@code Wdiff_hist.svg} show what has changed;
 * the same of A.
 *
 * <p>A weight that is not finite is drawn in a colour of its own and counted beside the histogram;
 * a kernel point that is not finite is counted in the picture's legend.
 */
public final class KernelRepresentation {
  private final String layer;
  private final KernelForm form;
  private final double[][] points;
  private final List<WeightTensor> weights;

  private KernelRepresentation(
      String layer, KernelForm form, double[][] points, List<WeightTensor> weights) {
    this.layer = layer;
    this.form = form;
    this.points = points;
    this.weights = weights;
  }

  /**
   * A kernel of given values.
   *
   * @param layer tells name, form and sigma; need not be built
   * @param q the kernel points (m_q, 3)
   * @param weights the other {@linkplain KernelLayer#kernelWeights() weights} by name: of a KPConvX
   *     layer W (blocks, m_q, D), of a KPConv layer W (m_q, D, Dout), of a light one W (D, Dout)
   *     and A (m_q, D)
   * @return the kernel; the arrays are copied
   * @throws KerasException if a weight is missing or its shape does not fit the layer
   */
  public static KernelRepresentation of(
      KernelLayer layer, FloatNdArray q, Map<String, ? extends FloatNdArray> weights) {
    KernelForm form = KernelForm.of(layer);
    requireShape(layer.name() + ": Q", q.shape(), form.points(), 3);
    List<WeightTensor> tensors = new ArrayList<>();
    long channels = Shape.UNKNOWN_SIZE;
    for (KernelForm.Weight weight : form.weights()) {
      FloatNdArray value = value(layer.name() + ": ", weight, weights);
      long[] expected = weight.lengths().stream().mapToLong(Integer::longValue).toArray();
      int d = weight.axes().indexOf(KernelForm.Axis.CHANNEL);
      expected[d] = channels;
      requireShape(layer.name() + ": " + weight.name(), value.shape(), expected);
      channels = value.shape().get(d);
      tensors.add(tensor(weight, value));
    }
    return new KernelRepresentation(layer.name(), form, matrix(q), tensors);
  }

  /**
   * The kernel that a built layer has now.
   *
   * @param layer the layer
   * @param session a session over the layer's graph, in which its weights have values
   * @return the kernel
   * @throws IllegalStateException if the layer was not built
   */
  public static KernelRepresentation of(KernelLayer layer, Session session) {
    Map<String, LayerVariable> variables = layer.ownVariables();
    Map<String, TFloat32> weights = new LinkedHashMap<>();
    try (TFloat32 q = variables.get("Q").read(session)) {
      layer.kernelWeights().forEach(name -> weights.put(name, variables.get(name).read(session)));
      return of(layer, q, weights);
    } finally {
      weights.values().forEach(TFloat32::close);
    }
  }

  private static FloatNdArray value(
      String what, KernelForm.Weight weight, Map<String, ? extends FloatNdArray> weights) {
    FloatNdArray value = weights.get(weight.name());
    if (value == null) {
      throw new KerasException(
          what + weight.name() + " is missing, found only " + weights.keySet());
    }
    return value;
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

  private static WeightTensor tensor(KernelForm.Weight weight, FloatNdArray array) {
    if (weight.isMatrix()) {
      return new WeightTensor(weight, new double[][][] {matrix(array)});
    }
    double[][][] matrices = new double[(int) array.shape().get(0)][][];
    Arrays.setAll(matrices, t -> matrix(array.get(t)));
    return new WeightTensor(weight, matrices);
  }

  double[][] points() {
    return points;
  }

  KernelForm form() {
    return form;
  }

  /**
   * Writes the kernel as it is now.
   *
   * @param directory where to; made if it is not there
   * @throws KerasException if a file cannot be written
   */
  public void export(Path directory) {
    export(directory.toString(), null, Map.of());
  }

  /**
   * Writes the kernel as it has become, and how its weights have changed.
   *
   * @param directory where to; made if it is not there
   * @param past the weights of an earlier time by name, in the shapes that they have now
   * @throws KerasException if the earlier weights have another shape, or a file cannot be written
   */
  public void export(Path directory, Map<String, ? extends FloatNdArray> past) {
    export(directory.toString(), null, past);
  }

  /**
   * Does as {@code export_representation(dir_path, out_prefix, Wpast)} in Python. All files are
   * written before the first is given its name.
   *
   * @param directory where to; made if it is not there. A {@code *} at its start stands for the
   *     prefix without its last character. If null, nothing is done
   * @param prefix needed if the directory starts with {@code *}; else not used
   * @param past the weights of an earlier time by name, or none
   * @throws KerasException if the prefix is missing, the earlier weights have another shape, or a
   *     file cannot be written
   */
  public void export(String directory, String prefix, Map<String, ? extends FloatNdArray> past) {
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

  private Map<String, String> files(Map<String, ? extends FloatNdArray> past) {
    Map<String, String> files = new LinkedHashMap<>();
    files.put("Q.csv", Tables.csv(points));
    String time = past.isEmpty() ? "init" : "end";
    String points =
        "kernel points Q, m_q = %d, σ = %s"
            .formatted(this.points.length, Ticks.label(BigDecimal.valueOf(form.sigma())));
    files.put("Q" + time + ".svg", KernelPicture.draw(layer + ": " + points, this));
    for (WeightTensor tensor : weights) {
      KernelForm.Weight weight = tensor.weight();
      double[][][] matrices = tensor.blocks();
      for (int t = 0; t < matrices.length; t++) {
        files.put(weight.table(t), Tables.csv(matrices[t]));
      }
      String what = weight.what() + " " + weight.name();
      draw(weight.name() + time, what, "weight", tensor, files);
      if (!past.isEmpty()) {
        FloatNdArray earlier = value(layer + ": the past ", weight, past);
        requireShape(
            layer + ": the past " + weight.name(), earlier.shape(), tensor.shape().asArray());
        draw(
            weight.name() + "diff",
            "change of the " + what,
            "weight − past weight",
            tensor.minus(tensor(weight, earlier)),
            files);
      }
    }
    return files;
  }

  private void draw(
      String name, String what, String quantity, WeightTensor drawn, Map<String, String> files) {
    List<String> lengths = new ArrayList<>();
    for (int d = 0; d < drawn.shape().numDimensions(); d++) {
      lengths.add(drawn.weight().axes().get(d).describe((int) drawn.shape().get(d)));
    }
    String title = "%s: %s, %s".formatted(layer, what, String.join(", ", lengths));
    files.put(name + "_mat.svg", MatrixPicture.draw(title, drawn, form.parts()));
    files.put(name + "_hist.svg", HistogramPicture.draw(title, quantity, drawn));
  }
}
