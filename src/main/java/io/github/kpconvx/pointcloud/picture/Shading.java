package io.github.kpconvx.pointcloud.picture;

import io.github.kpconvx.pointcloud.picture.Camera.Vector;
import io.github.kpconvx.pointcloud.picture.Surface.Shape;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Light on a point cloud: a sun from the upper left that casts soft shadows, light from the sky, a
 * little more of it higher up, and depth lines (eye-dome lighting, Boucheny 2009) around whatever
 * stands in front of something.
 */
final class Shading {
  private static final double SUN = 0.78;
  private static final double SKY = 0.42;
  private static final double SUN_ELEVATION = 42;
  private static final int MAX_SHADOW_PIXELS = 1500;
  private static final double SHADOW_DEPTH = 0.7;

  private static final float[] LINEAR = new float[256];
  private static final short[] SRGB = new short[1 << 14];

  static {
    for (int i = 0; i < LINEAR.length; i++) {
      double value = i / 255.0;
      LINEAR[i] =
          (float) (value <= 0.04045 ? value / 12.92 : Math.pow((value + 0.055) / 1.055, 2.4));
    }
    for (int i = 0; i < SRGB.length; i++) {
      double value = i / (SRGB.length - 1.0);
      SRGB[i] =
          (short)
              Math.round(
                  255
                      * (value <= 0.0031308
                          ? 12.92 * value
                          : 1.055 * Math.pow(value, 1 / 2.4) - 0.055));
    }
  }

  private Shading() {}

  /**
   * The light that each point sends to the camera.
   *
   * @param surface the points
   * @param rgb their colours, {@code 0xRRGGBB}
   * @param camera where they are seen from
   * @param azimuth the compass direction the camera looks in, in degrees
   * @param elevation the camera's height over the horizon, in degrees
   * @return red, green and blue of each point in turn, linear in light, 1 for white
   */
  static float[] light(
      Surface surface, int[] rgb, Camera camera, double azimuth, double elevation) {
    // Seen from above, the sun of maps stands in the north-west. Seen from the side it stands on
    // the viewer's left, so that what faces the viewer is lit.
    double sunAzimuth = azimuth + (elevation > 75 ? 135 : 75);
    Camera sun = Camera.looking(sunAzimuth, SUN_ELEVATION);
    float[] shadow = shadow(surface, sun);
    double[] heights = IntStream.range(0, surface.size).mapToDouble(i -> surface.z[i]).toArray();
    Arrays.parallelSort(heights);
    double low = heights[surface.size / 50];
    double high = heights[surface.size - 1 - surface.size / 200];
    float[] light = new float[3 * surface.size];
    IntStream.range(0, surface.size)
        .parallel()
        .forEach(
            i -> {
              double height = high > low ? (surface.z[i] - low) / (high - low) : 0.5;
              double lift = 0.93 + 0.16 * Math.max(0, Math.min(1, height));
              double brightness = lift * brightness(surface, i, camera, sun.forward(), shadow[i]);
              for (int k = 0; k < 3; k++) {
                double value = linear(rgb[i] >> (16 - 8 * k) & 0xff);
                light[3 * i + k] = (float) (value * brightness);
              }
            });
    return light;
  }

  private static double brightness(
      Surface surface, int i, Camera camera, Vector sunRays, double shadow) {
    double nx = surface.axes[3 * i];
    double ny = surface.axes[3 * i + 1];
    double nz = surface.axes[3 * i + 2];
    Shape shape = surface.shapes[i];
    if (shape == Shape.LINE) {
      return 1.05 * (SKY + SUN * 0.7);
    }
    if (shape == Shape.VOLUME) {
      nz += 0.6; // crowns are lit from above more than a closed surface is
      double length = Math.max(1e-9, Math.sqrt(nx * nx + ny * ny + nz * nz));
      nx /= length;
      ny /= length;
      nz /= length;
    } else if (camera.forward().dot(nx, ny, nz) > 0) {
      nx = -nx; // of a plane we see the side that faces us
      ny = -ny;
      nz = -nz;
    }
    double towardsSun = Math.max(0, -sunRays.dot(nx, ny, nz));
    if (shape == Shape.VOLUME) {
      towardsSun = 0.2 + 0.8 * towardsSun;
    }
    double sky = SKY * (0.72 + 0.28 * nz);
    return sky + SUN * towardsSun / Math.sin(Math.toRadians(SUN_ELEVATION + 18)) * shadow;
  }

  /** How much of the sun each point sees, 1 for all of it. */
  private static float[] shadow(Surface surface, Camera sun) {
    View view = View.of(surface, sun, MAX_SHADOW_PIXELS, MAX_SHADOW_PIXELS);
    Splats seen = view.splats(surface, sun);
    double slack = 3 / view.pixelsPerMetre() + 0.25;
    float[] light = new float[surface.size];
    IntStream.range(0, surface.size)
        .parallel()
        .forEach(
            i -> {
              int hidden = 0;
              int samples = 0;
              double limit = seen.depth(i) - slack - surface.spacing[i];
              for (int dy = -4; dy <= 4; dy += 2) {
                for (int dx = -4; dx <= 4; dx += 2) {
                  int c = (int) Math.round(seen.column(i)) + dx;
                  int r = (int) Math.round(seen.row(i)) + dy;
                  if (c >= 0 && r >= 0 && c < view.width() && r < view.height()) {
                    samples++;
                    hidden += seen.depth[r * view.width() + c] < limit ? 1 : 0;
                  }
                }
              }
              light[i] = (float) (1 - SHADOW_DEPTH * hidden / Math.max(1, samples));
            });
    return light;
  }

  /**
   * How far each pixel is darkened by what stands in front of it.
   *
   * @param depth depth of each pixel, in metres
   * @param width width in pixels
   * @param pixelsPerMetre the scale
   * @return a factor for each pixel, 1 for no darkening
   */
  static float[] depthLines(float[] depth, int width, double pixelsPerMetre) {
    int height = depth.length / width;
    int[][] near = circle(2);
    int[][] wide = circle(9);
    float[] factors = new float[depth.length];
    IntStream.range(0, height)
        .parallel()
        .forEach(
            r -> {
              for (int c = 0; c < width; c++) {
                int pixel = r * width + c;
                if (depth[pixel] < Float.POSITIVE_INFINITY) {
                  double lines = hiddenBy(depth, width, height, c, r, near, pixelsPerMetre / 2);
                  double halo = hiddenBy(depth, width, height, c, r, wide, pixelsPerMetre / 9);
                  factors[pixel] = (float) Math.exp(-0.55 * lines - 0.38 * halo);
                }
              }
            });
    return factors;
  }

  private static int[][] circle(int radius) {
    return IntStream.range(0, 8)
        .mapToObj(
            k ->
                new int[] {
                  (int) Math.round(radius * Math.cos(k * Math.PI / 4)),
                  (int) Math.round(radius * Math.sin(k * Math.PI / 4))
                })
        .toArray(int[][]::new);
  }

  private static double hiddenBy(
      float[] depth, int width, int height, int column, int row, int[][] around, double scale) {
    double sum = 0;
    float z = depth[row * width + column];
    for (int[] offset : around) {
      int c = column + offset[0];
      int r = row + offset[1];
      if (c >= 0 && r >= 0 && c < width && r < height) {
        // Surfaces that merely slope are not hidden by themselves.
        double slope = (z - depth[r * width + c]) * scale - 1.2;
        sum += Math.max(0, Math.min(1, slope / 6));
      }
    }
    return sum / 4;
  }

  /** What an 8-bit sRGB value is in light, 0 to 1. */
  static float linear(int srgb) {
    return LINEAR[srgb];
  }

  /** The nearest 8-bit sRGB value of light from 0 to 1. */
  static int srgb(double linear) {
    return SRGB[(int) (Math.max(0, Math.min(1, linear)) * (SRGB.length - 1) + 0.5)];
  }
}
