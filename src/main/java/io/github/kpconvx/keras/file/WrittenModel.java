package io.github.kpconvx.keras.file;

import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.savedmodel.Assets;
import io.github.kpconvx.keras.savedmodel.ServedModel;
import io.github.kpconvx.keras.weights.LayerSpec;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Supplier;
import org.tensorflow.types.family.TType;

/**
 * What a file of any {@linkplain FileKind kind} is written of.
 *
 * @param target where the file will stand
 * @param config the model's configuration
 * @param kerasVersion the version of Keras whose configuration it is
 * @param spec what the weights are of; a layer without parent stands at the root of the weights
 * @param weights the values by {@linkplain LayerSpec#qualifiedWeights() qualified name}; a file but
 *     a SavedModel's is without those that are not in it
 * @param assets the files that stand beside a SavedModel
 * @param served what a SavedModel computes
 */
public record WrittenModel(
    Path target,
    KerasObject config,
    String kerasVersion,
    LayerSpec spec,
    Map<String, TType> weights,
    Assets assets,
    Supplier<ServedModel> served) {

  /**
   * Whether the file holds the configuration.
   *
   * @return false where the target's name asks for weights alone
   */
  public boolean holdsConfig() {
    return !target.toString().endsWith(FileKind.WEIGHTS_ALONE);
  }
}
