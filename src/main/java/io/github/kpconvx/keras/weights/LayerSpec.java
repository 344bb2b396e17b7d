package io.github.kpconvx.keras.weights;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;

/**
 * What a layer expects of a weight file: its own weights and its sublayers, as a tree.
 *
 * <p>A whole network is such a tree too: no weights of its own and one list of sublayers called
 * {@code layers}.
 *
 * @param name the layer's name in its model; empty for the root
 * @param className the Keras class name, which Keras's weight files derive a layer's path from
 * @param trainable whether the layer is to be trained, on which the order of weights depends in
 *     files of Keras 2
 * @param weights the layer's own weights in the order in which the Keras layer creates them
 * @param sublayers the sublayers by the attribute of the Keras layer that holds them, in the order
 *     of creation
 * @param single the attributes that hold a layer itself, not a list or dictionary of layers
 */
public record LayerSpec(
    String name,
    String className,
    boolean trainable,
    List<WeightSpec> weights,
    Map<String, List<LayerSpec>> sublayers,
    Set<String> single) {

  public LayerSpec {
    single = Set.copyOf(single);
    weights = List.copyOf(weights);
    Map<String, List<LayerSpec>> copy = new LinkedHashMap<>();
    sublayers.forEach((attribute, layers) -> copy.put(attribute, List.copyOf(layers)));
    sublayers = java.util.Collections.unmodifiableMap(copy);
  }

  /**
   * A layer that is to be trained.
   *
   * @param name the layer's name in its model
   * @param className the Keras class name
   * @param weights its weights in the order of creation
   * @param sublayers lists of sublayers by the attribute that holds them
   */
  public LayerSpec(
      String name,
      String className,
      List<WeightSpec> weights,
      Map<String, List<LayerSpec>> sublayers) {
    this(name, className, true, weights, sublayers, Set.of());
  }

  /**
   * A layer whose sublayers stand in lists.
   *
   * @param name the layer's name in its model
   * @param className the Keras class name
   * @param trainable whether the layer is to be trained
   * @param weights its weights in the order of creation
   * @param sublayers lists of sublayers by the attribute that holds them
   */
  public LayerSpec(
      String name,
      String className,
      boolean trainable,
      List<WeightSpec> weights,
      Map<String, List<LayerSpec>> sublayers) {
    this(name, className, trainable, weights, sublayers, Set.of());
  }

  /**
   * A layer without sublayers.
   *
   * @param name the layer's name in its model
   * @param className the Keras class name
   * @param weights its weights in the order of creation
   */
  public LayerSpec(String name, String className, List<WeightSpec> weights) {
    this(name, className, weights, Map.of());
  }

  /**
   * The root of a network.
   *
   * @param className {@code Functional} or {@code Sequential}
   * @param layers the network's layers in Keras's order
   * @return the root
   */
  public static LayerSpec network(String className, List<LayerSpec> layers) {
    return new LayerSpec("", className, List.of(), Map.of("layers", layers));
  }

  /**
   * The layer's own weights in the order of Keras's {@code layer.variables}: trainable ones first.
   *
   * @return the weights
   */
  public List<WeightSpec> weightsInKerasOrder() {
    List<WeightSpec> ordered = new ArrayList<>();
    weights.stream().filter(WeightSpec::trainable).forEach(ordered::add);
    weights.stream().filter(weight -> !weight.trainable()).forEach(ordered::add);
    return ordered;
  }

  /**
   * Every weight of the tree by its qualified name, in Keras's order: a layer's own, then its
   * sublayers'.
   *
   * <p>A weight is {@code layer/weight}; one of a sublayer is {@code layer/attribute/index/weight},
   * such as {@code kpconvx/bn_phi/0/gamma}, or {@code layer/attribute/weight} if the attribute
   * holds one layer itself. The root and its {@code layers} add nothing to the name.
   *
   * @return weights by qualified name
   */
  public Map<String, WeightSpec> qualifiedWeights() {
    Map<String, WeightSpec> all = new LinkedHashMap<>();
    visit(
        (prefix, layer) -> layer.weightsInKerasOrder().forEach(w -> all.put(prefix + w.name(), w)));
    return all;
  }

  /**
   * Visits this layer and its sublayers, depth first, in Keras's order.
   *
   * @param visitor gets each layer with the prefix of its weights' qualified names (empty or ending
   *     in a slash)
   */
  public void visit(BiConsumer<String, LayerSpec> visitor) {
    visit(name.isEmpty() ? "" : name + "/", visitor);
  }

  private void visit(String prefix, BiConsumer<String, LayerSpec> visitor) {
    visitor.accept(prefix, this);
    visitSublayers(prefix, (below, layer) -> layer.visit(below, visitor));
  }

  /** Visits the sublayers of this layer, not theirs, with the prefixes that follow from its own. */
  public void visitSublayers(String prefix, BiConsumer<String, LayerSpec> visitor) {
    sublayers.forEach(
        (attribute, layers) -> {
          for (int i = 0; i < layers.size(); i++) {
            visitor.accept(prefixOf(prefix, attribute, i), layers.get(i));
          }
        });
  }

  /** What the qualified names of a sublayer's weights begin with. */
  public String prefixOf(String prefix, String attribute, int index) {
    return name.isEmpty()
        ? sublayers.get(attribute).get(index).name() + "/"
        : prefixOf(prefix, attribute, single.contains(attribute), index);
  }

  /**
   * What the qualified names of a sublayer's weights begin with.
   *
   * @param prefix what the layer's own begin with
   * @param attribute the attribute that holds the sublayer
   * @param single whether it holds the sublayer itself
   * @param index the sublayer's place if not
   * @return the prefix, which ends in a slash
   */
  public static String prefixOf(String prefix, String attribute, boolean single, int index) {
    return prefix + attribute + "/" + (single ? "" : index + "/");
  }
}
