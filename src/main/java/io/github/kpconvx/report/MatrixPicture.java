package io.github.kpconvx.report;

import java.util.List;

/**
 * Weights as matrices on a diverging colour scale, one below the other. The cells of matrix t are
 * the children of {@code block-t-cells}, row by row.
 */
final class MatrixPicture {
  private static final double WIDTH = 900;
  private static final double LEFT = 64;
  private static final double TOP = 76;
  private static final double GAP = 52;
  private static final double BOTTOM = 56;
  private static final double PANEL_WIDTH = 700;
  private static final double BAR_WIDTH = 20;
  private static final int CHANNEL_MARKS = 8;

  private MatrixPicture() {}

  /**
   * Draws.
   *
   * @param title what it shows
   * @param weights the weights
   * @param parts the kernel points; lines part them where each has a row
   * @return the SVG document
   */
  static String draw(String title, WeightTensor weights, List<KernelForm.Part> parts) {
    double[][][] blocks = weights.blocks();
    int rows = blocks[0].length;
    int channels = blocks[0][0].length;
    double panelHeight = Math.max(60, Math.min(420, 14.0 * rows));
    double bottom = TOP + blocks.length * (panelHeight + GAP) - GAP;
    Ticks axis = weights.axis();
    DivergingScale scale = new DivergingScale(axis.high());
    return Svg.document(
        WIDTH,
        bottom + BOTTOM,
        title,
        svg -> {
          svg.text("text", title, "x", LEFT, "y", 30.0, "font-size", "16px", "font-weight", "bold");
          for (int t = 0; t < blocks.length; t++) {
            double top = TOP + t * (panelHeight + GAP);
            Panel panel = new Panel("block-" + t, LEFT, top, PANEL_WIDTH, panelHeight);
            cells(svg, panel, blocks[t], scale);
            if (weights.weight().rows() == KernelForm.Axis.KERNEL_POINT) {
              parts(svg, panel, parts);
            }
            panel.frame(svg);
            panel.title(svg, weights.describe(t, axis));
            marks(svg, panel, rows, channels);
            if (t == blocks.length - 1) {
              panel.xLabel(svg, weights.weight().columns().one());
            }
            panel.yLabel(svg, weights.weight().rows().label(), 40);
          }
          bar(
              svg,
              new Panel("colorbar", LEFT + PANEL_WIDTH + 40, TOP, BAR_WIDTH, bottom - TOP),
              axis);
        });
  }

  private static void cells(Svg svg, Panel panel, double[][] block, DivergingScale scale) {
    double width = panel.width() / block[0].length;
    double height = panel.height() / block.length;
    svg.within(
        "g",
        () -> {
          for (int k = 0; k < block.length; k++) {
            for (int c = 0; c < block[k].length; c++) {
              svg.leaf(
                  "rect",
                  "x",
                  panel.left() + c * width,
                  "y",
                  panel.top() + k * height,
                  "width",
                  width,
                  "height",
                  height,
                  "fill",
                  scale.color(block[k][c]));
            }
          }
        },
        "id",
        panel.name() + "-cells",
        // Without seams between neighbours.
        "shape-rendering",
        "crispEdges");
  }

  private static void parts(Svg svg, Panel panel, List<KernelForm.Part> parts) {
    int rows = parts.stream().mapToInt(KernelForm.Part::points).sum();
    int above = 0;
    for (KernelForm.Part part : parts.subList(0, parts.size() - 1)) {
      above += part.points();
      double y = panel.top() + above * panel.height() / rows;
      svg.leaf(
          "line", "x1", panel.left(), "y1", y, "x2", panel.right(), "y2", y, "stroke", "#222222");
    }
  }

  private static void marks(Svg svg, Panel panel, int rows, int channels) {
    int everyRow = every(rows, (int) (panel.height() / 14));
    for (int k = 0; k < rows; k += everyRow) {
      double y = panel.top() + (k + 0.5) * panel.height() / rows;
      panel.yTick(svg, k / everyRow, y, "" + k, false);
    }
    int everyChannel = every(channels, CHANNEL_MARKS);
    for (int c = 0; c < channels; c += everyChannel) {
      double x = panel.left() + (c + 0.5) * panel.width() / channels;
      panel.xTick(svg, c / everyChannel, x, "" + c);
    }
  }

  /** The least of 1, 2, 4, 8, … with which so many numbers get at most so many marks. */
  private static int every(int numbers, int marks) {
    int step = 1;
    while ((numbers + step - 1) / step > marks) {
      step *= 2;
    }
    return step;
  }

  private static void bar(Svg svg, Panel bar, Ticks axis) {
    double height = bar.height() / DivergingScale.STEPS;
    svg.within(
        "g",
        () -> {
          for (int i = 0; i < DivergingScale.STEPS; i++) {
            svg.leaf(
                "rect",
                "x",
                bar.left(),
                "y",
                bar.bottom() - (i + 1) * height,
                "width",
                bar.width(),
                "height",
                height,
                "fill",
                DivergingScale.step(i));
          }
        },
        "id",
        "colorbar-cells",
        "shape-rendering",
        "crispEdges");
    bar.frame(svg);
    bar.yTicks(svg, axis, true);
  }
}
