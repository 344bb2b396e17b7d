package io.github.kpconvx.network;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.dtype.TensorData;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.file.StoredModel;
import io.github.kpconvx.keras.file.WrittenModel;
import io.github.kpconvx.keras.weights.StoredWeight;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import org.tensorflow.types.family.TType;

/** Compares what was written with what was to be written. */
final class ReadBack {
  private ReadBack() {}

  /**
   * Checks a file: each weight to the bit, and the configuration.
   *
   * @param file the file that was written
   * @param model what it was written of
   * @throws IOException if a weight differs, is missing or surplus, or the configuration differs
   */
  static void requireEqual(Path file, WrittenModel model) throws IOException {
    Map<String, TType> expected = model.weights();
    try (StoredModel stored = StoredModel.open(file)) {
      if (model.holdsConfig()) {
        // By their text: a tree made in memory may hold a long where reading gives an int.
        Optional<String> config = stored.config().map(ReadBack::text);
        if (!config.equals(Optional.of(text(model.config())))) {
          throw new IOException("the configuration reads back as another one");
        }
      }
      Map<String, StoredWeight> found = stored.weights().match(model.spec());
      if (!found.keySet().equals(expected.keySet())) {
        throw new IOException(
            "it reads back with the weights " + found.keySet() + ", expected " + expected.keySet());
      }
      for (Map.Entry<String, StoredWeight> weight : found.entrySet()) {
        try (TType value = weight.getValue().read()) {
          if (!Arrays.equals(
              TensorData.bytes(value), TensorData.bytes(expected.get(weight.getKey())))) {
            throw new IOException("weight " + weight.getKey() + " reads back with other values");
          }
        }
      }
    } catch (KerasException e) {
      throw new IOException("it does not read back: " + e.getMessage(), e);
    }
  }

  /** Without the version of Keras, which files tell elsewhere too. */
  private static String text(KerasObject config) {
    ObjectNode json = config.json();
    json.remove(KerasObject.KERAS_VERSION);
    return json.toString();
  }
}
