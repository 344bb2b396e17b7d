package io.github.kpconvx.keras.weights;

import io.github.kpconvx.keras.KerasException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * The weights of a Keras model, whatever file of Keras 3 or Keras 2 holds them: a SavedModel, a
 * {@code .keras} archive, a {@code .h5} or a {@code .weights.h5}.
 *
 * <p>Safe for use by one thread at a time.
 */
public interface WeightStore extends AutoCloseable {

  /**
   * The file or directory that was opened.
   *
   * @return its path
   */
  Path source();

  /**
   * All weights of the file in the file's order. State that is no weight (random seeds, optimizer
   * and metric variables) is left out.
   *
   * @return the weights
   */
  List<StoredWeight> weights();

  /**
   * Finds the weight that belongs to each of a model's expected ones, strictly.
   *
   * @param model what is expected
   * @return stored weights by {@linkplain LayerSpec#qualifiedWeights() qualified name}; a floating
   *     weight that the file does not hold is left out, every other one is there
   * @throws KerasException if a weight is missing, surplus, of another shape or type; the message
   *     names the weight, both shapes and the file
   */
  Map<String, StoredWeight> match(LayerSpec model);

  /** Releases the file. */
  @Override
  void close();
}
