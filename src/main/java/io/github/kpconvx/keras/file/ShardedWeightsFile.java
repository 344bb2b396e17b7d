package io.github.kpconvx.keras.file;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.TextFile;
import io.github.kpconvx.keras.config.Json;
import io.github.kpconvx.keras.hdf5.Hdf5File;
import io.github.kpconvx.keras.hdf5.Hdf5WeightStore;
import io.github.kpconvx.keras.weights.WeightStore;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * Weights that Keras 3's {@code save_weights("x.weights.json", max_shard_size=…)} cut into several
 * HDF5 files, as a stored model. The index tells which files hold the weights of each layer.
 */
final class ShardedWeightsFile extends StoredModel {
  private static final String WEIGHT_MAP = "weight_map";

  private final Set<String> names = new TreeSet<>();

  ShardedWeightsFile(Path path) {
    super(path, "sharded Keras weights (.weights.json)");
    ObjectNode index = Json.object(TextFile.bytes(path), path.toString());
    JsonNode map = index.path(WEIGHT_MAP);
    if (!map.isObject()) {
      throw new KerasException(
          "%s is JSON without %s, expected the index of sharded weights; a configuration is given beside weights (--config, Loader.withConfig)"
              .formatted(path, WEIGHT_MAP));
    }
    for (Map.Entry<String, JsonNode> entry : map.properties()) {
      List<JsonNode> files = new ArrayList<>();
      if (entry.getValue().isArray()) {
        entry.getValue().forEach(files::add);
      } else {
        files.add(entry.getValue());
      }
      files.forEach(file -> names.add(name(entry.getKey(), file)));
    }
  }

  /** Only a file beside the index: it must not reach into other folders. */
  private String name(String group, JsonNode file) {
    String name = Json.text(file);
    if (!name.matches("[^/\\\\]+\\.h5")) {
      throw new KerasException(
          "%s: %s of %s is %s, expected the name of an .h5 file beside it"
              .formatted(path(), WEIGHT_MAP, group, file));
    }
    return name;
  }

  @Override
  WeightStore openWeights() {
    List<Hdf5File> shards = new ArrayList<>();
    try {
      names.forEach(name -> shards.add(Hdf5File.open(path().resolveSibling(name))));
      return new Hdf5WeightStore(path(), shards);
    } catch (RuntimeException e) {
      shards.forEach(Hdf5File::close);
      throw e;
    }
  }
}
