package io.github.kpconvx.pointcloud.picture;

import io.github.kpconvx.pointcloud.picture.Surface.Shape;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * A surface's points seen through a camera, each drawn as a small disc of its plane, a stroke along
 * its line or a ball, so that neighbouring points close up.
 *
 * <p>Pixels are worked on in bands of rows, side by side; within a band points come in their order,
 * so that the picture does not depend on the number of processors.
 */
final class Splats {
  private static final int BANDS = 32;

  /** Least half width of a splat, in pixels. */
  private static final double THINNEST = 1.6;

  private final Surface surface;
  private final Camera camera;
  private final int width;
  private final int height;
  private final double pixelsPerMetre;
  private final double left;
  private final double top;

  /** Depth of the nearest point at each pixel, in metres; infinite where there is none. */
  final float[] depth;

  /**
   * Draws the depths.
   *
   * @param surface what is seen
   * @param camera how it is seen
   * @param width width in pixels
   * @param height height in pixels
   * @param pixelsPerMetre the scale
   * @param left where the camera's right 0 is, in pixels from the left
   * @param top where the camera's up 0 is, in pixels from the top
   */
  Splats(
      Surface surface,
      Camera camera,
      int width,
      int height,
      double pixelsPerMetre,
      double left,
      double top) {
    this.surface = surface;
    this.camera = camera;
    this.width = width;
    this.height = height;
    this.pixelsPerMetre = pixelsPerMetre;
    this.left = left;
    this.top = top;
    depth = new float[width * height];
    Arrays.fill(depth, Float.POSITIVE_INFINITY);
    forEachBand(
        (from, to) ->
            draw(
                from,
                to,
                (point, pixel, falloff, z, tolerance) -> depth[pixel] = Math.min(depth[pixel], z)));
  }

  /** Takes a pixel that a splat covers; falloff is 0 in its middle and 1 at its edge. */
  @FunctionalInterface
  private interface Target {
    void cover(int point, int pixel, double falloff, float z, double tolerance);
  }

  @FunctionalInterface
  private interface Band {
    void draw(int from, int to);
  }

  private void forEachBand(Band band) {
    IntStream.range(0, BANDS)
        .parallel()
        .forEach(b -> band.draw(height * b / BANDS, height * (b + 1) / BANDS));
  }

  double column(int point) {
    return left
        + pixelsPerMetre * camera.right().dot(surface.x[point], surface.y[point], surface.z[point]);
  }

  double row(int point) {
    return top
        - pixelsPerMetre * camera.up().dot(surface.x[point], surface.y[point], surface.z[point]);
  }

  double depth(int point) {
    return camera.forward().dot(surface.x[point], surface.y[point], surface.z[point]);
  }

  /**
   * Mixes the colours of the points that are in front at each pixel.
   *
   * @param colors red, green and blue of each point in turn, linear in light
   * @return red, green and blue of each pixel in turn; zero where there is no point
   */
  float[] colors(float[] colors) {
    float[] pixels = new float[3 * depth.length];
    forEachBand(
        (from, to) -> {
          float[] weights = new float[(to - from) * width];
          draw(
              from,
              to,
              (point, pixel, falloff, z, tolerance) -> {
                if (z <= depth[pixel] + tolerance) {
                  float weight = (float) ((1 - falloff) * (1 - falloff) + 1e-3);
                  weights[pixel - from * width] += weight;
                  for (int k = 0; k < 3; k++) {
                    pixels[3 * pixel + k] += weight * colors[3 * point + k];
                  }
                }
              });
          for (int i = 0; i < weights.length; i++) {
            if (weights[i] > 0) {
              for (int k = 0; k < 3; k++) {
                pixels[3 * (i + from * width) + k] /= weights[i];
              }
            }
          }
        });
    return pixels;
  }

  private void draw(int from, int to, Target target) {
    for (int i = 0; i < surface.size; i++) {
      double row = row(i);
      double reach = Math.max(THINNEST, 1.3 * surface.spacing[i] * pixelsPerMetre);
      if (row + reach >= from && row - reach < to) {
        draw(i, row, from, to, target);
      }
    }
  }

  private void draw(int i, double row, int from, int to, Target target) {
    Shape shape = surface.shapes[i];
    double ax = surface.axes[3 * i];
    double ay = surface.axes[3 * i + 1];
    double az = surface.axes[3 * i + 2];
    double across = camera.right().dot(ax, ay, az);
    double upwards = camera.up().dot(ax, ay, az);
    double inwards = camera.forward().dot(ax, ay, az);
    double factor = shape == Shape.PLANE ? 1.2 : shape == Shape.LINE ? 0.9 : 0.62;
    double radius = Math.max(THINNEST, factor * surface.spacing[i] * pixelsPerMetre);
    double tolerance = Math.max(0.06, 0.5 * surface.spacing[i]);
    double column = column(i);
    double z = depth(i);

    // Depth grows by these, in metres for each pixel, to the right and upwards.
    double slopeX = 0;
    double slopeY = 0;
    double lineX = 0;
    double lineY = 0;
    if (shape == Shape.PLANE) {
      double steep = Math.copySign(Math.max(0.12, Math.abs(inwards)), inwards);
      slopeX = -across / steep;
      slopeY = -upwards / steep;
    } else if (shape == Shape.LINE) {
      double length = Math.max(1e-6, Math.hypot(across, upwards));
      lineX = across / length;
      lineY = upwards / length;
      radius = Math.max(THINNEST, radius * length);
    }

    int firstRow = Math.max(from, (int) Math.ceil(row - radius));
    int lastRow = Math.min(to - 1, (int) Math.floor(row + radius));
    int firstColumn = Math.max(0, (int) Math.ceil(column - radius));
    int lastColumn = Math.min(width - 1, (int) Math.floor(column + radius));
    double thin = THINNEST * THINNEST;
    for (int r = firstRow; r <= lastRow; r++) {
      double dy = row - r;
      for (int c = firstColumn; c <= lastColumn; c++) {
        double dx = c - column;
        double falloff;
        double dz = 0;
        if (shape == Shape.LINE) {
          double along = dx * lineX + dy * lineY;
          double aside = dx * lineY - dy * lineX;
          double beyond = Math.max(0, Math.abs(along) - Math.max(0, radius - THINNEST));
          falloff = (aside * aside + beyond * beyond) / thin;
        } else {
          double square = dx * dx + dy * dy;
          dz = slopeX * dx + slopeY * dy;
          falloff = (square + dz * dz) / (radius * radius);
          if (falloff > 1 && square <= thin) {
            falloff = 0.99;
            dz = 0;
          } else if (shape == Shape.VOLUME) {
            dz = -0.7 * radius * Math.sqrt(Math.max(0, 1 - falloff));
          }
        }
        if (falloff <= 1) {
          target.cover(i, r * width + c, falloff, (float) (z + dz / pixelsPerMetre), tolerance);
        }
      }
    }
  }
}
