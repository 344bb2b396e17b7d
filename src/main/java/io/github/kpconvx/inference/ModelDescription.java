package io.github.kpconvx.inference;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.savedmodel.Signature;
import io.github.kpconvx.network.UnsupportedLayer;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.tensorflow.ndarray.Shape;

/**
 * What a model file holds: what {@code model.summary()} and {@code get_config()} say in Python,
 * without Python. Holds no native memory.
 *
 * @param path the file or directory
 * @param format which kind of file it is
 * @param tensorFlowVersion what wrote it, if it tells
 * @param kerasVersion what wrote it, if it tells
 * @param signatures what a SavedModel offers; empty for other files
 * @param inputs what the model takes, in Keras's order; empty if the file holds no configuration
 * @param outputs what the model gives, in Keras's order; empty if the file holds no configuration
 * @param layers the layers in Keras's order, input layers included; empty if the file holds no
 *     configuration
 * @param weights the weights; with a configuration in the layers' order and by their names, else as
 *     the file lists them
 * @param unsupportedLayers the layers and operations that keep the network from being rebuilt,
 *     those of nested models too
 * @param problem why the network cannot be rebuilt, or does not fit the weights
 * @param engine what {@link Engine#AUTO} comes to; empty if the model cannot be loaded as it is
 */
public record ModelDescription(
    Path path,
    String format,
    Optional<String> tensorFlowVersion,
    Optional<String> kerasVersion,
    List<Signature> signatures,
    List<Signature.Tensor> inputs,
    List<Signature.Tensor> outputs,
    List<LayerDescription> layers,
    List<WeightDescription> weights,
    List<UnsupportedLayer> unsupportedLayers,
    Optional<String> problem,
    Optional<Engine> engine) {

  public ModelDescription {
    signatures = List.copyOf(signatures);
    inputs = List.copyOf(inputs);
    outputs = List.copyOf(outputs);
    layers = List.copyOf(layers);
    weights = List.copyOf(weights);
    unsupportedLayers = List.copyOf(unsupportedLayers);
  }

  /**
   * A layer.
   *
   * @param name its name
   * @param className its Keras class
   * @param outputShape the shape of its (first) output; unknown where the network cannot be rebuilt
   * @param parameters number of parameters that Keras counts; empty where the network cannot be
   *     rebuilt
   * @param config its configuration as it was read
   */
  public record LayerDescription(
      String name,
      String className,
      Shape outputShape,
      Optional<Long> parameters,
      ObjectNode config) {}

  /**
   * A weight.
   *
   * @param name its qualified name, or the file's name for it where there is no configuration
   * @param path where the file holds it
   * @param shape its shape
   * @param dtype its data type as Keras names it, such as {@code float32}
   * @param trainable whether Keras would train it; empty where there is no configuration
   * @param counted whether Keras counts it: not so a bare variable, as VL3D's layer holds its
   *     kernel points in
   */
  public record WeightDescription(
      String name,
      String path,
      Shape shape,
      String dtype,
      Optional<Boolean> trainable,
      boolean counted) {}

  /**
   * Describes a model. Where its network cannot be rebuilt, as for layers that this library does
   * not know, the configuration and the weights are described as the file has them.
   *
   * @param path a SavedModel directory, a {@code .keras} archive, a {@code .h5} or a {@code
   *     .weights.h5}
   * @return what it holds
   * @throws KerasException if it is no model, or cannot be read
   */
  public static ModelDescription of(Path path) {
    return ModelDescriber.describe(path, Optional.empty());
  }

  /**
   * Describes a model whose file holds no configuration, as {@link #of(Path)}.
   *
   * @param path the file or directory
   * @param config its configuration
   * @return what it holds
   * @throws KerasException if it is no model, or cannot be read
   */
  public static ModelDescription of(Path path, KerasObject config) {
    return ModelDescriber.describe(path, Optional.of(config));
  }

  /**
   * The layers that no factory is for.
   *
   * @return those of the unsupported ones whose class this library does not know
   */
  public List<UnsupportedLayer> unknownLayers() {
    return unsupportedLayers.stream().filter(layer -> !layer.isKnown()).toList();
  }

  /**
   * Why it is this engine, or none.
   *
   * @return a line of text
   */
  public String engineReason() {
    if (engine.equals(Optional.of(Engine.FOLDED))) {
      return "the network can be rebuilt from its configuration";
    }
    return problem.orElse("the file holds no configuration to rebuild the network from");
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
    return layers.isEmpty() || problem.isPresent()
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
   *     signatures}, {@code inputs}, {@code outputs}, {@code layers}, {@code weights}, {@code
   *     total_params}, {@code trainable_params}, {@code non_trainable_params}, {@code
   *     unknown_layers}, {@code unsupported}, {@code problem}, {@code engine}, {@code
   *     engine_reason}; unknown values and dimensions are null
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
    tensors(json.putArray("inputs"), inputs);
    tensors(json.putArray("outputs"), outputs);
    ArrayNode ofLayers = json.putArray("layers");
    for (LayerDescription layer : layers) {
      ObjectNode node =
          ofLayers.addObject().put("name", layer.name()).put("class_name", layer.className());
      node.set("output_shape", shape(layer.outputShape()));
      node.put("params", layer.parameters().orElse(null)).set("config", layer.config());
    }
    ArrayNode ofWeights = json.putArray("weights");
    for (WeightDescription weight : weights) {
      ObjectNode node = ofWeights.addObject().put("name", weight.name()).put("path", weight.path());
      node.set("shape", shape(weight.shape()));
      node.put("dtype", weight.dtype());
      node.put("trainable", weight.trainable().orElse(null)).put("counted", weight.counted());
    }
    json.put("total_params", parameters());
    json.put("trainable_params", trainableParameters().orElse(null));
    json.put(
        "non_trainable_params",
        trainableParameters().map(trained -> parameters() - trained).orElse(null));
    ArrayNode unknown = json.putArray("unknown_layers");
    for (UnsupportedLayer layer : unknownLayers()) {
      describe(unknown.addObject(), layer)
          .put("name", layer.name())
          .put("registered_as", layer.registeredAs());
    }
    ArrayNode unsupported = json.putArray("unsupported");
    for (UnsupportedLayer layer : unsupportedLayers) {
      describe(unsupported.addObject(), layer).put("reason", layer.reason());
    }
    json.put("problem", problem.orElse(null));
    json.put("engine", engine.map(Engine::toString).orElse(null));
    json.put("engine_reason", engineReason());
    return json;
  }

  private static ObjectNode describe(ObjectNode node, UnsupportedLayer layer) {
    return node.put("path", layer.path())
        .put("class_name", layer.object().className())
        .put("module", layer.object().module().orElse(null));
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
