package io.github.kpconvx.keras.file;

import io.github.kpconvx.keras.config.ArchiveMetadata;
import io.github.kpconvx.keras.config.Json;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.hdf5.Hdf5WeightWriter;
import io.github.kpconvx.keras.weights.LayerSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.tensorflow.types.family.TType;

/**
 * Writes {@code .keras} archives as Keras 3's {@code model.save} does, with the entries stored, not
 * compressed.
 *
 * @see KerasArchive
 */
final class KerasArchiveWriter {
  private KerasArchiveWriter() {}

  /**
   * Writes an archive.
   *
   * @param file the file to make
   * @param config the model's configuration
   * @param kerasVersion the version of Keras whose configuration it is
   * @param model the model; a layer without parent stands at the root of the weights
   * @param weights the values by {@linkplain LayerSpec#qualifiedWeights() qualified name}; weights
   *     that are not in it are left out
   * @throws IOException if it cannot be written; the file may then be there in part
   */
  static void write(
      Path file,
      KerasObject config,
      String kerasVersion,
      LayerSpec model,
      Map<String, ? extends TType> weights)
      throws IOException {
    Path hdf5 = file.resolveSibling(file.getFileName() + ".h5");
    try {
      Hdf5WeightWriter.write(hdf5, kerasVersion, model, weights);
      if (Files.size(hdf5) > KerasArchive.MAX_WEIGHTS) {
        throw new IOException(
            "the weights are %d bytes, an archive may hold %d; a SavedModel has no such bound"
                .formatted(Files.size(hdf5), KerasArchive.MAX_WEIGHTS));
      }
      try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
        store(zip, KerasArchive.METADATA, ArchiveMetadata.of(kerasVersion));
        store(zip, KerasArchive.CONFIG, Json.bytes(config.json()));
        store(zip, KerasArchive.WEIGHTS, Files.readAllBytes(hdf5));
      }
    } finally {
      Files.deleteIfExists(hdf5);
    }
  }

  private static void store(ZipOutputStream zip, String name, byte[] content) throws IOException {
    CRC32 checksum = new CRC32();
    checksum.update(content);
    ZipEntry entry = new ZipEntry(name);
    entry.setMethod(ZipEntry.STORED);
    entry.setSize(content.length);
    entry.setCrc(checksum.getValue());
    zip.putNextEntry(entry);
    zip.write(content);
  }
}
