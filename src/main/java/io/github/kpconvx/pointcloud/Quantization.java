package io.github.kpconvx.pointcloud;

/**
 * How a LAS file turns its integer coordinates into real ones: {@code raw × scale + offset}.
 *
 * @param scaleX length of one raw unit in x, in the unit of the reference system (here metres),
 *     &gt; 0
 * @param scaleY the same in y
 * @param scaleZ the same in z
 * @param offsetX real x of the raw x 0
 * @param offsetY the same in y
 * @param offsetZ the same in z
 */
public record Quantization(
    double scaleX, double scaleY, double scaleZ, double offsetX, double offsetY, double offsetZ) {

  /**
   * Checks the values.
   *
   * @throws PointCloudException if a scale is not positive or a value is not finite
   */
  public Quantization {
    if (!(isScale(scaleX) && isScale(scaleY) && isScale(scaleZ))) {
      throw new PointCloudException(
          "scales are %s, %s, %s, expected finite numbers > 0".formatted(scaleX, scaleY, scaleZ));
    }
    if (!Double.isFinite(offsetX + offsetY + offsetZ)) {
      throw new PointCloudException(
          "offsets are %s, %s, %s, expected finite numbers".formatted(offsetX, offsetY, offsetZ));
    }
  }

  /**
   * The same scale on all axes, no offset.
   *
   * @param scale length of one raw unit, in metres
   * @return the quantization
   */
  public static Quantization of(double scale) {
    return new Quantization(scale, scale, scale, 0, 0, 0);
  }

  private static boolean isScale(double value) {
    return value > 0 && Double.isFinite(value);
  }

  /**
   * Real x.
   *
   * @param raw raw x
   * @return x, in metres
   */
  public double x(int raw) {
    return raw * scaleX + offsetX;
  }

  /**
   * Real y.
   *
   * @param raw raw y
   * @return y, in metres
   */
  public double y(int raw) {
    return raw * scaleY + offsetY;
  }

  /**
   * Real z.
   *
   * @param raw raw z
   * @return z, in metres
   */
  public double z(int raw) {
    return raw * scaleZ + offsetZ;
  }
}
