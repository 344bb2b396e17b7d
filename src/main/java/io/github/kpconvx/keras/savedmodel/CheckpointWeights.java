package io.github.kpconvx.keras.savedmodel;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.weights.ClassNames;
import io.github.kpconvx.keras.weights.WeightStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.tensorflow.proto.BundleEntryProto;
import org.tensorflow.proto.SavedObjectGraphOuterClass.SavedObject;
import org.tensorflow.proto.SavedObjectGraphOuterClass.SavedObjectGraph;
import org.tensorflow.proto.SavedObjectGraphOuterClass.SavedVariable;
import org.tensorflow.proto.TrackableObjectGraphOuterClass.TrackableObjectGraph.TrackableObject;

/**
 * A TensorFlow checkpoint that {@code save_weights(…, save_format="tf")} of Keras 2, or its {@code
 * ModelCheckpoint}, leaves: {@code NAME.index} and {@code NAME.data-…}, often beside a file {@code
 * checkpoint} that names the last one.
 */
public final class CheckpointWeights {
  private static final String INDEX = ".index";
  private static final String LAST = "checkpoint";
  private static final Pattern LAST_PATH =
      Pattern.compile("(?m)^model_checkpoint_path: \"([^\"]*)\"$");

  private CheckpointWeights() {}

  /**
   * What the names of a checkpoint's files begin with.
   *
   * @param path a checkpoint's {@code .index} file, that without its ending, or the folder with a
   *     file {@code checkpoint}
   * @return the beginning, if there is a checkpoint
   */
  public static Optional<Path> prefix(Path path) {
    if (Files.isDirectory(path)) {
      return Files.isRegularFile(path.resolve(LAST)) ? last(path) : Optional.empty();
    }
    String name = path.toString();
    Path prefix =
        name.endsWith(INDEX) ? Path.of(name.substring(0, name.length() - INDEX.length())) : path;
    return Optional.of(prefix).filter(found -> Files.isRegularFile(index(found)));
  }

  private static Optional<Path> last(Path folder) {
    try {
      Matcher matcher = LAST_PATH.matcher(Files.readString(folder.resolve(LAST)));
      return matcher.find()
          // A folder that was moved keeps its checkpoints beside the file that names them.
          ? Optional.of(folder.resolve(Path.of(matcher.group(1)).getFileName()))
              .filter(found -> Files.isRegularFile(index(found)))
          : Optional.empty();
    } catch (IOException e) {
      return Optional.empty(); // It is no text.
    }
  }

  private static Path index(Path prefix) {
    return Path.of(prefix + INDEX);
  }

  /**
   * Opens the weights.
   *
   * @param prefix what the checkpoint's files begin with
   * @return the weights, the caller's to close
   * @throws KerasException if it is damaged, or none of Keras
   */
  public static WeightStore open(Path prefix) {
    Map<String, BundleEntryProto> tensors = CheckpointIndex.read(index(prefix));
    if (!tensors.containsKey(Checkpoint.OBJECTS)) {
      throw new KerasException(
          "%s is a checkpoint without objects, expected one of Keras's save_weights; it holds %s"
              .formatted(prefix, ClassNames.list(List.copyOf(tensors.keySet()))));
    }
    SavedObjectGraph.Builder graph = SavedObjectGraph.newBuilder();
    try (Checkpoint checkpoint = new Checkpoint(prefix)) {
      for (TrackableObject object : checkpoint.objects().getNodesList()) {
        SavedObject.Builder node =
            SavedObject.newBuilder().addAllChildren(object.getChildrenList());
        Checkpoint.value(object)
            .ifPresent(
                value -> {
                  BundleEntryProto tensor = tensors.get(value.getCheckpointKey());
                  if (tensor == null) {
                    throw new KerasException(
                        "%s: there is no tensor %s, which its objects name"
                            .formatted(prefix, value.getCheckpointKey()));
                  }
                  node.setVariable(
                      SavedVariable.newBuilder()
                          .setName(value.getFullName())
                          .setDtype(tensor.getDtype())
                          .setShape(tensor.getShape()));
                });
        graph.addNodes(node);
      }
    }
    return new Keras2WeightStore(prefix, new ObjectGraph(prefix, graph.build()));
  }
}
