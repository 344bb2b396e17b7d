package io.github.kpconvx.network;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.kpconvx.dtype.TensorData;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.file.StoredModel;
import io.github.kpconvx.keras.weights.LayerSpec;
import io.github.kpconvx.keras.weights.StoredWeight;
import io.github.kpconvx.keras.weights.WeightStore;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.tensorflow.types.family.TType;

/** Compares what was written with what was to be written. */
final class ReadBack {
  private ReadBack() {}

  /**
   * Checks a configuration, by its text: a tree made in memory may hold a long where reading gives
   * an int.
   *
   * @param expected what was to be written
   * @param found what was read
   * @throws IOException if they differ
   */
  static void requireEqual(KerasObject expected, JsonNode found) throws IOException {
    if (!expected.toString().equals(found.toString())) {
      throw new IOException("the configuration reads back as another one");
    }
  }

  /**
   * Checks weights, each to the bit.
   *
   * @param file the file that was written
   * @param model what it is a file of
   * @param expected the values by qualified name; the file holds no others
   * @throws IOException if one differs, is missing or surplus
   */
  static void requireEqual(Path file, LayerSpec model, Map<String, ? extends TType> expected)
      throws IOException {
    try (StoredModel storeFile = StoredModel.open(file);
        WeightStore store = storeFile.weights()) {
      Map<String, StoredWeight> found = store.match(model);
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
}
