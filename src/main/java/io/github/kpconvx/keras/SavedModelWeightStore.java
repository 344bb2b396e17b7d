package io.github.kpconvx.keras;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.types.TFloat32;

/**
 * The weights of a Keras 3 SavedModel.
 *
 * <p>Keras's order and the shapes say which weight is which. Names are whatever the layers in
 * Python chose, so they only count where the file plainly speaks the model's language: see {@link
 * #requireOrder}.
 */
final class SavedModelWeightStore implements WeightStore {
  /** What Keras's own layers call the weights that they may have or lack. */
  private static final Set<String> KERAS_NAMES =
      Set.of("kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance");

  private final Path source;
  private final List<Weight> weights;
  private final List<Weight> bare;
  private Checkpoint checkpoint;
  private boolean closed;

  /**
   * The weights of a directory.
   *
   * @param source the directory
   * @param variables what its object graph declares
   */
  SavedModelWeightStore(Path source, SavedVariables variables) {
    this.source = source;
    weights = variables.weights().stream().map(Weight::new).toList();
    bare = variables.bare().stream().map(Weight::new).toList();
  }

  @Override
  public Path source() {
    return source;
  }

  @Override
  public List<StoredWeight> weights() {
    return Stream.<StoredWeight>concat(weights.stream(), bare.stream()).toList();
  }

  @Override
  public Map<String, StoredWeight> match(LayerSpec model) {
    List<WeightAlignment.Run> runs = new ArrayList<>();
    List<String> layerNames = new ArrayList<>();
    model.visit(
        (prefix, layer) -> {
          runs.add(WeightAlignment.Run.of(prefix, layer));
          layerNames.add(layer.name());
        });
    String file = source.toString();
    List<Map<String, StoredWeight>> aligned = WeightAlignment.align(file, runs, weights);
    requireLayerOrder(runs, aligned);
    Set<Weight> left = new LinkedHashSet<>(bare);
    Map<String, StoredWeight> found = new LinkedHashMap<>();
    for (int i = 0; i < runs.size(); i++) {
      WeightAlignment.Run run = runs.get(i);
      Map<String, StoredWeight> own = aligned.get(i);
      requireOrder(run, own);
      own.forEach((name, weight) -> found.put(run.prefix() + name, weight));
    }
    for (int i = 0; i < runs.size(); i++) {
      WeightAlignment.Run run = runs.get(i);
      if (run.floating() != null && !found.containsKey(run.prefix() + run.floating().name())) {
        // Those with a variable of their own name first, so that the rest may be told by exclusion.
        bareNamed(layerNames.get(i) + "/" + run.floating().name(), left)
            .ifPresent(weight -> take(run, weight, left, found));
      }
    }
    for (WeightAlignment.Run run : runs) {
      if (run.floating() != null && !found.containsKey(run.prefix() + run.floating().name())) {
        bareFitting(run, left).ifPresent(weight -> take(run, weight, left, found));
      }
    }
    left.stream()
        .findFirst()
        .ifPresent(
            weight -> {
              throw WeightAlignment.surplus(file, weight);
            });
    WeightAlignment.requireFloat32(file, found);
    return found;
  }

  private static Optional<Weight> bareNamed(String name, Set<Weight> left) {
    return left.stream().filter(weight -> weight.name().equals(name)).findFirst();
  }

  private Optional<Weight> bareFitting(WeightAlignment.Run run, Set<Weight> left) {
    WeightSpec wanted = run.floating();
    List<Weight> named =
        left.stream().filter(weight -> weight.variable.lastName().equals(wanted.name())).toList();
    List<Weight> fitting =
        named.stream().filter(weight -> weight.shape().equals(wanted.shape())).toList();
    if (fitting.size() > 1) {
      throw new KerasException(
          "%s: weight %s%s of shape %s could be any of %s; expected one, or one named after its layer"
              .formatted(
                  source,
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
      WeightAlignment.Run run, Weight weight, Set<Weight> left, Map<String, StoredWeight> found) {
    String name = run.prefix() + run.floating().name();
    if (!weight.shape().equals(run.floating().shape())) {
      throw WeightAlignment.misshapen(source.toString(), name, run.floating(), weight, "");
    }
    left.remove(weight);
    found.put(name, weight);
  }

  /**
   * Refuses a layer whose weights are stored under its own names but in another order, such as a
   * bias where the kernel of the same shape belongs. Names that are not all the layer's own say
   * nothing: another implementation of the layer may use them for other things.
   */
  private void requireOrder(WeightAlignment.Run run, Map<String, StoredWeight> own) {
    Set<String> known = run.fixed().stream().map(WeightSpec::name).collect(Collectors.toSet());
    if (KERAS_NAMES.containsAll(known)) {
      known.addAll(KERAS_NAMES);
    }
    if (run.floating() != null) {
      known.add(run.floating().name());
    }
    if (own.values().stream().allMatch(weight -> known.contains(variable(weight).lastName()))) {
      own.forEach(
          (name, weight) -> {
            if (!variable(weight).lastName().equals(name)) {
              throw misnamed(run.prefix() + name, weight, "a name that ends in " + name);
            }
          });
    }
  }

  /** Refuses layers that are stored under the model's own layer names but in another order. */
  private void requireLayerOrder(
      List<WeightAlignment.Run> runs, List<Map<String, StoredWeight>> aligned) {
    Set<String> known = runs.stream().map(run -> layer(run.prefix())).collect(Collectors.toSet());
    if (!weights.stream().allMatch(weight -> known.contains(weight.variable.layer()))) {
      return;
    }
    for (int i = 0; i < runs.size(); i++) {
      String prefix = runs.get(i).prefix();
      aligned
          .get(i)
          .forEach(
              (name, weight) -> {
                if (!variable(weight).layer().equals(layer(prefix))) {
                  throw misnamed(prefix + name, weight, "a name that begins with " + layer(prefix));
                }
              });
    }
  }

  private static String layer(String prefix) {
    return prefix.substring(0, Math.max(0, prefix.indexOf('/')));
  }

  private KerasException misnamed(String name, StoredWeight weight, String expected) {
    return new KerasException(
        "%s: in the place of weight %s is %s, expected %s; the file's weights are in another order"
            .formatted(source, name, WeightAlignment.describe(weight), expected));
  }

  private static SavedVariables.Variable variable(StoredWeight weight) {
    return ((Weight) weight).variable;
  }

  @Override
  public void close() {
    closed = true;
    if (checkpoint != null) {
      checkpoint.close();
      checkpoint = null;
    }
  }

  /** A variable and its value in the checkpoint. */
  private final class Weight implements StoredWeight {
    private final SavedVariables.Variable variable;

    Weight(SavedVariables.Variable variable) {
      this.variable = variable;
    }

    @Override
    public String path() {
      return variable.path();
    }

    @Override
    public String name() {
      return variable.name();
    }

    @Override
    public Shape shape() {
      return variable.shape();
    }

    @Override
    public String dtype() {
      return variable.dtype();
    }

    @Override
    public Optional<Boolean> trainable() {
      return Optional.of(variable.trainable());
    }

    @Override
    public boolean isBare() {
      return variable.path().startsWith(SavedVariables.ALL + "/");
    }

    @Override
    public TFloat32 read() {
      if (closed) {
        throw new IllegalStateException(source + " is closed");
      }
      WeightAlignment.requireFloat32(source.toString(), variable.name(), this);
      if (checkpoint == null) {
        checkpoint = new Checkpoint(source);
      }
      return checkpoint.read(variable.path(), variable.shape());
    }
  }
}
