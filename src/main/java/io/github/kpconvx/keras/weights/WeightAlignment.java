package io.github.kpconvx.keras.weights;

import io.github.kpconvx.dtype.DType;
import io.github.kpconvx.keras.KerasException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.tensorflow.ndarray.Shape;

/**
 * Lays the weights that layers expect beside the weights that a file holds in the same order.
 *
 * <p>Order and shapes decide. A floating weight may stand anywhere among its layer's weights or not
 * at all: of the ways that fit, the one with the most floating weights at their usual place is
 * taken, and two such ways are an error.
 */
public final class WeightAlignment {

  /**
   * Weights of a layer that follow each other in a file.
   *
   * @param prefix begins their qualified names
   * @param fixed those that every file holds, in Keras's order
   * @param floating the floating one, or null
   * @param usual how many of the fixed ones usually stand before the floating one
   */
  public record Run(String prefix, List<WeightSpec> fixed, WeightSpec floating, int usual) {

    /**
     * Cuts weights that follow each other into runs of one floating weight at most.
     *
     * @param prefix begins their qualified names
     * @param weights the weights in Keras's order
     * @return the runs; one without weights if there are none
     */
    public static List<Run> of(String prefix, List<WeightSpec> weights) {
      List<Run> runs = new ArrayList<>();
      List<WeightSpec> fixed = new ArrayList<>();
      WeightSpec floating = null;
      int usual = 0;
      for (WeightSpec weight : weights) {
        if (!weight.floating()) {
          fixed.add(weight);
          continue;
        }
        if (floating != null) {
          runs.add(new Run(prefix, List.copyOf(fixed), floating, usual));
          fixed.clear();
        }
        floating = weight;
        usual = fixed.size();
      }
      runs.add(new Run(prefix, List.copyOf(fixed), floating, usual));
      return runs;
    }

    /** The weights as they stand when the floating one comes after {@code place} fixed ones. */
    List<WeightSpec> order(int place) {
      List<WeightSpec> order = new ArrayList<>(fixed);
      if (place != ABSENT) {
        order.add(place, floating);
      }
      return order;
    }

    /** All weights that may be there. */
    public List<WeightSpec> all() {
      return order(floating == null ? ABSENT : usual);
    }

    List<Integer> places() {
      List<Integer> places = new ArrayList<>();
      places.add(ABSENT);
      for (int place = 0; floating != null && place <= fixed.size(); place++) {
        places.add(place);
      }
      return places;
    }
  }

  private static final int ABSENT = -1;

  /** What Keras's own layers call the weights that they may have or lack. */
  private static final Set<String> KERAS_NAMES =
      Set.of("kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance");

  /**
   * A way to read the file from some weight of it to its end.
   *
   * @param place the place of the first run's floating weight
   * @param unusual how many floating weights stand at an unusual place
   * @param tied whether another place of the first run's floating weight is as good
   */
  private record Way(int place, int unusual, boolean tied) {}

  private static final Way END = new Way(ABSENT, 0, false);

  private final String file;
  private final List<Run> runs;
  private final List<? extends StoredWeight> stored;

  private WeightAlignment(String file, List<Run> runs, List<? extends StoredWeight> stored) {
    this.file = file;
    this.runs = runs;
    this.stored = stored;
  }

  /**
   * Finds the stored weight for each expected one.
   *
   * @param file names the file in errors
   * @param runs what is expected
   * @param stored what the file holds
   * @return for each run its stored weights by the name inside the layer, in the file's order; all
   *     stored weights are in it
   * @throws KerasException if a weight is missing, surplus or of another shape, or if a floating
   *     weight's place is not certain
   */
  public static List<Map<String, StoredWeight>> align(
      String file, List<Run> runs, List<? extends StoredWeight> stored) {
    return new WeightAlignment(file, runs, stored).align();
  }

  private List<Map<String, StoredWeight>> align() {
    // ways.get(run).get(position), filled from the end so that long networks need no deep stack.
    List<List<Way>> ways = new ArrayList<>();
    for (int run = 0; run <= runs.size(); run++) {
      ways.add(new ArrayList<>());
    }
    for (int run = runs.size(); run >= 0; run--) {
      for (int position = 0; position <= stored.size(); position++) {
        boolean last = run == runs.size();
        ways.get(run)
            .add(
                last
                    ? position == stored.size() ? END : null
                    : best(runs.get(run), position, ways.get(run + 1)));
      }
    }
    if (ways.get(0).get(0) == null) {
      throw mismatch();
    }
    List<Map<String, StoredWeight>> found = new ArrayList<>();
    int position = 0;
    for (int run = 0; run < runs.size(); run++) {
      Way way = ways.get(run).get(position);
      if (way.tied()) {
        throw ambiguous(runs.get(run), position);
      }
      Map<String, StoredWeight> weights = new LinkedHashMap<>();
      for (WeightSpec weight : runs.get(run).order(way.place())) {
        weights.put(weight.name(), stored.get(position++));
      }
      found.add(weights);
    }
    return found;
  }

  private Way best(Run run, int position, List<Way> next) {
    Way best = null;
    for (int place : run.places()) {
      List<WeightSpec> order = run.order(place);
      Way rest = fits(order, position) ? next.get(position + order.size()) : null;
      if (rest == null) {
        continue;
      }
      int unusual = rest.unusual() + (place == ABSENT || place == run.usual() ? 0 : 1);
      if (best == null || unusual < best.unusual()) {
        best = new Way(place, unusual, false);
      } else if (unusual == best.unusual()) {
        best = new Way(best.place(), unusual, true);
      }
    }
    return best;
  }

  private boolean fits(List<WeightSpec> order, int position) {
    if (position + order.size() > stored.size()) {
      return false;
    }
    for (int i = 0; i < order.size(); i++) {
      if (!order.get(i).shape().equals(stored.get(position + i).shape())) {
        return false;
      }
    }
    return true;
  }

  /**
   * What is wrong when no way fits: the first difference, floating weights where they usually are.
   */
  private KerasException mismatch() {
    int position = 0;
    for (Run run : runs) {
      List<WeightSpec> order = run.order(ABSENT);
      for (int place : run.places()) {
        if (fits(run.order(place), position) && (place == run.usual() || !fits(order, position))) {
          order = run.order(place);
        }
      }
      for (WeightSpec weight : order) {
        if (position == stored.size()) {
          return missing(run, weight);
        }
        StoredWeight there = stored.get(position++);
        if (!weight.shape().equals(there.shape())) {
          return misshapen(file, run.prefix() + weight.name(), weight, there, counts());
        }
      }
    }
    return surplus(file, stored.get(Math.min(position, stored.size() - 1)));
  }

  private KerasException missing(Run run, WeightSpec weight) {
    return new KerasException(
        "%s: weight %s%s of shape %s is missing%s; found %s"
            .formatted(
                file,
                run.prefix(),
                weight.name(),
                text(weight.shape()),
                counts(),
                ClassNames.list(stored.stream().map(WeightAlignment::describe).toList())));
  }

  private KerasException ambiguous(Run run, int position) {
    return new KerasException(
        "%s: the place of weight %s%s cannot be told, since its shape %s fits more than one of the"
                .formatted(file, run.prefix(), run.floating().name(), text(run.floating().shape()))
            + " weights from %s on; expected exactly one"
                .formatted(describe(stored.get(position))));
  }

  private String counts() {
    int expected = runs.stream().mapToInt(run -> run.fixed().size()).sum();
    boolean floating = runs.stream().anyMatch(run -> run.floating() != null);
    return stored.size() == expected
        ? ""
        : "; the file holds %d weights here, the model expects %d%s"
            .formatted(stored.size(), expected, floating ? " (more with its floating ones)" : "");
  }

  /**
   * The error for a weight of another shape than expected.
   *
   * @param file names the file
   * @param name the weight's qualified name
   * @param expected what is expected
   * @param stored what is in its place
   * @param hint what else may help; may be empty
   * @return the error
   */
  public static KerasException misshapen(
      String file, String name, WeightSpec expected, StoredWeight stored, String hint) {
    return new KerasException(
        "%s: weight %s is stored with shape %s (%s), expected %s%s"
            .formatted(
                file, name, text(stored.shape()), describe(stored), text(expected.shape()), hint));
  }

  /**
   * Refuses a layer whose weights are stored under its own names but in another order, such as a
   * bias where the kernel of the same shape belongs. Names that are not all the layer's own say
   * nothing: another implementation of the layer may use them for other things.
   *
   * @param file names the file in errors
   * @param prefix begins the qualified names of the layer's weights
   * @param expected what is expected, by the name inside the layer
   * @param own what was found, by the name inside the layer
   * @throws KerasException if the order is another
   */
  public static void requireOrder(
      String file, String prefix, List<WeightSpec> expected, Map<String, StoredWeight> own) {
    Set<String> known = new HashSet<>();
    expected.forEach(weight -> known.add(lastPart(weight.name())));
    if (own.keySet().stream().allMatch(name -> KERAS_NAMES.contains(lastPart(name)))) {
      known.addAll(KERAS_NAMES);
    }
    if (own.values().stream().allMatch(weight -> known.contains(lastPart(weight.name())))) {
      own.forEach(
          (name, weight) -> {
            if (!lastPart(weight.name()).equals(lastPart(name))) {
              throw misnamed(file, prefix + name, weight, "a name that ends in " + lastPart(name));
            }
          });
    }
  }

  /** The last part of a name; Keras 2 has a number after it. */
  private static String lastPart(String name) {
    return name.substring(name.lastIndexOf('/') + 1).replaceFirst(":\\d+$", "");
  }

  /**
   * The error for a weight that by its name belongs elsewhere.
   *
   * @param file names the file
   * @param name the qualified name of the weight that is expected
   * @param stored what is in its place
   * @param expected what would be expected there
   * @return the error
   */
  public static KerasException misnamed(
      String file, String name, StoredWeight stored, String expected) {
    return new KerasException(
        "%s: in the place of weight %s is %s, expected %s; the file's weights are in another order"
            .formatted(file, name, describe(stored), expected));
  }

  /**
   * Checks the data type of all weights that were found.
   *
   * @param file names the file in errors
   * @param model what is expected
   * @param found stored weights by qualified name
   * @throws KerasException if one is of another type than expected
   */
  public static void requireTypes(String file, LayerSpec model, Map<String, StoredWeight> found) {
    Map<String, WeightSpec> expected = model.qualifiedWeights();
    found.forEach(
        (name, weight) -> {
          String type = expected.get(name).dtype().toString();
          if (!weight.dtype().equals(type)) {
            throw new KerasException(
                "%s: weight %s of shape %s is stored as %s (%s), expected %s"
                    .formatted(
                        file, name, text(weight.shape()), weight.dtype(), describe(weight), type));
          }
        });
  }

  /**
   * The data type of a stored weight.
   *
   * @param file names the file in errors
   * @param weight the weight
   * @return its type
   * @throws KerasException if it is none, or TensorFlow Java has no tensors of it
   */
  public static DType type(String file, StoredWeight weight) {
    return DType.named(weight.dtype())
        .filter(DType::hasTensors)
        .orElseThrow(
            () ->
                new KerasException(
                    "%s: weight %s of shape %s is stored as %s, expected one of %s"
                        .formatted(
                            file,
                            weight.name(),
                            text(weight.shape()),
                            weight.dtype(),
                            DType.ofTensors())));
  }

  /**
   * The error for a weight that nothing in the model asks for.
   *
   * @param file names the file
   * @param weight the weight
   * @return the error
   */
  public static KerasException surplus(String file, StoredWeight weight) {
    return new KerasException(
        "%s holds a surplus weight %s of shape %s, expected only weights that the model has"
            .formatted(file, describe(weight), text(weight.shape())));
  }

  /**
   * A weight's place in its file, and its name there if it has one.
   *
   * @param weight a stored weight
   * @return text for a message
   */
  public static String describe(StoredWeight weight) {
    return weight.name().equals(weight.path())
        ? weight.path()
        : "'" + weight.name() + "' in " + weight.path();
  }

  /**
   * A shape as Python writes it in a list, such as {@code [4, 2]}.
   *
   * @param shape a shape
   * @return text for a message
   */
  public static String text(Shape shape) {
    return shape.isUnknown() ? "unknown" : java.util.Arrays.toString(shape.asArray());
  }
}
