package io.github.kpconvx.pointcloud;

import java.nio.file.Path;
import java.util.Arrays;

/**
 * The points of a LAS or LAZ file, column by column and in the file's order. Immutable.
 *
 * <p>Coordinates are the file's raw integers, so that distances and comparisons are exact; {@link
 * #quantization()} turns them into metres.
 */
public final class PointCloud {
  private final Quantization quantization;
  private final CoordinateSystem coordinateSystem;
  private final int[] x;
  private final int[] y;
  private final int[] z;
  private final char[] intensity;
  private final byte[] returnNumber;
  private final byte[] numberOfReturns;
  private final byte[] classification;
  private final char[] colors;

  /**
   * Takes the arrays as they are.
   *
   * @param colors red, green and blue of each point in turn, or null
   */
  PointCloud(
      Quantization quantization,
      CoordinateSystem coordinateSystem,
      int[] x,
      int[] y,
      int[] z,
      char[] intensity,
      byte[] returnNumber,
      byte[] numberOfReturns,
      byte[] classification,
      char[] colors) {
    this.quantization = quantization;
    this.coordinateSystem = coordinateSystem;
    this.x = x;
    this.y = y;
    this.z = z;
    this.intensity = intensity;
    this.returnNumber = returnNumber;
    this.numberOfReturns = numberOfReturns;
    this.classification = classification;
    this.colors = colors;
  }

  /**
   * Points with coordinates only: intensity 0, return 1 of 1, class 0 (never classified), no
   * colours.
   *
   * @param quantization turns raw coordinates into metres
   * @param x raw x of each point; copied
   * @param y raw y of each point; copied
   * @param z raw z of each point; copied
   * @return the points
   * @throws PointCloudException if the lengths differ
   */
  public static PointCloud of(Quantization quantization, int[] x, int[] y, int[] z) {
    int n = x.length;
    if (y.length != n || z.length != n) {
      throw new PointCloudException(
          "x, y and z have %d, %d and %d values, expected the same number"
              .formatted(n, y.length, z.length));
    }
    byte[] ones = new byte[n];
    Arrays.fill(ones, (byte) 1);
    return new PointCloud(
        quantization,
        CoordinateSystem.NONE,
        x.clone(),
        y.clone(),
        z.clone(),
        new char[n],
        ones,
        ones,
        new byte[n],
        null);
  }

  /**
   * Reads a {@code .las} or {@code .laz} file: LAS 1.2 to 1.4, point formats 0 to 3 and 6 to 8.
   *
   * @param path the file; what it is, its content says, not its name
   * @return its points
   * @throws PointCloudException if it cannot be read, is no such file, is incomplete or corrupt
   */
  public static PointCloud read(Path path) {
    return LasFile.read(path);
  }

  /**
   * Writes LAS 1.4, uncompressed: point format 7 if there are colours, 6 if not. The coordinate
   * reference system is kept as it was read. The file is written under a temporary name in the same
   * folder and moved into place.
   *
   * @param path the file to make or replace, its name ending in {@code .las}
   * @throws PointCloudException if it cannot be written, or its name ends otherwise
   */
  public void write(Path path) {
    LasFile.write(this, path);
  }

  /**
   * The number of points.
   *
   * @return the number of points
   */
  public int size() {
    return x.length;
  }

  /**
   * Turns raw coordinates into metres.
   *
   * @return the quantization
   */
  public Quantization quantization() {
    return quantization;
  }

  /** What the file says of its coordinate reference system. */
  CoordinateSystem coordinateSystem() {
    return coordinateSystem;
  }

  /**
   * Raw x.
   *
   * @param i a point, 0 to {@code size() - 1}
   * @return its raw x
   */
  public int x(int i) {
    return x[i];
  }

  /**
   * Raw y.
   *
   * @param i a point, 0 to {@code size() - 1}
   * @return its raw y
   */
  public int y(int i) {
    return y[i];
  }

  /**
   * Raw z.
   *
   * @param i a point, 0 to {@code size() - 1}
   * @return its raw z
   */
  public int z(int i) {
    return z[i];
  }

  /**
   * The strength of the echo.
   *
   * @param i a point, 0 to {@code size() - 1}
   * @return its intensity, 0 to 65535
   */
  public int intensity(int i) {
    return intensity[i];
  }

  /**
   * Which of its pulse's returns the point is.
   *
   * @param i a point, 0 to {@code size() - 1}
   * @return its return number, 1 for the first; 0 to 15
   */
  public int returnNumber(int i) {
    return returnNumber[i];
  }

  /**
   * How many returns the point's pulse had.
   *
   * @param i a point, 0 to {@code size() - 1}
   * @return the number of returns, 0 to 15
   */
  public int numberOfReturns(int i) {
    return numberOfReturns[i];
  }

  /**
   * The point's class.
   *
   * @param i a point, 0 to {@code size() - 1}
   * @return its LAS classification code, 0 to 255
   */
  public int classification(int i) {
    return classification[i] & 0xff;
  }

  /**
   * Whether the points have colours.
   *
   * @return whether {@link #red}, {@link #green} and {@link #blue} have values
   */
  public boolean hasColors() {
    return colors != null;
  }

  /**
   * The red part of a point's colour.
   *
   * @param i a point, 0 to {@code size() - 1}
   * @return red, 0 to 65535
   * @throws PointCloudException if the points have no colours
   */
  public int red(int i) {
    return channel(i, 0);
  }

  /**
   * The green part of a point's colour.
   *
   * @param i a point, 0 to {@code size() - 1}
   * @return green, 0 to 65535
   * @throws PointCloudException if the points have no colours
   */
  public int green(int i) {
    return channel(i, 1);
  }

  /**
   * The blue part of a point's colour.
   *
   * @param i a point, 0 to {@code size() - 1}
   * @return blue, 0 to 65535
   * @throws PointCloudException if the points have no colours
   */
  public int blue(int i) {
    return channel(i, 2);
  }

  private int channel(int i, int channel) {
    if (colors == null) {
      throw new PointCloudException("the points have no colours");
    }
    return colors[3 * i + channel];
  }

  /**
   * The same points with other intensities.
   *
   * @param values an intensity for each point, 0 to 65535
   * @return the points
   * @throws PointCloudException if there are more or fewer values than points, or one is out of
   *     range
   */
  public PointCloud withIntensity(int[] values) {
    check("intensity", values, 65535);
    char[] column = new char[size()];
    for (int i = 0; i < column.length; i++) {
      column[i] = (char) values[i];
    }
    return new PointCloud(
        quantization,
        coordinateSystem,
        x,
        y,
        z,
        column,
        returnNumber,
        numberOfReturns,
        classification,
        colors);
  }

  /**
   * The same points with other returns.
   *
   * @param number the return number of each point, 0 to 15
   * @param total the number of returns of each point's pulse, 0 to 15
   * @return the points
   * @throws PointCloudException if there are more or fewer values than points, or one is out of
   *     range
   */
  public PointCloud withReturns(int[] number, int[] total) {
    return new PointCloud(
        quantization,
        coordinateSystem,
        x,
        y,
        z,
        intensity,
        bytes("return number", number, 15),
        bytes("number of returns", total, 15),
        classification,
        colors);
  }

  /**
   * The same points with other classes.
   *
   * @param codes a LAS classification code for each point, 0 to 255
   * @return the points
   * @throws PointCloudException if there are more or fewer values than points, or one is out of
   *     range
   */
  public PointCloud withClassification(int[] codes) {
    return new PointCloud(
        quantization,
        coordinateSystem,
        x,
        y,
        z,
        intensity,
        returnNumber,
        numberOfReturns,
        bytes("classification", codes, 255),
        colors);
  }

  /**
   * The same points with other colours.
   *
   * @param rgb a colour for each point as {@code 0xRRGGBB}
   * @return the points
   * @throws PointCloudException if there are more or fewer values than points, or one is out of
   *     range
   */
  public PointCloud withColors(int[] rgb) {
    check("colour", rgb, 0xffffff);
    char[] column = new char[3 * size()];
    for (int i = 0; i < rgb.length; i++) {
      // LAS wants 16 bits: 0xff becomes 0xffff.
      column[3 * i] = (char) ((rgb[i] >> 16 & 0xff) * 257);
      column[3 * i + 1] = (char) ((rgb[i] >> 8 & 0xff) * 257);
      column[3 * i + 2] = (char) ((rgb[i] & 0xff) * 257);
    }
    return new PointCloud(
        quantization,
        coordinateSystem,
        x,
        y,
        z,
        intensity,
        returnNumber,
        numberOfReturns,
        classification,
        column);
  }

  private byte[] bytes(String what, int[] values, int max) {
    check(what, values, max);
    byte[] column = new byte[values.length];
    for (int i = 0; i < values.length; i++) {
      column[i] = (byte) values[i];
    }
    return column;
  }

  private void check(String what, int[] values, int max) {
    if (values.length != size()) {
      throw new PointCloudException(
          "%s has %d values, expected one for each of the %d points"
              .formatted(what, values.length, size()));
    }
    for (int i = 0; i < values.length; i++) {
      if (values[i] < 0 || values[i] > max) {
        throw new PointCloudException(
            "%s of point %d is %d, expected 0 to %d".formatted(what, i, values[i], max));
      }
    }
  }
}
