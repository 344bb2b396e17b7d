package io.github.kpconvx.keras.file;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.Json;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.hdf5.Hdf5File;
import io.github.kpconvx.keras.hdf5.LegacyHdf5WeightStore;
import io.github.kpconvx.keras.savedmodel.SavedModelDirectory;
import io.github.kpconvx.keras.savedmodel.Signature;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * What a file or directory that holds a Keras model tells of it, besides the weights. Immutable;
 * holds no open file.
 *
 * @param path the file or directory
 * @param format which kind of file it is, in words
 * @param tensorFlowVersion what wrote it, if it tells
 * @param kerasVersion what wrote it, if it tells
 * @param signatures what a SavedModel offers; empty for other files
 * @param config the model as a serialized Keras object, if the file holds it; {@code keras_version}
 *     is added to one of Keras 2
 * @param keras whether Keras wrote it, so that its weights can be read
 */
public record ModelFile(
    Path path,
    String format,
    Optional<String> tensorFlowVersion,
    Optional<String> kerasVersion,
    List<Signature> signatures,
    Optional<KerasObject> config,
    boolean keras) {

  public ModelFile {
    signatures = List.copyOf(signatures);
  }

  /**
   * Reads what a file tells.
   *
   * @param path a SavedModel directory, a {@code .keras} archive, a {@code .h5} or a {@code
   *     .weights.h5}
   * @return what it tells
   * @throws KerasException if there is nothing at the path, nothing of these kinds, or it is
   *     damaged
   */
  public static ModelFile read(Path path) {
    return switch (FileKind.of(path)) {
      case SAVED_MODEL -> ofSavedModel(SavedModelDirectory.open(path));
      case ARCHIVE -> ofArchive(path);
      case HDF5 -> ofHdf5(path);
    };
  }

  private static ModelFile ofSavedModel(SavedModelDirectory directory) {
    Optional<String> version = directory.kerasVersion();
    return new ModelFile(
        directory.path(),
        "SavedModel (" + directory.writer() + ")",
        directory.tensorFlowVersion(),
        version,
        directory.signatures(),
        directory.config().map(config -> object(config, version)),
        directory.writer() != SavedModelDirectory.Writer.TENSORFLOW);
  }

  private static ModelFile ofArchive(Path path) {
    try (KerasArchive archive = KerasArchive.open(path)) {
      Optional<String> version = Optional.of(archive.kerasVersion());
      return new ModelFile(
          path,
          "Keras archive (.keras)",
          Optional.empty(),
          version,
          List.of(),
          Optional.of(object(archive.config(), version)),
          true);
    }
  }

  private static ModelFile ofHdf5(Path path) {
    try (Hdf5File file = Hdf5File.open(path)) {
      Optional<String> version = file.text(KerasObject.KERAS_VERSION);
      Optional<KerasObject> config =
          file.text("model_config")
              .map(
                  text ->
                      Json.object(text.getBytes(StandardCharsets.UTF_8), path + " (model_config)"))
              .map(json -> object(json, version));
      String format =
          !LegacyHdf5WeightStore.isLegacy(file)
              ? "Keras weights (.weights.h5)"
              : config.isPresent()
                  ? "HDF5 whole model (.h5)"
                  : "HDF5 weights in the layout of Keras 2 (.h5)";
      return new ModelFile(path, format, Optional.empty(), version, List.of(), config, true);
    }
  }

  private static KerasObject object(JsonNode config, Optional<String> version) {
    if (config instanceof ObjectNode node && version.orElse("").startsWith(KerasObject.KERAS_2)) {
      node.put(KerasObject.KERAS_VERSION, version.get());
    }
    KerasObject object = KerasObject.of(config);
    return version.map(object::writtenBy).orElse(object);
  }
}
