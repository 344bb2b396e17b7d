package io.github.kpconvx.layer.vl3d;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.Sample;
import io.github.kpconvx.keras.config.KerasObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import java.util.stream.Stream;

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

    private static Shells any(RandomGenerator random) {
      int outer = random.nextInt(3);
      return of(
          random.nextBoolean(), Stream.generate(() -> random.nextInt(1, 6)).limit(outer).toList());
    }
  }

  /** A given batch normalization. */
  record Norm(boolean scale, boolean center, double epsilon, double momentum, boolean trainable) {

    private static Norm any(RandomGenerator random) {
      return new Norm(
          random.nextBoolean(),
          random.nextBoolean(),
          Sample.oneOf(random, 1e-3, 1e-2, 1e-4),
          Sample.oneOf(random, 0.99, 0.5, 0.0, 1.0),
          random.nextBoolean());
    }

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

  static LayerSetup any(RandomGenerator random) {
    int blocks = random.nextInt(1, 4);
    return new LayerSetup(
        blocks,
        Shells.any(random),
        Sample.oneOf(random, 0.25, 0.6, 1.0, 3.0),
        random.nextInt(1, 5),
        random.nextInt(1, 5),
        random.nextInt(1, 10),
        random.nextBoolean(),
        Sample.oneOf(random, 0.0, 0.3, 1.0),
        Sample.oneOf(random, Nonlinearity.values()),
        Sample.oneOf(random, 0.9, 0.0, 0.5, 1.0),
        new Norms(given(random, blocks), given(random, blocks), given(random, blocks)),
        random.nextBoolean());
  }

  private static Optional<List<Norm>> given(RandomGenerator random, int blocks) {
    return random.nextBoolean()
        ? Optional.of(Stream.generate(() -> Norm.any(random)).limit(blocks).toList())
        : Optional.empty();
  }
}
