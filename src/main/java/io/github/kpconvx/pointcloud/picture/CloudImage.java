package io.github.kpconvx.pointcloud.picture;

import io.github.kpconvx.io.AtomicFile;
import io.github.kpconvx.io.Failures;
import io.github.kpconvx.pointcloud.PointClass;
import io.github.kpconvx.pointcloud.PointCloud;
import io.github.kpconvx.pointcloud.PointCloudException;
import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.FontMetrics;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.geom.Ellipse2D;
import java.awt.geom.Path2D;
import java.awt.geom.Rectangle2D;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;

/**
 * A picture of a coloured point cloud: one view or several side by side, with title, legend, scale
 * bars and north arrows. Immutable; the same input gives the same picture. Needs no display.
 */
public final class CloudImage {
  /** Each pixel is the mean of this many squared. */
  private static final int SAMPLES = 2;

  private static final int MARGIN = 44;
  private static final int GAP = 36;
  private static final int SWATCH = 25;
  private static final int LEGEND_LINE = 44;
  private static final int NARROWEST = 760;
  private static final Color INK = new Color(0xf4f6f8);
  private static final Color FAINT = new Color(0xaab4bb);
  private static final int SKY = 0x3c464d;
  private static final int FLOOR = 0x20272c;

  private record Direction(double azimuth, double elevation) {
    Camera camera() {
      return Camera.looking(azimuth, elevation);
    }
  }

  private final PointCloud cloud;
  private final int[] colors;
  private final String title;
  private final String subtitle;
  private final List<PointClass> legend;
  private final List<Direction> views;
  private final int maxWidth;
  private final int maxHeight;

  private CloudImage(
      PointCloud cloud,
      int[] colors,
      String title,
      String subtitle,
      List<PointClass> legend,
      List<Direction> views,
      int maxWidth,
      int maxHeight) {
    this.cloud = cloud;
    this.colors = colors;
    this.title = title;
    this.subtitle = subtitle;
    this.legend = legend;
    this.views = views;
    this.maxWidth = maxWidth;
    this.maxHeight = maxHeight;
  }

  /**
   * A picture without title, legend and, so far, views; at most 1600 × 1000 pixels.
   *
   * @param cloud at least one point, its coordinates in metres
   * @param colors a colour for each point, {@code 0xRRGGBB}; copied
   * @return the picture
   * @throws PointCloudException if there are no points or more or fewer colours than points
   */
  public static CloudImage of(PointCloud cloud, int[] colors) {
    if (cloud.size() == 0) {
      throw new PointCloudException("there are no points to draw");
    }
    if (colors.length != cloud.size()) {
      throw new PointCloudException(
          "there are %d colours, expected one for each of the %d points"
              .formatted(colors.length, cloud.size()));
    }
    return new CloudImage(cloud, colors.clone(), "", "", List.of(), List.of(), 1600, 1000);
  }

  /**
   * The same picture with a title.
   *
   * @param text the title
   * @param smaller what stands under it in smaller letters; may be empty
   * @return the picture
   */
  public CloudImage withTitle(String text, String smaller) {
    return new CloudImage(cloud, colors, text, smaller, legend, views, maxWidth, maxHeight);
  }

  /**
   * The same picture with a legend.
   *
   * @param classes what the colours mean
   * @return the picture
   */
  public CloudImage withLegend(List<PointClass> classes) {
    return new CloudImage(
        cloud, colors, title, subtitle, List.copyOf(classes), views, maxWidth, maxHeight);
  }

  /**
   * The same picture at another size. It is made as large as its views' shapes allow within it; a
   * legend that needs more than one line makes it higher.
   *
   * @param width greatest width in pixels, at least 760
   * @param height greatest height in pixels, at least 400
   * @return the picture
   * @throws PointCloudException if that is too small
   */
  public CloudImage withSize(int width, int height) {
    if (width < NARROWEST || height < 400 || (long) width * height > 100_000_000) {
      throw new PointCloudException(
          "picture size is %d x %d, expected %d x 400 or more and at most 100 million pixels"
              .formatted(width, height, NARROWEST));
    }
    return new CloudImage(cloud, colors, title, subtitle, legend, views, width, height);
  }

  /**
   * The same picture with one more view, from above, north upwards.
   *
   * @return the picture
   */
  public CloudImage fromAbove() {
    return with(new Direction(0, 90));
  }

  /**
   * The same picture with one more view, from the side.
   *
   * @param azimuth the compass direction to look in, in degrees clockwise from north
   * @param elevation how high over the horizon the viewer stands, in degrees, 0 to 90
   * @return the picture
   * @throws PointCloudException if the elevation is not 0 to 90 or the azimuth not finite
   */
  public CloudImage oblique(double azimuth, double elevation) {
    if (!(elevation >= 0 && elevation <= 90) || !Double.isFinite(azimuth)) {
      throw new PointCloudException(
          "azimuth and elevation are %s and %s, expected degrees and 0 to 90"
              .formatted(azimuth, elevation));
    }
    return with(new Direction(azimuth, elevation));
  }

  private CloudImage with(Direction view) {
    List<Direction> more = new ArrayList<>(views);
    more.add(view);
    return new CloudImage(
        cloud, colors, title, subtitle, legend, List.copyOf(more), maxWidth, maxHeight);
  }

  /**
   * Draws the picture and writes it as PNG, under a temporary name that is moved into place.
   *
   * @param path the file to make or replace
   * @throws PointCloudException if it cannot be written or drawn
   */
  public void write(Path path) {
    BufferedImage image = render();
    try {
      AtomicFile.write(
          path,
          temporary -> {
            // Not to a File: where that cannot be opened, ImageIO prints a stack trace of its own.
            try (OutputStream out = Files.newOutputStream(temporary)) {
              if (!ImageIO.write(image, "png", out)) {
                throw new IOException("this Java has no PNG writer");
              }
            }
          });
    } catch (IOException e) {
      throw new PointCloudException(path + ": cannot be written: " + Failures.reason(e), e);
    }
  }

  /**
   * Draws the picture.
   *
   * @return a new image
   * @throws PointCloudException if there are no views or the system has no fonts
   */
  public BufferedImage render() {
    if (views.isEmpty()) {
      throw new PointCloudException("the picture has no view, expected fromAbove or oblique");
    }
    FontMetrics metrics = legendMetrics();
    Surface surface = Surface.of(cloud);
    int head = title.isEmpty() ? MARGIN : 104;
    int foot = legend.isEmpty() ? 72 : 84 + LEGEND_LINE;
    List<View> frames = frames(surface, head + foot);
    int content = frames.stream().mapToInt(View::width).sum() / SAMPLES + GAP * (frames.size() - 1);
    int width = Math.max(NARROWEST, content + 2 * MARGIN);
    int tallest = frames.stream().mapToInt(View::height).max().orElseThrow() / SAMPLES;
    List<List<PointClass>> lines = legendLines(metrics, width - 2 * MARGIN);
    int height = head + tallest + foot + LEGEND_LINE * Math.max(0, lines.size() - 1);

    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    paintBackground(image);
    Graphics2D graphics = image.createGraphics();
    try {
      graphics.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
      graphics.setRenderingHint(
          RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
      graphics.setRenderingHint(
          RenderingHints.KEY_STROKE_CONTROL, RenderingHints.VALUE_STROKE_PURE);
      paintTitle(graphics);
      int x = (width - content) / 2;
      for (int i = 0; i < frames.size(); i++) {
        View frame = frames.get(i);
        int top = head + (tallest - frame.height() / SAMPLES) / 2;
        paintView(image, surface, views.get(i), frame, x, top);
        paintScale(graphics, views.get(i), frame, x, head + tallest + 34);
        x += frame.width() / SAMPLES + GAP;
      }
      for (int i = 0; i < lines.size(); i++) {
        int baseline = height - 36 - LEGEND_LINE * (lines.size() - 1 - i);
        paintLegend(graphics, metrics, lines.get(i), width, baseline);
      }
    } finally {
      graphics.dispose();
    }
    return image;
  }

  /** Views of the same height, as large as fits. */
  private List<View> frames(Surface surface, int around) {
    int large = 1 << 14;
    double[] aspects =
        views.stream()
            .mapToDouble(view -> View.of(surface, view.camera(), large, large).aspect())
            .toArray();
    double sum = 0;
    for (double aspect : aspects) {
      sum += aspect;
    }
    int room = maxWidth - 2 * MARGIN - GAP * (views.size() - 1);
    int tall = Math.max(16, (int) Math.min(room / sum, maxHeight - around));
    return IntStream.range(0, aspects.length)
        .mapToObj(
            i ->
                View.of(
                    surface,
                    views.get(i).camera(),
                    SAMPLES * Math.max(1, (int) Math.min(tall * aspects[i], room)),
                    SAMPLES * tall))
        .toList();
  }

  private static int background(int row, int height) {
    double t = (double) row / height;
    int color = 0;
    for (int shift = 16; shift >= 0; shift -= 8) {
      double value = (1 - t) * (SKY >> shift & 0xff) + t * (FLOOR >> shift & 0xff);
      color |= (int) Math.round(value) << shift;
    }
    return color;
  }

  private static void paintBackground(BufferedImage image) {
    for (int r = 0; r < image.getHeight(); r++) {
      int color = background(r, image.getHeight());
      for (int c = 0; c < image.getWidth(); c++) {
        image.setRGB(c, r, color);
      }
    }
  }

  private void paintView(
      BufferedImage image, Surface surface, Direction view, View frame, int left, int top) {
    Camera camera = view.camera();
    Splats splats = frame.splats(surface, camera);
    float[] pixels =
        splats.colors(Shading.light(surface, colors, camera, view.azimuth(), view.elevation()));
    float[] lines = Shading.depthLines(splats.depth, frame.width(), frame.pixelsPerMetre());
    for (int r = 0; r < frame.height() / SAMPLES; r++) {
      for (int c = 0; c < frame.width() / SAMPLES; c++) {
        int behind = image.getRGB(left + c, top + r);
        int color = 0;
        for (int k = 0; k < 3; k++) {
          double sum = 0;
          for (int s = 0; s < SAMPLES * SAMPLES; s++) {
            int pixel = (SAMPLES * r + s / SAMPLES) * frame.width() + SAMPLES * c + s % SAMPLES;
            sum +=
                splats.depth[pixel] < Float.POSITIVE_INFINITY
                    ? Math.min(1, pixels[3 * pixel + k] * lines[pixel])
                    : Shading.linear(behind >> (16 - 8 * k) & 0xff);
          }
          color = color << 8 | Shading.srgb(sum / (SAMPLES * SAMPLES));
        }
        image.setRGB(left + c, top + r, color);
      }
    }
  }

  private static Font font(int style, int size) {
    return new Font(Font.SANS_SERIF, style, size);
  }

  private void paintTitle(Graphics2D graphics) {
    if (!title.isEmpty()) {
      graphics.setColor(INK);
      graphics.setFont(font(Font.BOLD, 27));
      graphics.drawString(title, MARGIN, 50);
      graphics.setColor(FAINT);
      graphics.setFont(font(Font.PLAIN, 16));
      graphics.drawString(subtitle, MARGIN, 78);
    }
  }

  private static FontMetrics legendMetrics() {
    Graphics2D graphics = new BufferedImage(1, 1, BufferedImage.TYPE_INT_RGB).createGraphics();
    try {
      return graphics.getFontMetrics(font(Font.PLAIN, 17));
    } catch (InternalError | NullPointerException e) {
      // What Java throws where there is no font at all depends on its version.
      throw new PointCloudException(
          "no fonts found on this system, expected fontconfig and a font such as DejaVu Sans", e);
    } finally {
      graphics.dispose();
    }
  }

  private static int legendWidth(FontMetrics metrics, PointClass pointClass) {
    return SWATCH + metrics.stringWidth(pointClass.name());
  }

  private List<List<PointClass>> legendLines(FontMetrics metrics, int room) {
    List<List<PointClass>> lines = new ArrayList<>();
    int used = 0;
    for (PointClass pointClass : legend) {
      int width = legendWidth(metrics, pointClass) + GAP;
      if (lines.isEmpty() || used + width - GAP > room) {
        lines.add(new ArrayList<>());
        used = 0;
      }
      lines.get(lines.size() - 1).add(pointClass);
      used += width;
    }
    return lines;
  }

  private static void paintLegend(
      Graphics2D graphics,
      FontMetrics metrics,
      List<PointClass> classes,
      int pictureWidth,
      int baseline) {
    int total = classes.stream().mapToInt(c -> legendWidth(metrics, c) + GAP).sum() - GAP;
    int x = (pictureWidth - total) / 2;
    graphics.setFont(metrics.getFont());
    graphics.setStroke(new BasicStroke(1));
    for (PointClass pointClass : classes) {
      Ellipse2D swatch = new Ellipse2D.Double(x, baseline - 14, 17, 17);
      graphics.setColor(new Color(pointClass.color()));
      graphics.fill(swatch);
      graphics.setColor(new Color(255, 255, 255, 90));
      graphics.draw(swatch);
      graphics.setColor(INK);
      graphics.drawString(pointClass.name(), x + SWATCH, baseline);
      x += legendWidth(metrics, pointClass) + GAP;
    }
  }

  private static void paintScale(
      Graphics2D graphics, Direction view, View frame, int left, int baseline) {
    double pixelsPerMetre = frame.pixelsPerMetre() / SAMPLES;
    double metres = roundLength(frame.width() / (double) SAMPLES / pixelsPerMetre / 4);
    double length = metres * pixelsPerMetre;
    graphics.setColor(INK);
    graphics.fill(new Rectangle2D.Double(left, baseline - 8, length / 2, 5));
    graphics.setStroke(new BasicStroke(1.2f));
    graphics.draw(new Rectangle2D.Double(left, baseline - 8, length, 5));
    graphics.setFont(font(Font.PLAIN, 15));
    String text =
        metres < 1
            ? String.format(Locale.ROOT, "%s m", metres)
            : metres < 1000
                ? String.format(Locale.ROOT, "%.0f m", metres)
                : String.format(Locale.ROOT, "%.0f km", metres / 1000);
    graphics.drawString(text, (float) (left + length + 10), baseline);
    paintNorth(graphics, view, left + frame.width() / SAMPLES - 24, baseline - 6);
  }

  /** An arrow on the ground that points north. */
  private static void paintNorth(Graphics2D graphics, Direction view, double x, double y) {
    Camera camera = view.camera();
    double[][] corners = {{0, 1}, {0.55, -0.8}, {0, -0.4}, {-0.55, -0.8}};
    Path2D arrow = new Path2D.Double();
    for (double[] corner : corners) {
      double px = x + 15 * camera.right().dot(corner[0], corner[1], 0);
      double py = y - 15 * camera.up().dot(corner[0], corner[1], 0);
      if (arrow.getCurrentPoint() == null) {
        arrow.moveTo(px, py);
      } else {
        arrow.lineTo(px, py);
      }
    }
    arrow.closePath();
    graphics.setColor(INK);
    graphics.fill(arrow);
    graphics.setFont(font(Font.BOLD, 14));
    int half = graphics.getFontMetrics().stringWidth("N") / 2;
    graphics.drawString("N", (float) (x - 30 - half), (float) (y + 5));
  }

  /** The longest 1, 2 or 5 times a power of ten that is not longer than a length. */
  private static double roundLength(double length) {
    double power = Math.pow(10, Math.floor(Math.log10(length)));
    double leading = length / power;
    return power * (leading >= 5 ? 5 : leading >= 2 ? 2 : 1);
  }
}
