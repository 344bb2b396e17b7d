package io.github.kpconvx.report;

import java.math.BigDecimal;

/**
 * The rectangle that a chart is drawn in, with its axes. Its marks are called {@code NAME-xtick-0},
 * … from left to right and {@code NAME-ytick-0}, … from the axis's lower end to its upper end.
 *
 * @param name what the identities of its marks begin with
 * @param left in pixels
 * @param top in pixels
 * @param width in pixels
 * @param height in pixels
 */
record Panel(String name, double left, double top, double width, double height) {
  static final String LINE = "#555555";
  private static final double MARK = 4;

  double right() {
    return left + width;
  }

  double bottom() {
    return top + height;
  }

  /** Where a value of a horizontal axis is. */
  double x(Ticks axis, double value) {
    return left + (value - axis.low()) / (axis.high() - axis.low()) * width;
  }

  /** Where a value of a vertical axis is; up is more. */
  double y(Ticks axis, double value) {
    return bottom() - (value - axis.low()) / (axis.high() - axis.low()) * height;
  }

  void frame(Svg svg) {
    svg.leaf(
        "rect",
        "x",
        left,
        "y",
        top,
        "width",
        width,
        "height",
        height,
        "fill",
        "none",
        "stroke",
        LINE,
        "stroke-width",
        1.0);
  }

  void title(Svg svg, String text) {
    svg.text("text", text, "id", name + "-title", "x", left, "y", top - 7);
  }

  void xTicks(Svg svg, Ticks axis, boolean labels) {
    for (int i = 0; i < axis.marks().size(); i++) {
      BigDecimal mark = axis.marks().get(i);
      xTick(svg, i, x(axis, mark.doubleValue()), labels ? Ticks.label(mark) : "");
    }
  }

  void xTick(Svg svg, int i, double x, String label) {
    tick(svg, "xtick-" + i, label, x, bottom(), x, bottom() + MARK, x, bottom() + 17, "middle");
  }

  /** Marks at the right for a colour bar, at the left for a chart. */
  void yTicks(Svg svg, Ticks axis, boolean atRight) {
    for (int i = 0; i < axis.marks().size(); i++) {
      BigDecimal mark = axis.marks().get(i);
      yTick(svg, i, y(axis, mark.doubleValue()), Ticks.label(mark), atRight);
    }
  }

  void yTick(Svg svg, int i, double y, String label, boolean atRight) {
    double from = atRight ? right() : left;
    double outwards = atRight ? 1 : -1;
    tick(
        svg,
        "ytick-" + i,
        label,
        from,
        y,
        from + outwards * MARK,
        y,
        from + outwards * (MARK + 4),
        y + 4,
        atRight ? "start" : "end");
  }

  private void tick(
      Svg svg,
      String tick,
      String label,
      double x,
      double y,
      double outerX,
      double outerY,
      double labelX,
      double labelY,
      String anchor) {
    svg.leaf(
        "line",
        "id",
        name + "-" + tick,
        "x1",
        x,
        "y1",
        y,
        "x2",
        outerX,
        "y2",
        outerY,
        "stroke",
        LINE);
    if (!label.isEmpty()) {
      svg.text(
          "text",
          label,
          "id",
          name + "-" + tick + "-label",
          "x",
          labelX,
          "y",
          labelY,
          "text-anchor",
          anchor);
    }
  }

  void xLabel(Svg svg, String text) {
    svg.text("text", text, "x", left + width / 2, "y", bottom() + 36, "text-anchor", "middle");
  }

  void yLabel(Svg svg, String text, double distance) {
    double x = left - distance;
    double y = top + height / 2;
    svg.text(
        "text",
        text,
        "text-anchor",
        "middle",
        "transform",
        "translate(%s %s) rotate(-90)".formatted(Svg.number(x), Svg.number(y)));
  }
}
