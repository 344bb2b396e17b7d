package io.github.kpconvx.training;

import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.numpy.NpzFile;
import io.github.kpconvx.numpy.NumpyException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * All that a run needs to go on as if it had never stopped, as a NumPy archive: {@code
 * weights/<name>}, {@code optimizer/<variable>}, {@code best/<name>}, and the numbers below.
 *
 * @param identity tells the network and the settings, so that no other run takes it for its own
 * @param step steps done
 * @param lossSum sum of the losses of the unfinished epoch's steps
 * @param confusion of those steps
 * @param best what was monitored in the best epoch; −∞ before the first
 * @param epochsWithoutBetter since the best epoch
 * @param weights by qualified name
 * @param optimizer the optimizer's variables by their name in the graph
 * @param bestWeights of the best epoch by qualified name; empty before the first
 */
record Checkpoint(
    String identity,
    long step,
    double lossSum,
    ConfusionMatrix confusion,
    double best,
    int epochsWithoutBetter,
    Map<String, NpyArray> weights,
    Map<String, NpyArray> optimizer,
    Map<String, NpyArray> bestWeights) {
  private static final String WEIGHTS = "weights/";
  private static final String OPTIMIZER = "optimizer/";
  private static final String BEST = "best/";

  /** Writes it to a temporary file that then takes the place of an older one. */
  void write(Path file) {
    Map<String, NpyArray> arrays = new LinkedHashMap<>();
    int[] text = identity.codePoints().toArray();
    arrays.put("identity", NpyArray.of(text, text.length));
    arrays.put("step", NpyArray.of(new long[] {step}));
    // Bit for bit, as the file holds no float64.
    arrays.put("loss_sum", NpyArray.of(new long[] {Double.doubleToRawLongBits(lossSum)}));
    arrays.put("best_value", NpyArray.of(new long[] {Double.doubleToRawLongBits(best)}));
    arrays.put("epochs_without_better", NpyArray.of(new long[] {epochsWithoutBetter}));
    int classes = confusion.classes();
    long[] counts = new long[classes * classes];
    for (int i = 0; i < counts.length; i++) {
      counts[i] = confusion.count(i / classes, i % classes);
    }
    arrays.put("confusion", NpyArray.of(counts, classes, classes));
    weights.forEach((name, array) -> arrays.put(WEIGHTS + name, array));
    optimizer.forEach((name, array) -> arrays.put(OPTIMIZER + name, array));
    bestWeights.forEach((name, array) -> arrays.put(BEST + name, array));
    NpzFile.write(file, arrays);
  }

  /**
   * Reads a file.
   *
   * @throws TrainingException if it is no checkpoint
   */
  static Checkpoint read(Path file) {
    try {
      Map<String, NpyArray> arrays = NpzFile.read(file);
      int[] text = arrays.get("identity").toInts();
      NpyArray counts = arrays.get("confusion");
      int classes = Math.toIntExact(counts.shape()[0]);
      ConfusionMatrix confusion = new ConfusionMatrix(classes);
      for (int i = 0; i < classes * classes; i++) {
        confusion.add(i / classes, i % classes, counts.toLongs()[i]);
      }
      return new Checkpoint(
          new String(text, 0, text.length),
          number(arrays, "step"),
          Double.longBitsToDouble(number(arrays, "loss_sum")),
          confusion,
          Double.longBitsToDouble(number(arrays, "best_value")),
          Math.toIntExact(number(arrays, "epochs_without_better")),
          part(arrays, WEIGHTS),
          part(arrays, OPTIMIZER),
          part(arrays, BEST));
    } catch (NumpyException | NullPointerException | IllegalArgumentException e) {
      throw new TrainingException(
          file + " is no checkpoint of a training run: " + e.getMessage(), e);
    }
  }

  private static long number(Map<String, NpyArray> arrays, String name) {
    return arrays.get(name).toLongs()[0];
  }

  private static Map<String, NpyArray> part(Map<String, NpyArray> arrays, String prefix) {
    Map<String, NpyArray> part = new LinkedHashMap<>();
    arrays.forEach(
        (name, array) -> {
          if (name.startsWith(prefix)) {
            part.put(name.substring(prefix.length()), array);
          }
        });
    return part;
  }
}
