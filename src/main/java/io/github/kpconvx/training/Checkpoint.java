package io.github.kpconvx.training;

import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.numpy.NpzFile;
import io.github.kpconvx.numpy.NumpyException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * All that a run needs to go on as if it had never stopped, as a NumPy archive: {@code
 * weights/<name>}, {@code optimizer/<variable>}, {@code best/<name>}, and the numbers below.
 *
 * @param identity tells the network and the settings, so that no other run takes it for its own
 * @param step steps done
 * @param progress of the epoch that is not over
 * @param best epoch so far
 * @param weights by qualified name
 * @param optimizer the optimizer's variables by their name in the graph
 */
record Checkpoint(
    String identity,
    long step,
    EpochProgress progress,
    BestEpoch best,
    Map<String, NpyArray> weights,
    Map<String, NpyArray> optimizer) {
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
    arrays.put(
        "loss_sum", NpyArray.of(new long[] {Double.doubleToRawLongBits(progress.lossSum())}));
    arrays.put("best_value", NpyArray.of(new long[] {Double.doubleToRawLongBits(best.value())}));
    arrays.put("epochs_without_better", NpyArray.of(new long[] {best.epochsSince()}));
    ConfusionMatrix confusion = progress.confusion();
    int classes = confusion.classes();
    long[] counts = new long[classes * classes];
    for (int i = 0; i < counts.length; i++) {
      counts[i] = confusion.count(i / classes, i % classes);
    }
    arrays.put("confusion", NpyArray.of(counts, classes, classes));
    weights.forEach((name, array) -> arrays.put(WEIGHTS + name, array));
    optimizer.forEach((name, array) -> arrays.put(OPTIMIZER + name, array));
    best.weights().forEach((name, array) -> arrays.put(BEST + name, array));
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
          new EpochProgress(Double.longBitsToDouble(number(arrays, "loss_sum")), confusion),
          new BestEpoch(
              Double.longBitsToDouble(number(arrays, "best_value")),
              Math.toIntExact(number(arrays, "epochs_without_better")),
              part(arrays, BEST)),
          part(arrays, WEIGHTS),
          part(arrays, OPTIMIZER));
    } catch (NumpyException | NullPointerException | IllegalArgumentException e) {
      throw new TrainingException(
          file + " is no checkpoint of a training run: " + e.getMessage(), e);
    }
  }

  /**
   * Checks that a run may go on from it.
   *
   * @param file where it was read
   * @param run what tells the run
   * @param weightNames what the run's network holds
   * @param optimizerNames what the run's optimizer holds
   * @throws TrainingException if it is another run's; says where they part
   */
  void requireRun(Path file, String run, Set<String> weightNames, Set<String> optimizerNames) {
    if (!identity.equals(run)) {
      throw new TrainingException(
          file
              + " is the checkpoint of another network or of other settings: "
              + difference(identity, run));
    }
    requireSame(file, "weights", weightNames, weights.keySet());
    requireSame(file, "optimizer", optimizerNames, optimizer.keySet());
  }

  private static void requireSame(Path file, String what, Set<String> expected, Set<String> found) {
    if (!expected.equals(found)) {
      throw new TrainingException(
          "%s holds the %s of %s, expected those of %s".formatted(file, what, found, expected));
    }
  }

  /** Where two texts part. */
  private static String difference(String found, String expected) {
    int i = 0;
    while (i < Math.min(found.length(), expected.length())
        && found.charAt(i) == expected.charAt(i)) {
      i++;
    }
    int from = Math.max(0, i - 40);
    return "found \"…%s…\", expected \"…%s…\""
        .formatted(
            found.substring(from, Math.min(found.length(), i + 60)),
            expected.substring(from, Math.min(expected.length(), i + 60)));
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
