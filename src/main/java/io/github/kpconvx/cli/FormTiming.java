package io.github.kpconvx.cli;

import io.github.kpconvx.inference.KPConvX;
import io.github.kpconvx.inference.Model;
import io.github.kpconvx.inference.Prediction;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.layer.tiling.Gpu;
import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.tensor.Tensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.tensorflow.Tensor;

/** A model in one form of inference, and how long it takes. Times are in ms. */
final class FormTiming implements AutoCloseable {
  /** The largest difference from the plain form, per max(1, |y|). */
  private static final double TOLERANCE = 1e-4;

  private final String name;
  private final Model model;
  private final double load;
  private final List<Double> runs = new ArrayList<>();
  private double first;
  private double difference;

  /** Loads the model. */
  FormTiming(String name, KPConvX.Loader loader) {
    this.name = name;
    long start = System.nanoTime();
    this.model = loader.load();
    this.load = since(start);
  }

  private static double since(long start) {
    return (System.nanoTime() - start) / 1e6;
  }

  /**
   * Predicts for the first time, which compiles what is compiled, and compares the answer.
   *
   * @param tensors the inputs
   * @param plain what the plain form answers
   * @throws KerasException if this form answers something else
   */
  void first(Map<String, Tensor> tensors, Map<String, NpyArray> plain) {
    long start = System.nanoTime();
    try (Prediction answer = model.predict(tensors)) {
      first = since(start);
      Map<String, NpyArray> arrays = new LinkedHashMap<>();
      answer.tensors().forEach((output, tensor) -> arrays.put(output, Tensors.toArray(tensor)));
      compare(plain, arrays);
    }
  }

  /** By name; a stored signature that names its outputs otherwise has them in the same order. */
  private void compare(Map<String, NpyArray> plain, Map<String, NpyArray> found) {
    boolean named = plain.keySet().equals(found.keySet());
    Iterator<NpyArray> inOrder = found.values().iterator();
    if (plain.size() != found.size()) {
      throw new KerasException(
          "The form %s gives the outputs %s, plain gives %s"
              .formatted(name, found.keySet(), plain.keySet()));
    }
    plain.forEach(
        (output, expected) -> {
          NpyArray next = inOrder.next();
          compare(output, expected, named ? found.get(output) : next);
        });
  }

  private void compare(String output, NpyArray expected, NpyArray found) {
    if (!Arrays.equals(expected.shape(), found.shape()) || expected.type() != found.type()) {
      throw new KerasException(
          "The form %s gives %s as %s, plain gives %s".formatted(name, output, found, expected));
    }
    double[] y = numbers(expected);
    double[] z = numbers(found);
    for (int i = 0; i < y.length; i++) {
      double apart = y[i] == z[i] ? 0 : Math.abs(y[i] - z[i]);
      double allowed = TOLERANCE * Math.max(1, Math.abs(y[i]));
      // Negated, so that what is no number fails.
      if (!(apart <= allowed)) {
        throw new KerasException(
            "The form %s differs from plain: element %d of %s is %s, expected %s within %s%s"
                .formatted(name, i, output, z[i], y[i], allowed, note()));
      }
      difference = Math.max(difference, apart);
    }
  }

  private static String note() {
    return Gpu.roundingNote().map(note -> ". " + note).orElse("");
  }

  private static double[] numbers(NpyArray array) {
    return switch (array.type()) {
      case INT32 -> Arrays.stream(array.toInts()).asDoubleStream().toArray();
      case INT64 -> Arrays.stream(array.toLongs()).asDoubleStream().toArray();
      default -> array.toDoubles();
    };
  }

  /** Predicts once more. */
  void run(Map<String, Tensor> tensors) {
    long start = System.nanoTime();
    model.predict(tensors).close();
    runs.add(since(start));
  }

  String name() {
    return name;
  }

  double load() {
    return load;
  }

  double first() {
    return first;
  }

  double least() {
    return runs.stream().mapToDouble(Double::doubleValue).min().orElseThrow();
  }

  double median() {
    double[] sorted = runs.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    int half = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  }

  /** The largest difference from the plain form's answer. */
  double difference() {
    return difference;
  }

  @Override
  public void close() {
    model.close();
  }
}
