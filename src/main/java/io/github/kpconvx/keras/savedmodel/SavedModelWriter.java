package io.github.kpconvx.keras.savedmodel;

import io.github.kpconvx.keras.config.ArchiveMetadata;
import io.github.kpconvx.keras.config.Json;
import io.github.kpconvx.keras.config.KerasObject;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.tensorflow.TensorFlow;
import org.tensorflow.proto.MetaGraphDef;
import org.tensorflow.proto.SavedModel;
import org.tensorflow.types.family.TType;

/**
 * Writes SavedModels in the form of Keras 3's {@code model.export}, so that all that runs one runs
 * them: {@code tf.saved_model.load}, {@code keras.layers.TFSMLayer}, TensorFlow Serving. The
 * configuration and Keras's version go into {@code assets.extra}.
 *
 * @see SavedModelDirectory
 */
public final class SavedModelWriter {
  private SavedModelWriter() {}

  /**
   * Writes a SavedModel.
   *
   * @param directory where to, an empty directory
   * @param model what it computes
   * @param weights the values of its variables by their names
   * @param config the model's configuration
   * @param kerasVersion the version of Keras whose configuration it is
   * @throws IOException if it cannot be written; it may then be there in part
   */
  public static void write(
      Path directory,
      ServedModel model,
      Map<String, ? extends TType> weights,
      KerasObject config,
      String kerasVersion)
      throws IOException {
    ServingObjects objects = new ServingObjects(model);
    Map<String, String> keys = new LinkedHashMap<>();
    Map<String, TType> values = new LinkedHashMap<>();
    objects
        .paths()
        .forEach(
            (name, path) -> {
              keys.put(name, Checkpoint.key(path));
              values.put(Checkpoint.key(path), weights.get(name));
            });
    Path checkpoint = directory.resolve(Checkpoint.PREFIX);
    Files.createDirectory(checkpoint.getParent());
    Checkpoint.write(checkpoint, values, objects.checkpointed());
    write(directory.resolve(SavedModelDirectory.CONFIG), Json.bytes(config.json()));
    write(directory.resolve(SavedModelDirectory.METADATA), ArchiveMetadata.of(kerasVersion));

    MetaGraphDef.Builder graph = MetaGraphDef.newBuilder();
    graph
        .getMetaInfoDefBuilder()
        .addTags(SavedModelDirectory.SERVE)
        .setMetaGraphVersion(SavedModelDirectory.WRITTEN_HERE)
        .setTensorflowVersion(TensorFlow.version());
    new ServingGraph(model, keys).addTo(graph);
    graph.setObjectGraphDef(objects.graph());
    // Last, as TensorFlow writes it: whoever waits for this file finds the others complete.
    try (OutputStream out = Files.newOutputStream(directory.resolve(SavedModelDirectory.GRAPH))) {
      SavedModel.newBuilder()
          .setSavedModelSchemaVersion(1)
          .addMetaGraphs(graph)
          .build()
          .writeTo(out);
    }
  }

  private static void write(Path file, byte[] content) throws IOException {
    Files.createDirectories(file.getParent());
    Files.write(file, content);
  }
}
