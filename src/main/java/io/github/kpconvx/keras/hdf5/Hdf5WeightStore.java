package io.github.kpconvx.keras.hdf5;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.weights.LayerSpec;
import io.github.kpconvx.keras.weights.StoredWeight;
import io.github.kpconvx.keras.weights.WeightAlignment;
import io.github.kpconvx.keras.weights.WeightStore;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.tensorflow.ndarray.Shape;

/**
 * The weights in an HDF5 file as {@code save_weights} of Keras 3, and of Keras 2.12 and later where
 * the name ends in {@code .weights.h5}, lays it out.
 *
 * <p>A layer's own weights are {@code <layer>/vars/0}, {@code <layer>/vars/1} and so on; a layer in
 * a list of its parent is {@code <parent>/<attribute>/<class in snake case, numbered>}. The names
 * of layers and weights play no part.
 *
 * <p>Keras 2.12 lists a model's layers elsewhere, and those with weights twice, so that a second
 * {@code Dense} is {@code _layer_checkpoint_dependencies/dense_2}.
 */
public final class Hdf5WeightStore implements WeightStore {
  /** Where Keras's trainer keeps state that is not the model's, at the top of a file. */
  private static final Set<String> TRAINER_STATE =
      Set.of("optimizer", "metrics", "_metrics", "_compile_metrics", "_loss_tracker");

  private static final Pattern SEED = Pattern.compile("(.*/)?seed_generator(_\\d+)?/vars/0");

  private final Path source;
  private final String name;
  private final List<Hdf5File> files;
  private final Map<String, Hdf5Weight> weights = new LinkedHashMap<>();
  private final LayerGroups places;

  /**
   * The weights of a file, which is closed with them.
   *
   * @param file the file
   * @throws KerasException if it holds what a weight file does not
   */
  public Hdf5WeightStore(Hdf5File file) {
    this(file.source(), file.name(), List.of(file));
  }

  /**
   * Weights that are spread over several files, which are closed with them.
   *
   * @param source names them all in errors
   * @param shards the files
   * @throws KerasException if one holds what a weight file does not, or what another holds too
   */
  public Hdf5WeightStore(Path source, List<Hdf5File> shards) {
    this(source, source.toString(), shards);
  }

  private Hdf5WeightStore(Path source, String name, List<Hdf5File> files) {
    this.source = source;
    this.name = name;
    this.files = List.copyOf(files);
    List<Hdf5File.Listing> listings = files.stream().map(file -> file.list(TRAINER_STATE)).toList();
    places =
        new LayerGroups(
            listings.stream()
                .flatMap(listing -> listing.groups().keySet().stream())
                .anyMatch(path -> path.endsWith(LayerGroups.LISTED_TWICE)));
    listings.forEach(listing -> listing.weights().forEach(this::add));
  }

  private void add(String path, Hdf5Weight weight) {
    if (!isSeed(weight) && weights.put(path, weight) != null) {
      throw new KerasException("%s: two of its files hold %s, expected one".formatted(name, path));
    }
  }

  private static boolean isSeed(Hdf5Weight weight) {
    return SEED.matcher(weight.path()).matches()
        && weight.isInteger()
        && weight.shape().equals(Shape.of(2));
  }

  @Override
  public Path source() {
    return source;
  }

  @Override
  public List<StoredWeight> weights() {
    return List.copyOf(weights.values());
  }

  @Override
  public Map<String, StoredWeight> match(LayerSpec model) {
    Map<String, StoredWeight> found = new LinkedHashMap<>();
    Map<String, Hdf5Weight> left = new LinkedHashMap<>(weights);
    match(model, model.name().isEmpty() ? "" : model.name() + "/", "", left, found);
    left.values().stream()
        .findFirst()
        .ifPresent(
            weight -> {
              throw WeightAlignment.surplus(name, weight);
            });
    WeightAlignment.requireTypes(name, model, found);
    return found;
  }

  private void match(
      LayerSpec layer,
      String prefix,
      String group,
      Map<String, Hdf5Weight> left,
      Map<String, StoredWeight> found) {
    List<Hdf5Weight> own = new ArrayList<>();
    Hdf5Weight weight;
    while ((weight = left.get(group + "vars/" + own.size())) != null) {
      own.add(weight);
    }
    List<WeightAlignment.Run> runs = WeightAlignment.Run.of(prefix, layer.weightsInKerasOrder());
    WeightAlignment.align(name + ", " + group + "vars", runs, own)
        .forEach(run -> run.forEach((name, stored) -> found.put(prefix + name, stored)));
    own.forEach(matched -> left.remove(matched.path()));
    layer
        .sublayers()
        .forEach(
            (attribute, sublayers) -> {
              List<String> groups = places.of(layer, attribute, sublayers);
              for (int i = 0; i < sublayers.size(); i++) {
                match(
                    sublayers.get(i),
                    layer.prefixOf(prefix, attribute, i),
                    group + groups.get(i) + "/",
                    left,
                    found);
              }
            });
  }

  @Override
  public void close() {
    files.forEach(Hdf5File::close);
  }
}
