package io.github.kpconvx.inference;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.inference.ModelDescription.LayerDescription;
import io.github.kpconvx.inference.ModelDescription.WeightDescription;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.file.StoredModel;
import io.github.kpconvx.keras.savedmodel.Signature;
import io.github.kpconvx.keras.weights.LayerSpec;
import io.github.kpconvx.keras.weights.StoredWeight;
import io.github.kpconvx.keras.weights.WeightSpec;
import io.github.kpconvx.keras.weights.WeightStore;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.vl3d.GaussianFilter;
import io.github.kpconvx.network.LayerRegistry;
import io.github.kpconvx.network.Network;
import io.github.kpconvx.network.UnsupportedLayer;
import io.github.kpconvx.network.UnsupportedModelException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;

/** Makes the description of a model: from its rebuilt network, or else from what its file says. */
final class ModelDescriber {
  private final StoredModel file;

  /** Whatever the filter "gaussian" means, a description is the same. */
  private final LayerRegistry registry = StandardLayers.registry(GaussianFilter.GROWING);

  private List<Signature.Tensor> inputs = List.of();
  private List<Signature.Tensor> outputs = List.of();
  private List<LayerDescription> layers = List.of();
  private List<WeightDescription> weights = List.of();
  private List<UnsupportedLayer> unsupported = List.of();
  private Optional<String> problem = Optional.empty();
  private boolean rebuilt;

  private ModelDescriber(StoredModel file) {
    this.file = file;
  }

  static ModelDescription describe(Path path, Optional<KerasObject> config) {
    try (StoredModel file = StoredModel.open(path)) {
      ModelDescriber describer = new ModelDescriber(file);
      if (file.isOfKeras()) {
        describer.describe(config.or(file::config), file.weights());
      }
      return describer.description(config.isPresent());
    }
  }

  /** As a loader chooses. */
  private Optional<Engine> engine(boolean configGiven) {
    if (rebuilt) {
      return problem.isEmpty() ? Optional.of(Engine.FOLDED) : Optional.empty();
    }
    return configGiven || file.signatures().isEmpty()
        ? Optional.empty()
        : Optional.of(Engine.SAVEDMODEL);
  }

  private ModelDescription description(boolean configGiven) {
    return new ModelDescription(
        file.path(),
        file.format(),
        file.tensorFlowVersion(),
        file.kerasVersion(),
        file.signatures(),
        inputs,
        outputs,
        layers,
        weights,
        unsupported,
        problem,
        engine(configGiven));
  }

  private void describe(Optional<KerasObject> config, WeightStore store) {
    if (config.isEmpty()) {
      weights = stored(store);
      return;
    }
    try {
      List<Shape> shapes = store.weights().stream().map(StoredWeight::shape).toList();
      rebuild(Network.of(config.get(), shapes, registry), store);
    } catch (KerasException e) {
      if (e instanceof UnsupportedModelException model) {
        unsupported = model.layers();
      }
      problem = Optional.of(e.getMessage());
      ConfigurationOutline outline = new ConfigurationOutline(config.get());
      inputs = outline.inputs();
      outputs = outline.outputs();
      layers = outline.layers();
      weights = stored(store);
    }
  }

  private static List<WeightDescription> stored(WeightStore store) {
    return store.weights().stream()
        .map(weight -> describe(weight.name(), weight, Optional.empty()))
        .toList();
  }

  private static WeightDescription describe(
      String name, StoredWeight weight, Optional<Boolean> trainable) {
    return new WeightDescription(
        name, weight.path(), weight.shape(), weight.dtype(), trainable, !weight.isUntracked());
  }

  private void rebuild(Network network, WeightStore store) {
    try (Graph graph = new Graph()) {
      Network.Built built = network.outline(Ops.create(graph));
      rebuilt = true;
      Map<String, StoredWeight> found = network.match(store);
      inputs = tensors(built.inputs());
      outputs = tensors(built.outputs());
      weights = new ArrayList<>();
      layers = layers(network, built, found);
    }
  }

  private static List<Signature.Tensor> tensors(Map<String, Operand<?>> operands) {
    List<Signature.Tensor> tensors = new ArrayList<>();
    operands.forEach(
        (name, operand) ->
            tensors.add(
                new Signature.Tensor(name, TensorSpec.dtype(operand.type()), operand.shape())));
    return tensors;
  }

  private List<LayerDescription> layers(
      Network network, Network.Built built, Map<String, StoredWeight> found) {
    Map<String, Layer> byName = new LinkedHashMap<>();
    network.layers().forEach(layer -> byName.put(layer.name(), layer));
    Map<String, Shape> shapes = new LinkedHashMap<>();
    network.inputs().forEach(input -> shapes.put(input.name(), input.shape()));
    List<LayerDescription> described = new ArrayList<>();
    for (LayerSpec spec : network.spec().sublayers().get("layers")) {
      Layer layer = byName.get(spec.name());
      Set<String> trained = layer == null ? Set.of() : layer.trainableVariables().keySet();
      long parameters = 0;
      for (Map.Entry<String, WeightSpec> entry : spec.qualifiedWeights().entrySet()) {
        StoredWeight stored = found.get(entry.getKey());
        if (stored == null) {
          continue;
        }
        boolean trainable = !stored.isUntracked() && trained.contains(entry.getKey());
        weights.add(describe(entry.getKey(), stored, Optional.of(trainable)));
        parameters += stored.isUntracked() ? 0 : stored.shape().size();
      }
      Operand<?> output = built.stages().get(spec.name());
      Shape shape = output == null ? shapes.get(spec.name()) : output.shape();
      ObjectNode config =
          layer == null ? JsonNodeFactory.instance.objectNode() : layer.serialize().configJson();
      described.add(
          new LayerDescription(
              spec.name(), spec.className(), shape, Optional.of(parameters), config));
    }
    return described;
  }
}
