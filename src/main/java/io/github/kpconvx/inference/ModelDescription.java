package io.github.kpconvx.inference;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.file.ModelFile;
import io.github.kpconvx.keras.savedmodel.Signature;
import io.github.kpconvx.keras.weights.LayerSpec;
import io.github.kpconvx.keras.weights.StoredWeight;
import io.github.kpconvx.keras.weights.WeightSpec;
import io.github.kpconvx.keras.weights.WeightStore;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.network.Network;
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

/**
 * What a model file holds: what {@code model.summary()} and {@code get_config()} say in Python,
 * without Python. Holds no native memory.
 *
 * @param path the file or directory
 * @param format which kind of file it is
 * @param tensorFlowVersion what wrote it, if it tells
 * @param kerasVersion what wrote it, if it tells
 * @param signatures what a SavedModel offers; empty for other files
 * @param layers the layers in Keras's order, input layers included; empty if the file holds no
 *     configuration
 * @param weights the weights; with a configuration in the layers' order and by their names, else as
 *     the file lists them
 */
public record ModelDescription(
    Path path,
    String format,
    Optional<String> tensorFlowVersion,
    Optional<String> kerasVersion,
    List<Signature> signatures,
    List<LayerDescription> layers,
    List<WeightDescription> weights) {

  /**
   * A layer.
   *
   * @param name its name
   * @param className its Keras class
   * @param outputShape the shape of its (first) output
   * @param parameters number of parameters that Keras counts
   * @param config its configuration as it was read
   */
  public record LayerDescription(
      String name, String className, Shape outputShape, long parameters, ObjectNode config) {}

  /**
   * A weight.
   *
   * @param name its qualified name, or the file's name for it where there is no configuration
   * @param path where the file holds it
   * @param shape its shape
   * @param trainable whether Keras would train it; empty where there is no configuration
   * @param counted whether Keras counts it: not so a bare variable, as VL3D's layer holds its
   *     kernel points in
   */
  public record WeightDescription(
      String name, String path, Shape shape, Optional<Boolean> trainable, boolean counted) {}

  /**
   * Describes a model.
   *
   * @param path a SavedModel directory, a {@code .keras} archive, a {@code .h5} or a {@code
   *     .weights.h5}
   * @param config the configuration of a model whose file holds none
   * @return what it holds
   * @throws KerasException if it is no model, or its configuration and weights do not fit together
   */
  public static ModelDescription of(Path path, Optional<KerasObject> config) {
    ModelFile file = ModelFile.read(path);
    if (!file.keras()) {
      return describe(file, List.of(), List.of());
    }
    try (WeightStore store = WeightStore.open(path)) {
      Optional<KerasObject> known = config.or(file::config);
      List<WeightDescription> weights = new ArrayList<>();
      if (known.isEmpty()) {
        for (StoredWeight weight : store.weights()) {
          weights.add(
              new WeightDescription(
                  weight.name(),
                  weight.path(),
                  weight.shape(),
                  Optional.empty(),
                  !weight.isBare()));
        }
        return describe(file, List.of(), weights);
      }
      Network network = KPConvX.loader(path).withConfig(known.get()).network(store);
      try (Graph graph = new Graph()) {
        Network.Built built = network.outline(Ops.create(graph));
        Map<String, StoredWeight> found = network.match(store);
        return describe(file, layers(network, built, found, weights), weights);
      }
    }
  }

  private static ModelDescription describe(
      ModelFile file, List<LayerDescription> layers, List<WeightDescription> weights) {
    return new ModelDescription(
        file.path(),
        file.format(),
        file.tensorFlowVersion(),
        file.kerasVersion(),
        file.signatures(),
        layers,
        weights);
  }

  private static List<LayerDescription> layers(
      Network network,
      Network.Built built,
      Map<String, StoredWeight> found,
      List<WeightDescription> weights) {
    Map<String, Layer> byName = new LinkedHashMap<>();
    network.layers().forEach(layer -> byName.put(layer.name(), layer));
    Map<String, Shape> inputs = new LinkedHashMap<>();
    network.inputs().forEach(input -> inputs.put(input.name(), input.shape()));
    List<LayerDescription> layers = new ArrayList<>();
    for (LayerSpec spec : network.spec().sublayers().get("layers")) {
      Layer layer = byName.get(spec.name());
      Set<String> trained = layer == null ? Set.of() : layer.trainableVariables().keySet();
      long parameters = 0;
      for (Map.Entry<String, WeightSpec> entry : spec.qualifiedWeights().entrySet()) {
        StoredWeight stored = found.get(entry.getKey());
        if (stored == null) {
          continue;
        }
        boolean counted = !stored.isBare();
        boolean trainable = counted && trained.contains(entry.getKey());
        weights.add(
            new WeightDescription(
                entry.getKey(), stored.path(), stored.shape(), Optional.of(trainable), counted));
        parameters += counted ? stored.shape().size() : 0;
      }
      Operand<?> output = built.stages().get(spec.name());
      Shape shape = output == null ? inputs.get(spec.name()) : output.shape();
      ObjectNode config =
          layer == null ? JsonNodeFactory.instance.objectNode() : layer.serialize().configJson();
      layers.add(new LayerDescription(spec.name(), spec.className(), shape, parameters, config));
    }
    return layers;
  }

  /**
   * Number of parameters that Keras counts.
   *
   * @return the number
   */
  public long parameters() {
    return count(weights.stream().filter(WeightDescription::counted).toList());
  }

  /**
   * Number of parameters that Keras would train.
   *
   * @return the number, if there is a configuration to tell
   */
  public Optional<Long> trainableParameters() {
    return layers.isEmpty()
        ? Optional.empty()
        : Optional.of(
            count(weights.stream().filter(weight -> weight.trainable().orElse(false)).toList()));
  }

  private static long count(List<WeightDescription> weights) {
    return weights.stream().mapToLong(weight -> weight.shape().size()).sum();
  }

  /**
   * The description for other programs.
   *
   * @return a JSON object with {@code format}, {@code tensorflow}, {@code keras}, {@code
   *     signatures}, {@code layers}, {@code weights}, {@code total_params}, {@code
   *     trainable_params}, {@code non_trainable_params}; unknown values and dimensions are null
   */
  public ObjectNode toJson() {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("path", path.toString()).put("format", format);
    json.put("tensorflow", tensorFlowVersion.orElse(null)).put("keras", kerasVersion.orElse(null));
    ArrayNode ofSignatures = json.putArray("signatures");
    for (Signature signature : signatures) {
      ObjectNode node = ofSignatures.addObject().put("name", signature.name());
      tensors(node.putArray("inputs"), signature.inputs());
      tensors(node.putArray("outputs"), signature.outputs());
    }
    ArrayNode ofLayers = json.putArray("layers");
    for (LayerDescription layer : layers) {
      ObjectNode node =
          ofLayers.addObject().put("name", layer.name()).put("class_name", layer.className());
      node.set("output_shape", shape(layer.outputShape()));
      node.put("params", layer.parameters()).set("config", layer.config());
    }
    ArrayNode ofWeights = json.putArray("weights");
    for (WeightDescription weight : weights) {
      ObjectNode node = ofWeights.addObject().put("name", weight.name()).put("path", weight.path());
      node.set("shape", shape(weight.shape()));
      node.put("trainable", weight.trainable().orElse(null)).put("counted", weight.counted());
    }
    json.put("total_params", parameters());
    json.put("trainable_params", trainableParameters().orElse(null));
    json.put(
        "non_trainable_params",
        trainableParameters().map(trained -> parameters() - trained).orElse(null));
    return json;
  }

  private static void tensors(ArrayNode array, List<Signature.Tensor> tensors) {
    for (Signature.Tensor tensor : tensors) {
      array
          .addObject()
          .put("name", tensor.name())
          .put("dtype", tensor.dtype())
          .set("shape", shape(tensor.shape()));
    }
  }

  private static ArrayNode shape(Shape shape) {
    if (shape == null || shape.isUnknown()) {
      return null;
    }
    ArrayNode array = JsonNodeFactory.instance.arrayNode();
    for (long dimension : shape.asArray()) {
      if (dimension == Shape.UNKNOWN_SIZE) {
        array.addNull();
      } else {
        array.add(dimension);
      }
    }
    return array;
  }
}
