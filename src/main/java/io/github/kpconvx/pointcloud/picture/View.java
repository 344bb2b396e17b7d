package io.github.kpconvx.pointcloud.picture;

/**
 * A frame that a surface fills, seen through a camera.
 *
 * @param width width in pixels
 * @param height height in pixels
 * @param pixelsPerMetre the scale
 * @param left where the camera's right 0 is, in pixels from the left
 * @param top where the camera's up 0 is, in pixels from the top
 */
record View(int width, int height, double pixelsPerMetre, double left, double top) {
  private static final double EDGE = 0.3;

  /**
   * The largest frame that fits.
   *
   * @param surface what is seen
   * @param camera how it is seen
   * @param maxWidth greatest width in pixels
   * @param maxHeight greatest height in pixels
   * @return the frame
   */
  static View of(Surface surface, Camera camera, int maxWidth, int maxHeight) {
    double minX = Double.POSITIVE_INFINITY;
    double maxX = Double.NEGATIVE_INFINITY;
    double minY = Double.POSITIVE_INFINITY;
    double maxY = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < surface.size; i++) {
      double x = camera.right().dot(surface.x[i], surface.y[i], surface.z[i]);
      double y = camera.up().dot(surface.x[i], surface.y[i], surface.z[i]);
      minX = Math.min(minX, x);
      maxX = Math.max(maxX, x);
      minY = Math.min(minY, y);
      maxY = Math.max(maxY, y);
    }
    double extentX = maxX - minX + 2 * EDGE;
    double extentY = maxY - minY + 2 * EDGE;
    double scale = Math.min(maxWidth / extentX, maxHeight / extentY);
    int width = Math.max(1, Math.min(maxWidth, (int) Math.ceil(extentX * scale)));
    int height = Math.max(1, Math.min(maxHeight, (int) Math.ceil(extentY * scale)));
    return new View(width, height, scale, (EDGE - minX) * scale, (maxY + EDGE) * scale);
  }

  Splats splats(Surface surface, Camera camera) {
    return new Splats(surface, camera, width, height, pixelsPerMetre, left, top);
  }

  /** Width over height. */
  double aspect() {
    return (double) width / height;
  }
}
