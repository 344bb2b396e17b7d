package io.github.kpconvx.inference;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.file.FileKind;
import io.github.kpconvx.keras.file.StoredModel;
import io.github.kpconvx.keras.savedmodel.Assets;
import io.github.kpconvx.keras.weights.LayerSpec;
import io.github.kpconvx.keras.weights.StoredWeight;
import io.github.kpconvx.layer.KernelPoints;
import io.github.kpconvx.layer.WeightLoader;
import io.github.kpconvx.network.LayerRegistry;
import io.github.kpconvx.network.ModelWriter;
import io.github.kpconvx.network.Network;
import io.github.kpconvx.network.WriteOptions;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.tensorflow.types.family.TType;

/**
 * Writes a stored model to another file.
 *
 * @param network its network, with shapes
 * @param config what the network was rebuilt from
 * @param registry the layers it may be made of
 * @param kernelPoints where kernel points come from that the file does not hold
 */
record ModelConverter(
    Network network, KerasObject config, LayerRegistry registry, KernelPoints kernelPoints) {

  /** Where a configuration has the optimizer that the model was compiled with. */
  private static final String OPTIMIZER = "/compile_config/optimizer";

  /**
   * Writes the model.
   *
   * @param stored the model
   * @param ownConfig whether the configuration is the model's own, and so of its version of Keras
   * @param target the file or directory to make
   * @param options how it is written
   * @return what the target is without
   * @throws KerasException if a weight cannot be read, or the model not be written
   */
  Conversion convert(StoredModel stored, boolean ownConfig, Path target, WriteOptions options) {
    Map<String, StoredWeight> found = network.match(stored.weights());
    ModelWriter writer = ModelWriter.of(config, registry).withAssets(stored.assets());
    Optional<String> version = stored.kerasVersion();
    if (!version.orElse("").startsWith(KerasObject.KERAS_2)) {
      // To Keras 2 a untracked variable is a weight like any other; then the class tells.
      writer = writer.withUntrackedWeights(untracked(network.spec(), found));
    }
    if (version.isPresent() && ownConfig) {
      writer = writer.withKerasVersion(version.get());
    }
    Map<String, TType> values = WeightLoader.read(network.layers(), found, kernelPoints);
    try {
      writer.write(target, values, options);
    } finally {
      values.values().forEach(TType::close);
    }
    FileKind kind = FileKind.toWrite(target, config);
    return new Conversion(
        kind == FileKind.ARCHIVE && config.json().at(OPTIMIZER).isObject(),
        kind.isDirectory() ? Assets.NONE : stored.assets());
  }

  /** Weights that the file holds outside of Keras's, or not at all. */
  private static Set<String> untracked(LayerSpec spec, Map<String, StoredWeight> found) {
    Set<String> names = new LinkedHashSet<>(spec.qualifiedWeights().keySet());
    names.removeIf(name -> found.containsKey(name) && !found.get(name).isUntracked());
    return names;
  }
}
