package io.github.kpconvx.keras.file;

import io.github.kpconvx.keras.savedmodel.CheckpointWeights;
import io.github.kpconvx.keras.weights.WeightStore;
import java.nio.file.Path;

/** A TensorFlow checkpoint as a stored model: weights alone. */
final class CheckpointFile extends StoredModel {
  private final Path prefix;

  CheckpointFile(Path path) {
    super(path, "TensorFlow checkpoint of Keras 2 (.index)");
    prefix = CheckpointWeights.prefix(path).orElseThrow();
  }

  @Override
  WeightStore openWeights() {
    return CheckpointWeights.open(prefix);
  }
}
