package io.github.kpconvx.keras.savedmodel;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.savedmodel.SavedModelVariables.StoredVariable;
import io.github.kpconvx.keras.weights.ClassNames;
import io.github.kpconvx.keras.weights.LayerSpec;
import io.github.kpconvx.keras.weights.StoredWeight;
import io.github.kpconvx.keras.weights.WeightAlignment;
import io.github.kpconvx.keras.weights.WeightSpec;
import io.github.kpconvx.keras.weights.WeightStore;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * The weights of a SavedModel of Keras 2's {@code model.save}, or of a checkpoint of its {@code
 * save_weights}, which remember the Python objects: layers by {@code layer-0}, {@code layer-1} and
 * so on, weights and sublayers by the names of the attributes that hold them. These names say which
 * weight is which.
 */
final class Keras2WeightStore implements WeightStore {
  /** Where the optimizer, metrics and functions are, which are not the model's weights. */
  private static final Set<String> NO_WEIGHTS = Set.of("optimizer", "keras_api", "signatures");

  /** Under what a model holds its layers. */
  private static final String LAYERS = "layers";

  private final SavedModelVariables values;
  private final ObjectGraph graph;
  private final Optional<Keras2Metadata> metadata;
  private final Map<Integer, StoredVariable> weights = new LinkedHashMap<>();

  /**
   * The weights of a directory.
   *
   * @param source the directory
   * @param graph its objects
   * @param metadata what Keras tells of them
   * @throws KerasException if the objects contradict each other
   */
  Keras2WeightStore(Path source, ObjectGraph graph, Keras2Metadata metadata) {
    this(SavedModelVariables.ofSavedModel(source), graph, Optional.of(metadata));
  }

  /**
   * The weights of a checkpoint, which tells no names of layers but their order.
   *
   * @param prefix what the names of its files begin with
   * @param graph its objects
   * @throws KerasException if the objects contradict each other
   */
  Keras2WeightStore(Path prefix, ObjectGraph graph) {
    this(SavedModelVariables.ofCheckpoint(prefix), graph, Optional.empty());
  }

  private Keras2WeightStore(
      SavedModelVariables values, ObjectGraph graph, Optional<Keras2Metadata> metadata) {
    this.values = values;
    this.graph = graph;
    this.metadata = metadata;
    if (graph.isEmpty()) {
      throw new KerasException(
          values.source() + " remembers no objects, expected a model and its layers");
    }
    graph.variables(NO_WEIGHTS).forEach((node, weight) -> weights.put(node, values.stored(weight)));
  }

  @Override
  public Path source() {
    return values.source();
  }

  @Override
  public List<StoredWeight> weights() {
    return List.copyOf(weights.values());
  }

  @Override
  public Map<String, StoredWeight> match(LayerSpec model) {
    Map<String, StoredWeight> found = new LinkedHashMap<>();
    Map<Integer, StoredVariable> left = new LinkedHashMap<>(weights);
    LayerSpec network = model.name().isEmpty() ? model : LayerSpec.network("", List.of(model));
    match(network, ObjectGraph.ROOT, "", "", left, found);
    left.values().stream()
        .findFirst()
        .ifPresent(
            weight -> {
              throw WeightAlignment.surplus(values.source().toString(), weight);
            });
    WeightAlignment.requireTypes(values.source().toString(), network, found);
    return found;
  }

  private void match(
      LayerSpec layer,
      int node,
      String path,
      String prefix,
      Map<Integer, StoredVariable> left,
      Map<String, StoredWeight> found) {
    for (WeightSpec weight : layer.weightsInKerasOrder()) {
      OptionalInt variable = graph.child(node, path, weight.name());
      if (variable.isPresent()) {
        StoredVariable stored = weights.get(variable.getAsInt());
        if (stored == null) {
          String place = ObjectGraph.join(path, weight.name());
          stored = values.stored(graph.variable(variable.getAsInt(), place));
        }
        if (!stored.shape().equals(weight.shape())) {
          throw WeightAlignment.misshapen(
              values.source().toString(), prefix + weight.name(), weight, stored, "");
        }
        left.remove(variable.getAsInt());
        found.put(prefix + weight.name(), stored);
      } else if (!weight.floating()) {
        throw missing(prefix + weight.name(), path, graph.children(node, path));
      }
    }
    layer
        .sublayers()
        .forEach(
            (attribute, sublayers) -> {
              List<Sublayer> held =
                  !attribute.equals(LAYERS)
                      ? held(node, path, attribute, layer)
                      : metadata.isPresent()
                          ? byName(node, path, sublayers, metadata.get())
                          : inOrder(node, path, sublayers);
              for (int i = 0; i < sublayers.size(); i++) {
                Sublayer sublayer = held.get(i);
                if (sublayer != null) {
                  match(
                      sublayers.get(i),
                      sublayer.node(),
                      sublayer.path(),
                      layer.prefixOf(prefix, attribute, i),
                      left,
                      found);
                }
              }
            });
  }

  /** A layer among the objects; null for one without weights, of which nothing is asked. */
  private record Sublayer(int node, String path) {}

  /** The layers of a model. */
  private List<Sublayer> byName(
      int node, String path, List<LayerSpec> layers, Keras2Metadata names) {
    Map<String, Sublayer> held = new LinkedHashMap<>();
    graph
        .children(node, path)
        .forEach(
            (name, child) -> {
              if (name.matches("layer-\\d{1,9}")) {
                names
                    .layerName(child)
                    .ifPresent(
                        layer ->
                            held.put(layer, new Sublayer(child, ObjectGraph.join(path, name))));
              }
            });
    List<Sublayer> found = new ArrayList<>();
    for (LayerSpec layer : layers) {
      Sublayer sublayer = held.get(layer.name());
      if (sublayer == null && !layer.qualifiedWeights().isEmpty()) {
        throw new KerasException(
            "%s: there is no layer '%s'%s, found %s"
                .formatted(
                    values.source(),
                    layer.name(),
                    path.isEmpty() ? "" : " in " + path,
                    ClassNames.list(List.copyOf(held.keySet()))));
      }
      found.add(layer.qualifiedWeights().isEmpty() ? null : sublayer);
    }
    return found;
  }

  /** The layers of a model, of which those with weights are numbered. */
  private List<Sublayer> inOrder(int node, String path, List<LayerSpec> layers) {
    Map<String, Integer> children = graph.children(node, path);
    List<Sublayer> found = new ArrayList<>();
    int number = 0;
    for (LayerSpec layer : layers) {
      if (layer.qualifiedWeights().isEmpty()) {
        found.add(null);
        continue;
      }
      String name = "layer_with_weights-" + number++;
      Integer child = children.get(name);
      if (child == null) {
        throw missing("layer '" + layer.name() + "' as " + name, path, children);
      }
      found.add(new Sublayer(child, ObjectGraph.join(path, name)));
    }
    return found;
  }

  /** The layers that a layer holds in an attribute: itself or in a list. */
  private List<Sublayer> held(int node, String path, String attribute, LayerSpec layer) {
    if (!layer.single().contains(attribute)) {
      return listed(node, path, attribute, layer.sublayers().get(attribute));
    }
    String place = ObjectGraph.join(path, attribute);
    OptionalInt sublayer = graph.child(node, path, attribute);
    if (sublayer.isEmpty()) {
      throw missing(place, path, graph.children(node, path));
    }
    return List.of(new Sublayer(sublayer.getAsInt(), place));
  }

  /** The layers in a list that a layer holds in an attribute. */
  private List<Sublayer> listed(int node, String path, String attribute, List<LayerSpec> layers) {
    String place = ObjectGraph.join(path, attribute);
    OptionalInt list = graph.child(node, path, attribute);
    Map<String, Integer> elements =
        list.isPresent() ? graph.children(list.getAsInt(), place) : new HashMap<>();
    List<Sublayer> found = new ArrayList<>();
    for (int i = 0; i < layers.size(); i++) {
      Integer element = elements.get(String.valueOf(i));
      if (element == null) {
        throw missing(
            place + "/" + i, path, list.isPresent() ? elements : graph.children(node, path));
      }
      found.add(new Sublayer(element, place + "/" + i));
    }
    return found;
  }

  private KerasException missing(String what, String path, Map<String, Integer> attributes) {
    return new KerasException(
        "%s: %s is missing: %s has the attributes %s"
            .formatted(
                values.source(),
                what,
                path.isEmpty() ? "the model" : path,
                ClassNames.list(List.copyOf(attributes.keySet()))));
  }

  @Override
  public void close() {
    values.close();
  }
}
