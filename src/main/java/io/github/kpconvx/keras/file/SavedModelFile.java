package io.github.kpconvx.keras.file;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.savedmodel.Assets;
import io.github.kpconvx.keras.savedmodel.SavedModelDirectory;
import io.github.kpconvx.keras.savedmodel.Signature;
import io.github.kpconvx.keras.weights.WeightStore;
import java.util.List;
import java.util.Optional;
import org.tensorflow.proto.SavedModel;

/** A SavedModel directory as a stored model. */
final class SavedModelFile extends StoredModel {
  private final SavedModelDirectory directory;
  private Optional<SavedModel> graph = Optional.empty();

  SavedModelFile(SavedModelDirectory directory) {
    super(directory.path(), "SavedModel (" + directory.writer() + ")");
    this.directory = directory;
  }

  @Override
  public Optional<String> tensorFlowVersion() {
    return directory.tensorFlowVersion();
  }

  @Override
  public Optional<String> kerasVersion() {
    return directory.kerasVersion();
  }

  @Override
  public List<Signature> signatures() {
    return directory.signatures();
  }

  @Override
  public Optional<KerasObject> config() {
    return directory.config().map(this::serialized);
  }

  @Override
  public Optional<SavedModel> graph() {
    if (graph.isEmpty()) {
      graph = Optional.of(SavedModelDirectory.parse(path()));
    }
    return graph;
  }

  @Override
  public Optional<JsonNode> compiled() {
    return super.compiled().or(directory::compiled);
  }

  @Override
  public boolean isOfKeras() {
    return directory.writer().holdsWeights();
  }

  @Override
  public Assets assets() {
    return Assets.of(path());
  }

  @Override
  WeightStore openWeights() {
    return directory.weights();
  }
}
