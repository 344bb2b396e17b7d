package io.github.kpconvx.pointcloud;

import java.util.regex.Pattern;

/**
 * A class of points.
 *
 * @param code its LAS classification code, 0 to 255
 * @param name what it is called
 * @param color the colour it is shown in, {@code 0xRRGGBB}
 */
public record PointClass(int code, String name, int color) {
  private static final Pattern HEX = Pattern.compile("#[0-9a-fA-F]{6}");

  /**
   * Checks the values.
   *
   * @throws PointCloudException if the code or the colour is out of range or the name empty
   */
  public PointClass {
    if (code < 0 || code > 255) {
      throw new PointCloudException("class code is %d, expected 0 to 255".formatted(code));
    }
    if (name.isBlank()) {
      throw new PointCloudException("class %d has no name".formatted(code));
    }
    if (color < 0 || color > 0xffffff) {
      throw new PointCloudException(
          "colour of class %s is 0x%x, expected 0 to 0xffffff".formatted(name, color));
    }
  }

  /**
   * A class whose colour is written as on the web.
   *
   * @param code its LAS classification code, 0 to 255
   * @param name what it is called
   * @param color its colour as {@code #rrggbb}
   * @return the class
   * @throws PointCloudException if a value is out of range or the colour is written otherwise
   */
  public static PointClass of(int code, String name, String color) {
    if (!HEX.matcher(color).matches()) {
      throw new PointCloudException(
          "colour of class %s is \"%s\", expected #rrggbb".formatted(name, color));
    }
    return new PointClass(code, name, Integer.parseInt(color.substring(1), 16));
  }
}
