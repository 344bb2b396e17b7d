package io.github.kpconvx.benchmark;

import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.numpy.NpzFile;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;

/**
 * A model of the inputs X, F and N, with inputs and what Python computed of them: a folder with
 * {@code model} (a SavedModel), {@code model.onnx}, {@code inputs.npz} and {@code outputs.npz}.
 *
 * @param directory the folder
 * @param inputs X (B, R, 3), F (B, R, D) and N (B, R, κ) by name
 * @param expected the output
 */
record Workload(Path directory, Map<String, NpyArray> inputs, NpyArray expected) {
  static final String OUTPUT = "output_0";

  private static final Set<String> INPUTS = Set.of("X", "F", "N");
  private static final double TOLERANCE = 1e-4;

  static Workload read(Path directory) {
    Map<String, NpyArray> inputs = NpzFile.read(directory.resolve("inputs.npz"));
    if (!inputs.keySet().equals(INPUTS)) {
      throw new IllegalArgumentException(
          directory + "/inputs.npz holds " + inputs.keySet() + ", expected " + INPUTS);
    }
    Map<String, NpyArray> outputs = NpzFile.read(directory.resolve("outputs.npz"));
    if (!outputs.containsKey(OUTPUT)) {
      throw new IllegalArgumentException(
          directory + "/outputs.npz holds " + outputs.keySet() + ", expected " + OUTPUT);
    }
    return new Workload(directory, inputs, outputs.get(OUTPUT));
  }

  Path savedModel() {
    return directory.resolve("model");
  }

  Path onnx() {
    return directory.resolve("model.onnx");
  }

  /**
   * Compares an answer with Python's.
   *
   * @throws AssertionError if an element differs by more than 1e-4·max(1, |y|)
   */
  void check(long[] shape, float[] answer) {
    if (!Arrays.equals(shape, expected.shape())) {
      throw new AssertionError(
          "The answer has shape %s, Python's %s"
              .formatted(Arrays.toString(shape), Arrays.toString(expected.shape())));
    }
    float[] python = expected.toFloats();
    for (int i = 0; i < python.length; i++) {
      double difference = Math.abs((double) answer[i] - python[i]);
      // Negated, so that what is no number fails.
      if (!(difference <= TOLERANCE * Math.max(1, Math.abs(python[i])))) {
        throw new AssertionError(
            "Element %d of %s is %s, Python's %s, further apart than %s*max(1, |y|)"
                .formatted(i, Arrays.toString(shape), answer[i], python[i], TOLERANCE));
      }
    }
  }
}
