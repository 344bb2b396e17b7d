package io.github.kpconvx.report;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/**
 * The kernel points in space with their spheres of influence, seen from above and the side without
 * perspective, so that every length is true to the axes wherever it lies. What is farther away is
 * paler and drawn first. Point k is the element {@code point-k}; its sphere {@code sphere-k} has
 * sigma for its radius.
 */
final class KernelPicture {
  private static final double WIDTH = 900;
  private static final double HEIGHT = 830;
  private static final double CENTER_X = 440;
  private static final double CENTER_Y = 430;

  /** Half the cube's edge in pixels. */
  private static final double HALF = 225;

  /** Where the eye is: degrees around the vertical axis from x towards y, and above the floor. */
  private static final double AZIMUTH = Math.toRadians(-62);

  private static final double ELEVATION = Math.toRadians(32);
  private static final double[] RIGHT = {-Math.sin(AZIMUTH), Math.cos(AZIMUTH), 0};
  private static final double[] UP = {
    -Math.sin(ELEVATION) * Math.cos(AZIMUTH),
    -Math.sin(ELEVATION) * Math.sin(AZIMUTH),
    Math.cos(ELEVATION)
  };
  private static final double[] EYE = {
    Math.cos(ELEVATION) * Math.cos(AZIMUTH),
    Math.cos(ELEVATION) * Math.sin(AZIMUTH),
    Math.sin(ELEVATION)
  };

  /** Of the parts, from the inside: told apart by the colour-blind too (after Okabe and Ito). */
  private static final int[] COLORS = {
    0x444444, 0x0072b2, 0xd55e00, 0x009e73, 0xcc79a7, 0x56b4e9, 0xe69f00
  };

  private final KernelRepresentation kernel;
  private final Ticks axis;
  private final Svg svg;

  private KernelPicture(KernelRepresentation kernel, Ticks axis, Svg svg) {
    this.kernel = kernel;
    this.axis = axis;
    this.svg = svg;
  }

  /**
   * Draws.
   *
   * @param title what it shows
   * @param kernel the kernel
   * @return the SVG document
   */
  static String draw(String title, KernelRepresentation kernel) {
    double reach =
        Arrays.stream(kernel.points())
            .filter(KernelPicture::isFinite)
            .flatMapToDouble(Arrays::stream)
            .map(Math::abs)
            .max()
            .orElse(0);
    Ticks axis = Ticks.symmetric(reach + kernel.form().sigma());
    return Svg.document(
        WIDTH, HEIGHT, title, svg -> new KernelPicture(kernel, axis, svg).draw(title));
  }

  private static boolean isFinite(double[] point) {
    return Arrays.stream(point).allMatch(Double::isFinite);
  }

  private record Ball(int k, int part, double depth) {}

  private void draw(String title) {
    List<Ball> balls = balls();
    svg.text("text", title, "x", 40.0, "y", 36.0, "font-size", "16px", "font-weight", "bold");
    box();
    balls.forEach(this::shadow);
    // All spheres before the first point: through twenty of them its number could not be read.
    balls.forEach(this::sphere);
    balls.forEach(this::point);
    legend(balls.size());
  }

  /** The farthest first. */
  private List<Ball> balls() {
    List<Ball> balls = new ArrayList<>();
    int k = 0;
    List<KernelForm.Part> parts = kernel.form().parts();
    for (int part = 0; part < parts.size(); part++) {
      for (int i = 0; i < parts.get(part).points(); i++, k++) {
        double[] place = kernel.points()[k];
        if (isFinite(place)) {
          balls.add(new Ball(k, part, dot(place, EYE)));
        }
      }
    }
    balls.sort(Comparator.comparingDouble(Ball::depth));
    return balls;
  }

  private double[] place(Ball ball) {
    return kernel.points()[ball.k()];
  }

  private static double dot(double[] a, double[] b) {
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
  }

  private double scale() {
    return HALF / axis.high();
  }

  private double x(double... place) {
    return CENTER_X + scale() * dot(place, RIGHT);
  }

  private double y(double... place) {
    return CENTER_Y - scale() * dot(place, UP);
  }

  /** From 0 at the farthest corner of the cube's inscribed ball to 1 at the nearest. */
  private double nearness(Ball ball) {
    double extent = axis.high() - kernel.form().sigma();
    double place = extent > 0 ? ball.depth() / extent : 0;
    return Math.max(0, Math.min(1, 0.5 + place / 2));
  }

  /** A part's colour, the paler the farther. */
  private static String color(int part, double paleness) {
    int rgb = COLORS[part % COLORS.length];
    StringBuilder text = new StringBuilder("#");
    for (int shift = 16; shift >= 0; shift -= 8) {
      int channel = (rgb >> shift) & 0xff;
      text.append("%02x".formatted(Math.round(channel + paleness * (255 - channel))));
    }
    return text.toString();
  }

  // The floor and the two walls behind the kernel, with grids; the axes along their outer edges.

  private void box() {
    double far = axis.low();
    double end = axis.high();
    face("floor", "#f4f5f7", new double[] {0, 0, far}, 0, 1);
    face("wall-x", "#fafbfc", new double[] {far, 0, 0}, 1, 2);
    face("wall-y", "#f7f8fa", new double[] {0, end, 0}, 0, 2);
    // Outwards from the cube on the screen.
    axis("x", 0, new double[] {0, far, far}, -6, 20, "end", "x (unit of X)");
    axis("y", 1, new double[] {end, 0, far}, 10, 18, "start", "y (unit of X)");
    axis("z", 2, new double[] {far, far, 0}, -10, 4, "end", "z (unit of X)");
  }

  private void face(String name, String fill, double[] middle, int a, int b) {
    StringBuilder corners = new StringBuilder();
    for (int[] corner : new int[][] {{-1, -1}, {1, -1}, {1, 1}, {-1, 1}}) {
      double[] place = middle.clone();
      place[a] = corner[0] * axis.high();
      place[b] = corner[1] * axis.high();
      corners.append(Svg.number(x(place))).append(',').append(Svg.number(y(place))).append(' ');
    }
    svg.leaf(
        "polygon",
        "id",
        name,
        "points",
        corners.toString().strip(),
        "fill",
        fill,
        "stroke",
        "#c3c7cd");
    for (int along : new int[] {a, b}) {
      for (int i = 1; i < axis.marks().size() - 1; i++) {
        double[] from = middle.clone();
        from[along] = axis.marks().get(i).doubleValue();
        int across = a + b - along;
        from[across] = axis.low();
        double[] to = from.clone();
        to[across] = axis.high();
        line(from, to, "stroke", "#dde0e4");
      }
    }
  }

  private void line(double[] from, double[] to, Object... attributes) {
    Object[] all = new Object[8 + attributes.length];
    Object[] ends = {"x1", x(from), "y1", y(from), "x2", x(to), "y2", y(to)};
    System.arraycopy(ends, 0, all, 0, 8);
    System.arraycopy(attributes, 0, all, 8, attributes.length);
    svg.leaf("line", all);
  }

  private void axis(
      String name, int along, double[] edge, double dx, double dy, String anchor, String title) {
    double[] from = edge.clone();
    double[] to = edge.clone();
    from[along] = axis.low();
    to[along] = axis.high();
    line(from, to, "stroke", Panel.LINE, "stroke-width", 1.2);
    for (int i = 0; i < axis.marks().size(); i++) {
      double[] mark = edge.clone();
      mark[along] = axis.marks().get(i).doubleValue();
      String id = name + "-tick-" + i;
      svg.leaf("circle", "id", id, "cx", x(mark), "cy", y(mark), "r", 1.8, "fill", Panel.LINE);
      svg.text(
          "text",
          Ticks.label(axis.marks().get(i)),
          "id",
          id + "-label",
          "x",
          x(mark) + dx,
          "y",
          y(mark) + dy,
          "text-anchor",
          anchor);
    }
    double tilt = Math.toDegrees(Math.atan2(y(to) - y(from), x(to) - x(from)));
    // Upright walls are read from below to above, the floor's edges from left to right.
    boolean upright = along == 2;
    double outwards = upright ? -50 : 62;
    svg.text(
        "text",
        title,
        "text-anchor",
        "middle",
        "font-size",
        "13px",
        "transform",
        "translate(%s %s) rotate(%s) translate(0 %s)"
            .formatted(
                Svg.number(x(edge)), Svg.number(y(edge)), Svg.number(tilt), Svg.number(outwards)));
  }

  // The kernel.

  private void shadow(Ball ball) {
    double[] foot = {place(ball)[0], place(ball)[1], axis.low()};
    line(place(ball), foot, "stroke", "#9aa1ab", "stroke-width", 0.6, "stroke-dasharray", "2 3");
    double r = radius(ball);
    svg.leaf(
        "ellipse",
        "cx",
        x(foot),
        "cy",
        y(foot),
        "rx",
        r * 0.8,
        "ry",
        r * 0.8 * Math.sin(ELEVATION),
        "fill",
        "#8b939e",
        "fill-opacity",
        0.45);
  }

  private double radius(Ball ball) {
    double largest = Math.max(5, Math.min(12, 54 / Math.sqrt(kernel.points().length)));
    return largest * (0.7 + 0.3 * nearness(ball));
  }

  private void sphere(Ball ball) {
    double near = nearness(ball);
    String gradient = "influence-" + ball.k();
    String base = color(ball.part(), 0.35 * (1 - near));
    // Like glass, clear in the middle and dark at the rim; the more of them, the clearer.
    double crowd = Math.min(1, Math.sqrt(21.0 / kernel.points().length));
    gradient(
        gradient,
        new double[] {0, 0.6, 0.88, 1},
        new String[] {color(ball.part(), 0.6), base, base, base},
        new double[] {0.01, 0.02 * crowd, 0.06 * crowd, 0.22 * crowd});
    svg.leaf(
        "circle",
        "id",
        "sphere-" + ball.k(),
        "cx",
        x(place(ball)),
        "cy",
        y(place(ball)),
        "r",
        scale() * kernel.form().sigma(),
        "fill",
        "url(#" + gradient + ")",
        "stroke",
        base,
        "stroke-width",
        0.7,
        "stroke-opacity",
        (0.15 + 0.4 * near) * crowd);
  }

  private void point(Ball ball) {
    double paleness = 0.45 * (1 - nearness(ball));
    String gradient = "ball-" + ball.k();
    gradient(
        gradient,
        new double[] {0, 0.55, 1},
        new String[] {
          color(ball.part(), paleness + (1 - paleness) * 0.55),
          color(ball.part(), paleness),
          color(ball.part(), paleness)
        },
        new double[] {1, 1, 1});
    double r = radius(ball);
    double x = x(place(ball));
    double y = y(place(ball));
    svg.within(
        "circle",
        () ->
            svg.text(
                "title",
                String.format(
                    Locale.ROOT,
                    "k = %d, %s: %s",
                    ball.k(),
                    kernel.form().parts().get(ball.part()).name(),
                    Tables.csv(new double[][] {place(ball)}).strip())),
        "id",
        "point-" + ball.k(),
        "cx",
        x,
        "cy",
        y,
        "r",
        r,
        "fill",
        "url(#" + gradient + ")",
        "stroke",
        "#ffffff",
        "stroke-width",
        1.0);
    svg.text(
        "text",
        "" + ball.k(),
        "id",
        "point-" + ball.k() + "-label",
        "x",
        x,
        "y",
        y + 0.37 * r * 1.1,
        "text-anchor",
        "middle",
        "font-size",
        Svg.number(r * 1.1) + "px",
        "font-weight",
        "bold",
        "fill",
        "#ffffff",
        "pointer-events",
        "none");
  }

  private void gradient(String id, double[] offsets, String[] colors, double[] opacities) {
    svg.within(
        "radialGradient",
        () -> {
          for (int i = 0; i < offsets.length; i++) {
            svg.leaf(
                "stop",
                "offset",
                offsets[i],
                "stop-color",
                colors[i],
                "stop-opacity",
                opacities[i]);
          }
        },
        "id",
        id,
        // The light comes from the upper left.
        "cx",
        "50%",
        "cy",
        "50%",
        "r",
        "50%",
        "fx",
        "35%",
        "fy",
        "30%");
  }

  private void legend(int drawn) {
    double left = WIDTH - 252;
    double top = 62;
    List<String> lines = new ArrayList<>();
    for (KernelForm.Part part : kernel.form().parts()) {
      lines.add(
          "%s: radius %s, %d point%s"
              .formatted(
                  part.name(), brief(part.radius()), part.points(), part.points() == 1 ? "" : "s"));
    }
    for (int i = 0; i < lines.size(); i++) {
      svg.leaf("circle", "cx", left, "cy", top + 20 * i, "r", 6.0, "fill", color(i, 0));
      svg.text("text", lines.get(i), "x", left + 14, "y", top + 20 * i + 4.5);
    }
    double y = top + 20 * lines.size();
    svg.leaf(
        "circle",
        "cx",
        left,
        "cy",
        y,
        "r",
        7.0,
        "fill",
        "#888888",
        "fill-opacity",
        0.12,
        "stroke",
        "#888888");
    svg.text(
        "text",
        "sphere of influence, radius σ = " + brief(kernel.form().sigma()),
        "x",
        left + 14,
        "y",
        y + 4.5);
    int missing = kernel.points().length - drawn;
    if (missing > 0) {
      svg.text("text", "not finite, not drawn: " + missing, "x", left - 6, "y", y + 24.5);
    }
  }

  private static String brief(double number) {
    return Ticks.label(java.math.BigDecimal.valueOf(number));
  }
}
