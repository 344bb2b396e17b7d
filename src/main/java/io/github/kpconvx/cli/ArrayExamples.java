package io.github.kpconvx.cli;

import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.numpy.NpzFile;
import io.github.kpconvx.training.Example;
import io.github.kpconvx.training.ExampleSet;
import io.github.kpconvx.training.TrainingException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Examples from NumPy archives: an array for each input, and {@code labels}, batch axis first. */
final class ArrayExamples {
  private static final String LABELS = "labels";

  private ArrayExamples() {}

  /**
   * Reads all examples of the files.
   *
   * @param files {@code .npz} files
   * @return the examples, in the order of the files
   * @throws TrainingException if a file has no labels, or arrays of different numbers of examples
   */
  static ExampleSet read(List<Path> files) {
    List<Example> examples = new ArrayList<>();
    for (Path file : files) {
      Map<String, NpyArray> arrays = NpzFile.read(file);
      if (!arrays.containsKey(LABELS)) {
        throw new TrainingException(
            file + " holds the arrays " + arrays.keySet() + ", expected labels among them");
      }
      Map<String, List<NpyArray>> parts = new LinkedHashMap<>();
      arrays.forEach((name, array) -> parts.put(name, array.unstack()));
      int count = parts.get(LABELS).size();
      parts.forEach(
          (name, elements) -> {
            if (elements.size() != count) {
              throw new TrainingException(
                  "%s: %s holds %d examples, labels %d; expected as many"
                      .formatted(file, name, elements.size(), count));
            }
          });
      for (int i = 0; i < count; i++) {
        Map<String, NpyArray> inputs = new LinkedHashMap<>();
        for (Map.Entry<String, List<NpyArray>> part : parts.entrySet()) {
          inputs.put(part.getKey(), part.getValue().get(i));
        }
        NpyArray labels = inputs.remove(LABELS);
        examples.add(new Example(inputs, labels));
      }
    }
    return ExampleSet.of(examples);
  }
}
