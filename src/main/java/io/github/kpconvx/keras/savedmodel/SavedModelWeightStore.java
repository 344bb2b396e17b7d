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
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The weights of a Keras 3 SavedModel.
 *
 * <p>Keras's order and the shapes say which weight is which. Names are whatever the layers in
 * Python chose, so they only count where the file plainly speaks the model's language: see {@link
 * WeightAlignment#requireOrder}.
 */
final class SavedModelWeightStore implements WeightStore {
  private final SavedModelVariables values;
  private final List<StoredVariable> weights;
  private final List<StoredVariable> untracked;

  /**
   * Weights of a layer of the model.
   *
   * @param name the layer's name
   * @param run weights of its own
   * @param names its name and those of the models and layers that it is in
   */
  private record Place(String name, WeightAlignment.Run run, Set<String> names) {}

  /**
   * The weights of a directory.
   *
   * @param source the directory
   * @param variables what its object graph declares
   */
  SavedModelWeightStore(Path source, SavedVariables variables) {
    values = SavedModelVariables.ofSavedModel(source);
    weights = variables.weights().stream().map(values::stored).toList();
    untracked = variables.untracked().stream().map(values::stored).toList();
  }

  @Override
  public Path source() {
    return values.source();
  }

  @Override
  public List<StoredWeight> weights() {
    return Stream.<StoredWeight>concat(weights.stream(), untracked.stream()).toList();
  }

  @Override
  public Map<String, StoredWeight> match(LayerSpec model) {
    List<Place> places = new ArrayList<>();
    addPlaces(model, model.name().isEmpty() ? "" : model.name() + "/", Set.of(), places);
    String file = values.source().toString();
    List<Map<String, StoredWeight>> aligned =
        WeightAlignment.align(file, places.stream().map(Place::run).toList(), weights);
    requireLayerOrder(places, aligned);
    Set<StoredVariable> left = new LinkedHashSet<>(untracked);
    Map<String, StoredWeight> found = new LinkedHashMap<>();
    for (int i = 0; i < places.size(); i++) {
      WeightAlignment.Run run = places.get(i).run();
      Map<String, StoredWeight> own = aligned.get(i);
      WeightAlignment.requireOrder(file, run.prefix(), run.all(), own);
      own.forEach((name, weight) -> found.put(run.prefix() + name, weight));
    }
    List<Place> lacking =
        places.stream()
            .filter(place -> place.run().floating() != null)
            .filter(
                place -> !found.containsKey(place.run().prefix() + place.run().floating().name()))
            .toList();
    List<Place> unnamed = new ArrayList<>();
    // Those with a variable of their own name first, so that the rest may be told by exclusion.
    for (Place place : lacking) {
      Optional<StoredVariable> named =
          bareNamed(place.name() + "/" + place.run().floating().name(), left);
      named.ifPresentOrElse(
          weight -> take(place.run(), weight, left, found), () -> unnamed.add(place));
    }
    for (Place place : unnamed) {
      bareFitting(place.run(), left).ifPresent(weight -> take(place.run(), weight, left, found));
    }
    left.stream()
        .findFirst()
        .ifPresent(
            weight -> {
              throw WeightAlignment.surplus(file, weight);
            });
    WeightAlignment.requireTypes(file, model, found);
    return found;
  }

  private static void addPlaces(
      LayerSpec layer, String prefix, Set<String> around, List<Place> places) {
    Set<String> names = new LinkedHashSet<>(around);
    if (!layer.name().isEmpty()) {
      names.add(layer.name());
    }
    WeightAlignment.Run.of(prefix, layer.weightsInKerasOrder())
        .forEach(run -> places.add(new Place(layer.name(), run, names)));
    layer.visitSublayers(prefix, (below, sublayer) -> addPlaces(sublayer, below, names, places));
  }

  private static Optional<StoredVariable> bareNamed(String name, Set<StoredVariable> left) {
    return left.stream().filter(weight -> weight.name().equals(name)).findFirst();
  }

  private Optional<StoredVariable> bareFitting(WeightAlignment.Run run, Set<StoredVariable> left) {
    WeightSpec wanted = run.floating();
    List<StoredVariable> named =
        left.stream().filter(weight -> weight.variable().lastName().equals(wanted.name())).toList();
    List<StoredVariable> fitting =
        named.stream().filter(weight -> weight.shape().equals(wanted.shape())).toList();
    if (fitting.size() > 1) {
      throw new KerasException(
          "%s: weight %s%s of shape %s could be any of %s; expected one, or one named after its layer"
              .formatted(
                  values.source(),
                  run.prefix(),
                  wanted.name(),
                  WeightAlignment.text(wanted.shape()),
                  ClassNames.list(fitting.stream().map(WeightAlignment::describe).toList())));
    }
    return fitting.isEmpty() && named.size() == 1
        ? Optional.of(named.get(0))
        : fitting.stream().findFirst();
  }

  private void take(
      WeightAlignment.Run run,
      StoredVariable weight,
      Set<StoredVariable> left,
      Map<String, StoredWeight> found) {
    String name = run.prefix() + run.floating().name();
    if (!weight.shape().equals(run.floating().shape())) {
      throw WeightAlignment.misshapen(values.source().toString(), name, run.floating(), weight, "");
    }
    left.remove(weight);
    found.put(name, weight);
  }

  /** Refuses layers that are stored under the model's own layer names but in another order. */
  private void requireLayerOrder(List<Place> places, List<Map<String, StoredWeight>> aligned) {
    Set<String> known = new HashSet<>();
    places.forEach(place -> known.addAll(place.names()));
    if (!weights.stream().allMatch(weight -> known.contains(weight.variable().layer()))) {
      return;
    }
    for (int i = 0; i < places.size(); i++) {
      Place place = places.get(i);
      aligned
          .get(i)
          .forEach(
              (name, weight) -> {
                if (!place.names().contains(((StoredVariable) weight).variable().layer())) {
                  throw WeightAlignment.misnamed(
                      values.source().toString(),
                      place.run().prefix() + name,
                      weight,
                      "a name that begins with " + String.join(" or ", place.names()));
                }
              });
    }
  }

  @Override
  public void close() {
    values.close();
  }
}
