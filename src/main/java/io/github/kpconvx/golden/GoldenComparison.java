package io.github.kpconvx.golden;

import io.github.kpconvx.layer.tiling.Gpu;
import io.github.kpconvx.numpy.NpyArray;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * What a model computed, compared with golden data stage by stage. Immutable.
 *
 * <p>A difference grows on its way through a network: what tells about its cause is the stage that
 * leaves the tolerance first.
 */
public final class GoldenComparison {
  private static final int NAMED = 8;

  private final List<ArrayComparison> stages;
  private final Collection<NpyArray> nearTies;

  private GoldenComparison(List<ArrayComparison> stages, Collection<NpyArray> nearTies) {
    this.stages = List.copyOf(stages);
    this.nearTies = List.copyOf(nearTies);
  }

  /**
   * Compares arrays.
   *
   * @param golden what is expected, by name; may hold more than what was found
   * @param found what is compared with it, by name, in the order in which it is computed
   * @param tolerance by how much floating point numbers may differ
   * @return the result
   * @throws IllegalArgumentException if something was found that is not expected
   */
  public static GoldenComparison of(
      Map<String, NpyArray> golden, Map<String, NpyArray> found, Tolerance tolerance) {
    return of(golden, found, tolerance, List.of());
  }

  /**
   * Compares arrays and takes note of the points whose nearest kernel point rounding may decide.
   *
   * @param nearTies for each layer, true for such points, bool (B, R)
   */
  static GoldenComparison of(
      Map<String, NpyArray> golden,
      Map<String, NpyArray> found,
      Tolerance tolerance,
      Collection<NpyArray> nearTies) {
    List<ArrayComparison> stages = new ArrayList<>();
    found.forEach(
        (name, array) -> {
          NpyArray expected = golden.get(name);
          if (expected == null) {
            throw new IllegalArgumentException(
                name + " is not among the golden " + golden.keySet());
          }
          stages.add(ArrayComparison.of(name, expected, array, tolerance));
        });
    return new GoldenComparison(stages, nearTies);
  }

  /**
   * Every stage.
   *
   * @return the stages in the order in which they are computed
   */
  public List<ArrayComparison> stages() {
    return stages;
  }

  /**
   * Whether all stages agree.
   *
   * @return true if so
   */
  public boolean agrees() {
    return stages.stream().allMatch(ArrayComparison::agrees);
  }

  /**
   * The stage that leaves the tolerance first.
   *
   * @return the stage, if any does
   */
  public Optional<ArrayComparison> firstDifference() {
    return stages.stream().filter(stage -> !stage.agrees()).findFirst();
  }

  /**
   * What the result is, for people: which stage leaves the tolerance first, where and by how much,
   * whether near ties may be why, and which later stages follow.
   *
   * @return some sentences
   */
  public String describe() {
    return firstDifference().map(this::describe).orElse("All " + stages.size() + " stages agree.");
  }

  private String describe(ArrayComparison first) {
    int place = stages.indexOf(first);
    List<ArrayComparison> later = stages.subList(place + 1, stages.size());
    List<String> differing =
        later.stream().filter(stage -> !stage.agrees()).map(ArrayComparison::summary).toList();
    StringBuilder text = new StringBuilder();
    text.append(first.name())
        .append(" differs first, as stage ")
        .append(place + 1)
        .append(" of ")
        .append(stages.size())
        .append(", ")
        .append(first.describe())
        .append('.');
    nearTies(first).ifPresent(ties -> text.append('\n').append(ties));
    text.append('\n');
    if (differing.isEmpty()) {
      text.append("No later stage differs.");
    } else {
      text.append(differing.size())
          .append(" of ")
          .append(later.size())
          .append(
              differing.size() == 1 ? " later stages differs too: " : " later stages differ too: ")
          .append(differing.stream().limit(NAMED).collect(Collectors.joining(", ")))
          .append(differing.size() > NAMED ? ", …" : ".");
    }
    Gpu.roundingNote().ifPresent(note -> text.append('\n').append(note).append('.'));
    return text.toString();
  }

  /** How many of the points where a stage differs have a near tie, if it is a stage of points. */
  private Optional<String> nearTies(ArrayComparison stage) {
    if (stage.mismatch().isPresent() || stage.shape().length < 3) {
      return Optional.empty();
    }
    long points = stage.shape()[0] * stage.shape()[1];
    BitSet ties = new BitSet();
    for (NpyArray array : nearTies) {
      boolean[] values = array.toBooleans();
      for (int i = 0; i < values.length && values.length == points; i++) {
        if (values[i]) {
          ties.set(i);
        }
      }
    }
    if (ties.isEmpty()) {
      return Optional.empty();
    }
    BitSet differing = new BitSet();
    int perPoint = Math.toIntExact(stage.elements() / points);
    stage.places().stream().forEach(place -> differing.set(place / perPoint));
    int all = differing.cardinality();
    differing.and(ties);
    return Optional.of(
        "Of the %d points where it differs %d have a near tie (a neighbour whose two nearest kernel points are within 1e-6 equally far, of which rounding decides)%s"
            .formatted(
                all,
                differing.cardinality(),
                differing.cardinality() == all
                    ? ", which explains it: take inputs without, or the same device."
                    : ", which does not explain the others."));
  }
}
