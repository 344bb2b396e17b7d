package io.github.kpconvx.report;

import java.util.Arrays;

/**
 * How weights are distributed, block below block, over the same range in the same bins. The bars of
 * block t are the children of {@code block-t-bars}, from left to right, empty ones included.
 */
final class HistogramPicture {
  private static final double WIDTH = 900;
  private static final double LEFT = 76;
  private static final double TOP = 76;
  private static final double GAP = 52;
  private static final double BOTTOM = 56;
  private static final double PANEL_WIDTH = 790;
  private static final double PANEL_HEIGHT = 200;

  private HistogramPicture() {}

  /**
   * Draws.
   *
   * @param title what it shows
   * @param quantity what the horizontal axis is
   * @param weights the weights
   * @return the SVG document
   */
  static String draw(String title, String quantity, WeightTensor weights) {
    int blocks = weights.blocks().length;
    Ticks range = weights.axis();
    double[] edges = edges(range.high(), bins(weights.blockSize()));
    long[][] counts = new long[blocks][];
    Arrays.setAll(counts, t -> counts(weights.finite(t), edges));
    Ticks numbers =
        Ticks.counts(Arrays.stream(counts).flatMapToLong(Arrays::stream).max().orElse(0));
    double height = TOP + blocks * (PANEL_HEIGHT + GAP) - GAP + BOTTOM;
    return Svg.document(
        WIDTH,
        height,
        title,
        svg -> {
          svg.text("text", title, "x", LEFT, "y", 30.0, "font-size", "16px", "font-weight", "bold");
          for (int t = 0; t < blocks; t++) {
            double top = TOP + t * (PANEL_HEIGHT + GAP);
            Panel panel = new Panel("block-" + t, LEFT, top, PANEL_WIDTH, PANEL_HEIGHT);
            grid(svg, panel, numbers);
            bars(svg, panel, range, edges, numbers, counts[t]);
            panel.frame(svg);
            panel.title(svg, weights.describe(t, range));
            panel.yTicks(svg, numbers, false);
            panel.xTicks(svg, range, true);
            panel.yLabel(svg, "number of weights", 52);
            if (t == blocks - 1) {
              panel.xLabel(svg, quantity);
            }
          }
        });
  }

  /** About the square root of the number of values, odd, so that 0 is the middle of a bin. */
  private static int bins(int values) {
    return Math.max(11, Math.min(61, 2 * ((int) Math.ceil(Math.sqrt(values)) / 2) + 1));
  }

  private static double[] edges(double limit, int bins) {
    double[] edges = new double[bins + 1];
    double width = 2 * limit / bins;
    Arrays.setAll(edges, i -> i == bins ? limit : i * width - limit);
    return edges;
  }

  /** How many values are in each bin: from its left edge on to before the right one. */
  private static long[] counts(double[] values, double[] edges) {
    long[] counts = new long[edges.length - 1];
    for (double value : values) {
      int place = Arrays.binarySearch(edges, value);
      int bin = place >= 0 ? place : -place - 2;
      // The last bin has its right edge too.
      counts[Math.min(bin, counts.length - 1)]++;
    }
    return counts;
  }

  private static void grid(Svg svg, Panel panel, Ticks numbers) {
    numbers
        .marks()
        .forEach(
            mark -> {
              double y = panel.y(numbers, mark.doubleValue());
              svg.leaf(
                  "line",
                  "x1",
                  panel.left(),
                  "y1",
                  y,
                  "x2",
                  panel.right(),
                  "y2",
                  y,
                  "stroke",
                  "#dddddd");
            });
  }

  private static void bars(
      Svg svg, Panel panel, Ticks range, double[] edges, Ticks numbers, long[] counts) {
    svg.within(
        "g",
        () -> {
          for (int i = 0; i < counts.length; i++) {
            int bin = i;
            double left = panel.x(range, edges[i]);
            double top = panel.y(numbers, (double) counts[i]);
            svg.within(
                "rect",
                () ->
                    svg.text(
                        "title", counts[bin] + " from " + edges[bin] + " to " + edges[bin + 1]),
                "x",
                left,
                "y",
                top,
                "width",
                panel.x(range, edges[i + 1]) - left,
                "height",
                panel.bottom() - top);
          }
        },
        "id",
        panel.name() + "-bars",
        "fill",
        "#3f7fbf",
        "stroke",
        "#ffffff",
        "stroke-width",
        0.6);
  }
}
