package io.github.kpconvx.keras.file;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.kpconvx.keras.config.Json;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.hdf5.Hdf5File;
import io.github.kpconvx.keras.hdf5.Hdf5WeightStore;
import io.github.kpconvx.keras.hdf5.LegacyHdf5WeightStore;
import io.github.kpconvx.keras.weights.WeightStore;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;

/** An HDF5 file, be it a whole model or weights alone, as a stored model. */
final class Hdf5ModelFile extends StoredModel {
  private static final String CONFIG = "model_config";
  private static final String COMPILED = "training_config";

  private final Hdf5File file;

  private Hdf5ModelFile(Path path, Hdf5File file) {
    super(path, format(file));
    this.file = file;
  }

  /** Takes care of the file. */
  static StoredModel of(Path path, Hdf5File file) {
    try {
      return new Hdf5ModelFile(path, file);
    } catch (RuntimeException e) {
      file.close();
      throw e;
    }
  }

  private static String format(Hdf5File file) {
    if (!LegacyHdf5WeightStore.isLegacy(file)) {
      return "Keras weights (.weights.h5)";
    }
    return file.text(CONFIG).isPresent()
        ? "HDF5 whole model (.h5)"
        : "HDF5 weights in the layout of Keras 2 (.h5)";
  }

  @Override
  public Optional<String> kerasVersion() {
    return file.text(KerasObject.KERAS_VERSION);
  }

  @Override
  public Optional<KerasObject> config() {
    return json(CONFIG).map(this::serialized);
  }

  @Override
  public Optional<JsonNode> compiled() {
    return json(COMPILED);
  }

  private Optional<JsonNode> json(String attribute) {
    return file.text(attribute)
        .map(text -> text.getBytes(StandardCharsets.UTF_8))
        .map(text -> Json.object(text, path() + " (" + attribute + ")"));
  }

  @Override
  WeightStore openWeights() {
    return LegacyHdf5WeightStore.isLegacy(file)
        ? new LegacyHdf5WeightStore(file)
        : new Hdf5WeightStore(file);
  }

  @Override
  void closeFile() {
    file.close();
  }
}
