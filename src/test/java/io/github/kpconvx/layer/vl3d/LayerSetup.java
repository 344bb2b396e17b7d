package io.github.kpconvx.layer.vl3d;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.keras.config.KerasObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;

/**
 * The arguments of a layer, and the number of its features.
 *
 * @param columns how many groups of channels share a modulation: D / groups
 * @param norms those of bn_phi, bn_htilde and bn_hhat, each one for each block where it is given
 * @param wide whether neighbour indices are int64
 */
record LayerSetup(
    int blocks,
    Shells shells,
    double sigma,
    int groups,
    int columns,
    int hidden,
    boolean deformable,
    double dropPath,
    Nonlinearity activation,
    double momentum,
    Norms norms,
    boolean wide) {

  /** Radii and numbers of points. */
  record Shells(List<Double> radii, List<Integer> points) {
    private static Shells of(boolean centre, List<Integer> outer) {
      List<Double> radii = new ArrayList<>();
      List<Integer> points = new ArrayList<>();
      if (centre || outer.isEmpty()) {
        radii.add(0.0);
        points.add(1);
      }
      for (int points1 : outer) {
        radii.add(0.5 * (1 + radii.size()));
        points.add(points1);
      }
      return new Shells(List.copyOf(radii), List.copyOf(points));
    }
  }

  /** A given batch normalization. */
  record Norm(boolean scale, boolean center, double epsilon, double momentum, boolean trainable) {

    private ObjectNode json() {
      ObjectNode config = JsonNodeFactory.instance.objectNode();
      config.put("axis", -1).put("momentum", momentum).put("epsilon", epsilon);
      config.put("center", center).put("scale", scale).put("trainable", trainable);
      return KerasObject.of("keras.layers", "BatchNormalization", null, config).json();
    }
  }

  /** The given normalizations of each of the three places. */
  record Norms(Optional<List<Norm>> phi, Optional<List<Norm>> htilde, Optional<List<Norm>> hhat) {
    static final Norms NONE = new Norms(Optional.empty(), Optional.empty(), Optional.empty());
  }

  int features() {
    return groups * columns;
  }

  int kernelPoints() {
    return shells.points().stream().mapToInt(Integer::intValue).sum();
  }

  /** The normalizations of a place, those that the layer makes itself included. */
  List<Norm> norms(String place) {
    Optional<List<Norm>> given =
        switch (place) {
          case "bn_phi" -> norms.phi();
          case "bn_htilde" -> norms.htilde();
          case "bn_hhat" -> norms.hhat();
          default -> throw new IllegalArgumentException(place);
        };
    Norm own = new Norm(true, true, 1e-3, momentum, true);
    return given.orElse(IntStream.range(0, blocks).mapToObj(t -> own).toList());
  }

  KPConvXLayer layer() {
    KPConvXLayer.Builder builder =
        KPConvXLayer.builder()
            .name("conv")
            .blocks(blocks)
            .shells(shells.radii(), shells.points())
            .sigma(sigma)
            .groups(groups)
            .hiddenChannels(hidden)
            .deformable(deformable)
            .dropPath(dropPath)
            .bnMomentum(momentum);
    activation.json().ifPresent(json -> builder.set("activation", json));
    norms.phi().ifPresent(given -> builder.set("bn_phi", array(given)));
    norms.htilde().ifPresent(given -> builder.set("bn_htilde", array(given)));
    norms.hhat().ifPresent(given -> builder.set("bn_hhat", array(given)));
    return builder.build();
  }

  private static ArrayNode array(List<Norm> norms) {
    ArrayNode array = JsonNodeFactory.instance.arrayNode();
    norms.forEach(norm -> array.add(norm.json()));
    return array;
  }

  LayerSetup withBlocks(int number) {
    return new LayerSetup(
        number,
        shells,
        sigma,
        groups,
        columns,
        hidden,
        deformable,
        dropPath,
        activation,
        momentum,
        norms,
        wide);
  }

  LayerSetup withGroups(int channels) {
    return new LayerSetup(
        blocks,
        shells,
        sigma,
        channels,
        features() / channels,
        hidden,
        deformable,
        dropPath,
        activation,
        momentum,
        norms,
        wide);
  }

  LayerSetup withNorms(Norms others) {
    return new LayerSetup(
        blocks,
        shells,
        sigma,
        groups,
        columns,
        hidden,
        deformable,
        dropPath,
        activation,
        momentum,
        others,
        wide);
  }

  LayerSetup withDropPath(double probability) {
    return new LayerSetup(
        blocks,
        shells,
        sigma,
        groups,
        columns,
        hidden,
        deformable,
        probability,
        activation,
        momentum,
        norms,
        wide);
  }

  LayerSetup withWide(boolean int64) {
    return new LayerSetup(
        blocks,
        shells,
        sigma,
        groups,
        columns,
        hidden,
        deformable,
        dropPath,
        activation,
        momentum,
        norms,
        int64);
  }

  LayerSetup withDeformable(boolean trained) {
    return new LayerSetup(
        blocks,
        shells,
        sigma,
        groups,
        columns,
        hidden,
        trained,
        dropPath,
        activation,
        momentum,
        norms,
        wide);
  }

  /** The same in another unit of length. */
  LayerSetup scaled(double factor) {
    Shells larger =
        new Shells(shells.radii().stream().map(r -> r * factor).toList(), shells.points());
    return new LayerSetup(
        blocks,
        larger,
        sigma * factor,
        groups,
        columns,
        hidden,
        deformable,
        dropPath,
        activation,
        momentum,
        norms,
        wide);
  }

  static Arbitrary<LayerSetup> any() {
    return Arbitraries.integers().between(1, 3).flatMap(LayerSetup::any);
  }

  private static Arbitrary<LayerSetup> any(int blocks) {
    Arbitrary<Boolean> flag = Arbitraries.of(false, true);
    Arbitrary<int[]> channels =
        Combinators.combine(
                Arbitraries.integers().between(1, 4),
                Arbitraries.integers().between(1, 4),
                Arbitraries.integers().between(1, 9))
            .as((groups, columns, hidden) -> new int[] {groups, columns, hidden});
    Arbitrary<Shells> shells =
        Combinators.combine(flag, Arbitraries.integers().between(1, 5).list().ofMaxSize(2))
            .as(Shells::of);
    Arbitrary<Norms> norms =
        Combinators.combine(given(blocks), given(blocks), given(blocks)).as(Norms::new);
    Arbitrary<Boolean[]> flags = flag.array(Boolean[].class).ofSize(2);
    return Combinators.combine(
            channels,
            shells,
            Arbitraries.of(0.25, 0.6, 1.0, 3.0),
            Arbitraries.of(Nonlinearity.class),
            Arbitraries.of(0.0, 0.3, 1.0),
            Arbitraries.of(0.9, 0.0, 0.5, 1.0),
            norms,
            flags)
        .as(
            (c, shell, sigma, activation, dropPath, momentum, given, f) ->
                new LayerSetup(
                    blocks,
                    shell,
                    sigma,
                    c[0],
                    c[1],
                    c[2],
                    f[0],
                    dropPath,
                    activation,
                    momentum,
                    given,
                    f[1]));
  }

  private static Arbitrary<Optional<List<Norm>>> given(int blocks) {
    Arbitrary<Boolean> flag = Arbitraries.of(true, false);
    return Combinators.combine(
            flag, flag, Arbitraries.of(1e-3, 1e-2, 1e-4), Arbitraries.of(0.99, 0.5, 0.0, 1.0), flag)
        .as(Norm::new)
        .list()
        .ofSize(blocks)
        .optional(0.5);
  }
}
