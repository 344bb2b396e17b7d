package io.github.kpconvx.report;

import io.github.kpconvx.layer.vl3d.KPConvLayer;
import io.github.kpconvx.layer.vl3d.KPConvXConfig;
import io.github.kpconvx.layer.vl3d.KPConvXLayer;
import io.github.kpconvx.layer.vl3d.KernelLayer;
import io.github.kpconvx.layer.vl3d.LightKPConvLayer;
import java.util.ArrayList;
import java.util.List;

/**
 * What a layer's configuration tells of its kernel.
 *
 * @param sigma how far a kernel point has influence, in the unit of X
 * @param parts the kernel points by where they were put at first, from the inside
 * @param weights the weights besides Q
 */
record KernelForm(double sigma, List<Part> parts, List<Weight> weights) {
  /**
   * Kernel points that follow each other in Q.
   *
   * @param name what they are called
   * @param radius of the sphere or ball that they were put on or in
   * @param points how many
   */
  record Part(String name, double radius, int points) {}

  /** What an axis of a weight counts. */
  enum Axis {
    BLOCK("block", "blocks"),
    KERNEL_POINT("kernel point", "m_q"),
    CHANNEL("channel", "D"),
    OUTPUT_CHANNEL("output channel", "Dout");

    private final String one;
    private final String symbol;

    Axis(String one, String symbol) {
      this.one = one;
      this.symbol = symbol;
    }

    /** What one place on it is called. */
    String one() {
      return one;
    }

    /** What the places along it are called. */
    String label() {
      return this == KERNEL_POINT ? "kernel point k" : one;
    }

    /** A length of it. */
    String describe(int length) {
      return this == BLOCK
          ? length + (length == 1 ? " block" : " blocks")
          : symbol + " = " + length;
    }
  }

  /**
   * A weight.
   *
   * @param name its name
   * @param what what it is
   * @param axes three, of which the first counts matrices, or the two of a single matrix
   * @param lengths of the axes, -1 where only the built layer knows
   */
  record Weight(String name, String what, List<Axis> axes, List<Integer> lengths) {
    boolean isMatrix() {
      return axes.size() == 2;
    }

    Axis rows() {
      return axes.get(axes.size() - 2);
    }

    Axis columns() {
      return axes.get(axes.size() - 1);
    }

    /** What one of its matrices is called, with a colon; nothing if there is a single one. */
    String label(int matrix) {
      return isMatrix() ? "" : axes.get(0).one() + " " + matrix + ": ";
    }

    /** The file that one of its matrices is written to. */
    String table(int matrix) {
      return name + (isMatrix() ? "" : matrix) + ".csv";
    }
  }

  /**
   * The form of a layer's kernel.
   *
   * @param layer the layer; need not be built
   * @return the form
   */
  static KernelForm of(KernelLayer layer) {
    if (layer instanceof KPConvXLayer kpconvx) {
      return of(kpconvx.config());
    }
    if (layer instanceof KPConvLayer kpconv) {
      int points = kpconv.kernelPoints();
      return new KernelForm(
          kpconv.sigma(),
          ball(points, kpconv.kernelRadius()),
          List.of(
              new Weight(
                  "W",
                  "kernel weights",
                  List.of(Axis.KERNEL_POINT, Axis.CHANNEL, Axis.OUTPUT_CHANNEL),
                  List.of(points, -1, kpconv.outputFeatures()))));
    }
    LightKPConvLayer light = (LightKPConvLayer) layer;
    int points = light.kernelPoints();
    return new KernelForm(
        light.sigma(),
        ball(points, light.kernelRadius()),
        List.of(
            new Weight(
                "W",
                "kernel weights",
                List.of(Axis.CHANNEL, Axis.OUTPUT_CHANNEL),
                List.of(-1, light.outputFeatures())),
            new Weight(
                "A",
                "scale factors",
                List.of(Axis.KERNEL_POINT, Axis.CHANNEL),
                List.of(points, -1))));
  }

  private static KernelForm of(KPConvXConfig config) {
    List<Part> shells = new ArrayList<>();
    for (int shell = 0; shell < config.shellPoints().size(); shell++) {
      shells.add(
          new Part(
              "shell " + shell, config.shellRadii().get(shell), config.shellPoints().get(shell)));
    }
    return new KernelForm(
        config.sigma(),
        shells,
        List.of(
            new Weight(
                "W",
                "kernel weights",
                List.of(Axis.BLOCK, Axis.KERNEL_POINT, Axis.CHANNEL),
                List.of(config.blocks(), config.kernelPoints(), -1))));
  }

  private static List<Part> ball(int points, double radius) {
    Part centre = new Part("centre", 0, 1);
    return points == 1 ? List.of(centre) : List.of(centre, new Part("ball", radius, points - 1));
  }

  int points() {
    return parts.stream().mapToInt(Part::points).sum();
  }
}
