package io.github.kpconvx.training;

import io.github.kpconvx.numpy.NpyArray;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a network takes and the truth about it, without a batch axis.
 *
 * @param inputs an array for each input of the network, by its name, such as X (R, 3)
 * @param labels the true classes: integers (…), or float32 (…, classes), of the output's shape
 */
public record Example(Map<String, NpyArray> inputs, NpyArray labels) {
  public Example {
    inputs = java.util.Collections.unmodifiableMap(new LinkedHashMap<>(inputs));
  }
}
