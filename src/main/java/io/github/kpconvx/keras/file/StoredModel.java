package io.github.kpconvx.keras.file;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.savedmodel.Assets;
import io.github.kpconvx.keras.savedmodel.Signature;
import io.github.kpconvx.keras.weights.WeightStore;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.tensorflow.proto.SavedModel;

/**
 * A stored model, opened once: its configuration, what wrote it, what it offers, and its weights,
 * whatever {@linkplain FileKind kind} of file or directory holds it.
 *
 * <pre>{@code
 * try (StoredModel model = StoredModel.open(Path.of("model.keras"))) {
 *   Map<String, StoredWeight> weights = model.weights().match(spec);
 * }
 * }</pre>
 *
 * <p>Safe for use by one thread at a time.
 */
public abstract class StoredModel implements AutoCloseable {
  private final Path path;
  private final String format;
  private WeightStore weights;

  StoredModel(Path path, String format) {
    this.path = path;
    this.format = format;
  }

  /**
   * Opens a model.
   *
   * @param path a file or directory of one of the {@linkplain FileKind kinds}, told by its content
   * @return the model, the caller's to close
   * @throws KerasException if there is nothing at the path, nothing of these kinds, or it is
   *     damaged
   */
  public static StoredModel open(Path path) {
    return FileKind.of(path).open(path);
  }

  /**
   * Opens a model that is in memory.
   *
   * @param name names it in errors
   * @param content a {@code .keras} archive, which is read through a temporary file, or an HDF5
   *     file
   * @return the model, the caller's to close
   * @throws KerasException if it is neither, or damaged
   */
  public static StoredModel of(String name, byte[] content) {
    return FileKind.of(name, content).open(Path.of(name), content);
  }

  /**
   * Where it was found.
   *
   * @return the file or directory
   */
  public final Path path() {
    return path;
  }

  /**
   * Which kind of file it is.
   *
   * @return a few words
   */
  public final String format() {
    return format;
  }

  /**
   * The version of TensorFlow that wrote it.
   *
   * @return such as {@code 2.18.0}, if the file tells
   */
  public Optional<String> tensorFlowVersion() {
    return Optional.empty();
  }

  /**
   * The version of Keras that wrote it.
   *
   * @return such as {@code 3.6.0}, if the file tells
   */
  public Optional<String> kerasVersion() {
    return Optional.empty();
  }

  /**
   * What can be run of it by name.
   *
   * @return the signatures of a SavedModel; empty for other files
   */
  public List<Signature> signatures() {
    return List.of();
  }

  /**
   * The model as a serialized Keras object that knows which version of Keras wrote it.
   *
   * @return the configuration, if the file holds it
   * @throws KerasException if it is damaged
   */
  public Optional<KerasObject> config() {
    return Optional.empty();
  }

  /**
   * All that is stored of a SavedModel's graph, which is parsed when it is first asked for; also
   * after this model was closed.
   *
   * @return the graph; empty for other files
   * @throws KerasException if it cannot be read
   */
  public Optional<SavedModel> graph() {
    return Optional.empty();
  }

  /**
   * What the model was compiled with for training: optimizer, loss and metrics.
   *
   * @return the settings as Keras writes them, if the file holds any
   * @throws KerasException if they are damaged
   */
  public Optional<JsonNode> compiled() {
    return config().map(config -> config.json().path("compile_config")).filter(JsonNode::isObject);
  }

  /**
   * Whether Keras wrote it, so that its weights can be read.
   *
   * @return false for a SavedModel of another program
   */
  public boolean isOfKeras() {
    return true;
  }

  /**
   * The files that stand beside graph and weights.
   *
   * @return those of a SavedModel; none for other files
   */
  public Assets assets() {
    return Assets.NONE;
  }

  /**
   * The weights.
   *
   * @return the weights, which are closed with this model
   * @throws KerasException if there are none, or they are damaged
   */
  public final WeightStore weights() {
    if (weights == null) {
      weights = openWeights();
    }
    return weights;
  }

  /** A configuration as this file's version of Keras wrote it. */
  final KerasObject serialized(JsonNode config) {
    KerasObject object = KerasObject.of(config);
    return kerasVersion().map(object::writtenBy).orElse(object);
  }

  /** Opens the weights, once. */
  abstract WeightStore openWeights();

  /** Releases what is open besides the weights. */
  void closeFile() {}

  @Override
  public final void close() {
    try {
      if (weights != null) {
        weights.close();
      }
    } finally {
      closeFile();
    }
  }
}
