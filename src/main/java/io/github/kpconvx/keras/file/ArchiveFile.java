package io.github.kpconvx.keras.file;

import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.weights.WeightStore;
import java.util.Optional;

/** A {@code .keras} archive, or the same as a folder, as a stored model. */
final class ArchiveFile extends StoredModel {
  private final KerasArchive archive;

  ArchiveFile(KerasArchive archive, String format) {
    super(archive.path(), format);
    this.archive = archive;
  }

  @Override
  public Optional<String> kerasVersion() {
    return Optional.of(archive.kerasVersion());
  }

  @Override
  public Optional<KerasObject> config() {
    return Optional.of(serialized(archive.config()));
  }

  @Override
  WeightStore openWeights() {
    return archive.weights();
  }

  @Override
  void closeFile() {
    archive.close();
  }
}
