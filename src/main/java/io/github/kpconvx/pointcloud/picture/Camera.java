package io.github.kpconvx.pointcloud.picture;

/**
 * A parallel projection onto a picture. Right, up and depth are lengths in the scene's unit.
 *
 * @param right the scene's direction that is to the right in the picture
 * @param up the direction that is upwards
 * @param forward the direction into the picture
 */
record Camera(Vector right, Vector up, Vector forward) {

  /** A direction or a place: x east, y north, z up. */
  record Vector(double x, double y, double z) {

    double dot(double otherX, double otherY, double otherZ) {
      return x * otherX + y * otherY + z * otherZ;
    }

    double dot(Vector other) {
      return dot(other.x, other.y, other.z);
    }
  }

  /**
   * A camera that looks at the ground.
   *
   * @param azimuth the compass direction it looks in, in degrees clockwise from north
   * @param elevation how high it stands over the horizon, in degrees; 90 looks straight down
   * @return the camera
   */
  static Camera looking(double azimuth, double elevation) {
    double sinA = Math.sin(Math.toRadians(azimuth));
    double cosA = Math.cos(Math.toRadians(azimuth));
    double sinE = Math.sin(Math.toRadians(elevation));
    double cosE = Math.cos(Math.toRadians(elevation));
    return new Camera(
        new Vector(cosA, -sinA, 0),
        new Vector(sinA * sinE, cosA * sinE, cosE),
        new Vector(sinA * cosE, cosA * cosE, -sinE));
  }
}
