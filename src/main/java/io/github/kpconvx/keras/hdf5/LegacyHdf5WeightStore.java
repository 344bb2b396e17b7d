package io.github.kpconvx.keras.hdf5;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.weights.ClassNames;
import io.github.kpconvx.keras.weights.LayerSpec;
import io.github.kpconvx.keras.weights.StoredWeight;
import io.github.kpconvx.keras.weights.WeightAlignment;
import io.github.kpconvx.keras.weights.WeightSpec;
import io.github.kpconvx.keras.weights.WeightStore;
import io.jhdf.api.Group;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The weights in an HDF5 file as Keras 2 lays it out, and Keras 3 where a whole model is saved as
 * {@code .h5}: at the top or in {@code model_weights} a group for each layer.
 *
 * <p>The attribute {@code layer_names} tells the layers' order, {@code weight_names} of a layer's
 * group the order of its weights, those of its sublayers among them: all that are trained, then the
 * others. The names must not contradict that order where they are the model's own. A layer that is
 * not trained counts all its weights among the others.
 */
public final class LegacyHdf5WeightStore implements WeightStore {
  private static final String LAYER_NAMES = "layer_names";
  private static final String WEIGHT_NAMES = "weight_names";
  private static final String MODEL_WEIGHTS = "model_weights";

  /** Where the state of an optimizer is, which is not the model's. */
  private static final String OPTIMIZER_WEIGHTS = "optimizer_weights";

  private final Hdf5File file;
  private final Map<String, List<Hdf5Weight>> layers = new LinkedHashMap<>();

  /**
   * The weights of a file, which is closed with them.
   *
   * @param file the file
   * @throws KerasException if it is not laid out so, or contradicts itself
   */
  public LegacyHdf5WeightStore(Hdf5File file) {
    this.file = file;
    String top = file.hasChild(MODEL_WEIGHTS) ? MODEL_WEIGHTS : "";
    Hdf5File.Listing listing = file.list(top.isEmpty() ? Set.of() : Set.of(OPTIMIZER_WEIGHTS));
    Map<String, Hdf5Weight> left = new LinkedHashMap<>(listing.weights());
    for (String layer : names(listing, top, LAYER_NAMES)) {
      addLayer(listing, top, layer, left);
    }
    String ownWeights = join(top, "top_level_model_weights");
    if (listing.groups().containsKey(ownWeights)) {
      addLayer(listing, top, "top_level_model_weights", left);
    }
    left.values().stream()
        .findFirst()
        .ifPresent(
            weight -> {
              throw new KerasException(
                  "%s: %s is in no list of %s of its group, expected every dataset to be there"
                      .formatted(file.name(), weight.path(), WEIGHT_NAMES));
            });
  }

  /** Whether a file is laid out so. */
  public static boolean isLegacy(Hdf5File file) {
    return file.hasChild(MODEL_WEIGHTS)
        || file.hasAttribute(LAYER_NAMES)
        || file.hasAttribute(LAYER_NAMES + "0");
  }

  private void addLayer(
      Hdf5File.Listing listing, String top, String layer, Map<String, Hdf5Weight> left) {
    String path = join(top, layer);
    List<Hdf5Weight> weights = new ArrayList<>();
    for (String name : names(listing, path, WEIGHT_NAMES)) {
      Hdf5Weight weight = left.remove(join(path, name));
      if (weight == null) {
        throw new KerasException(
            "%s: %s of %s lists '%s', which is not there or listed before; found %s"
                .formatted(
                    file.name(),
                    WEIGHT_NAMES,
                    path,
                    name,
                    ClassNames.list(
                        left.keySet().stream().filter(p -> p.startsWith(path + "/")).toList())));
      }
      weights.add(weight.named(name));
    }
    if (layers.put(layer, weights) != null) {
      throw new KerasException(
          "%s: %s lists layer '%s' twice".formatted(file.name(), LAYER_NAMES, layer));
    }
  }

  private List<String> names(Hdf5File.Listing listing, String path, String attribute) {
    Group group = listing.groups().get(path);
    if (group == null) {
      throw new KerasException(
          "%s: there is no group %s, which %s lists".formatted(file.name(), path, LAYER_NAMES));
    }
    Optional<List<String>> texts = file.texts(group, path, attribute);
    if (texts.isEmpty() && group.getChildren().isEmpty()) {
      return List.of(); // A model without weights, which Keras lists as an empty array.
    }
    return texts.orElseThrow(
        () ->
            new KerasException(
                "%s: %s has no attribute %s, expected it to list the names there"
                    .formatted(
                        file.name(), path.isEmpty() ? "the file" : "group " + path, attribute)));
  }

  private static String join(String path, String name) {
    return path.isEmpty() ? name : path + "/" + name;
  }

  @Override
  public Path source() {
    return file.source();
  }

  @Override
  public List<StoredWeight> weights() {
    return layers.values().stream().<StoredWeight>flatMap(List::stream).toList();
  }

  @Override
  public Map<String, StoredWeight> match(LayerSpec model) {
    boolean network = model.name().isEmpty();
    List<LayerSpec> expected =
        (network ? model.sublayers().values().stream().flatMap(List::stream) : Stream.of(model))
            .filter(layer -> !layer.qualifiedWeights().isEmpty())
            .toList();
    List<String> stored =
        layers.keySet().stream().filter(layer -> !layers.get(layer).isEmpty()).toList();
    requireSameLayers(expected.stream().map(LayerSpec::name).toList(), stored);
    Map<String, StoredWeight> found = new LinkedHashMap<>();
    for (int i = 0; i < expected.size(); i++) {
      LayerSpec layer = expected.get(i);
      match(layer.name() + "/", layer, stored.get(i), found);
    }
    WeightAlignment.requireTypes(file.name(), model, found);
    return found;
  }

  /** Keras goes by the order of the layers; their names may differ, but not be those of others. */
  private void requireSameLayers(List<String> expected, List<String> stored) {
    boolean sameNames = expected.containsAll(stored);
    if (stored.size() != expected.size() || (sameNames && !stored.equals(expected))) {
      throw new KerasException(
          "%s holds weights of the layers %s, expected those of %s, in this order"
              .formatted(file.name(), ClassNames.list(stored), ClassNames.list(expected)));
    }
  }

  private void match(
      String prefix, LayerSpec layer, String group, Map<String, StoredWeight> found) {
    List<WeightSpec> expected = inOrder(layer);
    String place = file.name() + ", " + group;
    Map<String, StoredWeight> own = new LinkedHashMap<>();
    WeightAlignment.align(place, WeightAlignment.Run.of(prefix, expected), layers.get(group))
        .forEach(own::putAll);
    WeightAlignment.requireOrder(place, prefix, expected, own);
    own.forEach((name, weight) -> found.put(prefix + name, weight));
  }

  /** A layer's weights and its sublayers' in Keras 2's order, by their names inside the layer. */
  static List<WeightSpec> inOrder(LayerSpec layer) {
    List<WeightSpec> ordered = new ArrayList<>();
    addTrained(layer, "", ordered);
    addOthers(layer, "", ordered);
    return ordered;
  }

  /** Keras 2's {@code layer.trainable_weights}. */
  private static void addTrained(LayerSpec layer, String prefix, List<WeightSpec> ordered) {
    if (layer.trainable()) {
      addOwn(layer, prefix, true, ordered);
      layer.visitSublayers(prefix, (below, sublayer) -> addTrained(sublayer, below, ordered));
    }
  }

  /** Keras 2's {@code layer.non_trainable_weights}. */
  private static void addOthers(LayerSpec layer, String prefix, List<WeightSpec> ordered) {
    if (!layer.trainable()) {
      addOwn(layer, prefix, true, ordered);
    }
    addOwn(layer, prefix, false, ordered);
    layer.visitSublayers(
        prefix,
        (below, sublayer) -> {
          if (!layer.trainable()) {
            addTrained(sublayer, below, ordered);
          }
          addOthers(sublayer, below, ordered);
        });
  }

  private static void addOwn(
      LayerSpec layer, String prefix, boolean trainable, List<WeightSpec> ordered) {
    layer.weights().stream()
        .filter(weight -> weight.trainable() == trainable)
        .map(weight -> weight.named(prefix + weight.name()))
        .forEach(ordered::add);
  }

  @Override
  public void close() {
    file.close();
  }
}
