package io.github.kpconvx.report;

/**
 * Colours for signed values: blue below, white at 0, red above, as dark at −limit as at +limit, in
 * 255 steps of which the middle one is 0's.
 */
final class DivergingScale {
  /** Number of colours; odd, so that one is 0's own. */
  static final int STEPS = 255;

  /** What a value that is not finite gets. */
  static final String NOT_FINITE = "#2ca02c";

  private static final int[][] ANCHORS = {
    {0x0b, 0x3d, 0x78},
    {0x5a, 0x9b, 0xd0},
    {0xfa, 0xfa, 0xfa},
    {0xe5, 0x82, 0x5f},
    {0x8c, 0x14, 0x20}
  };

  private final double limit;

  /**
   * A scale.
   *
   * @param limit the magnitude with the darkest colours, greater than 0
   */
  DivergingScale(double limit) {
    this.limit = limit;
  }

  /**
   * The colour of a value.
   *
   * @param value the value; one beyond a limit gets the limit's colour
   * @return {@code #rrggbb}
   */
  String color(double value) {
    if (!Double.isFinite(value)) {
      return NOT_FINITE;
    }
    double place = Math.floor((value + limit) / (2 * limit) * STEPS);
    return step((int) Math.max(0, Math.min(STEPS - 1, place)));
  }

  /**
   * One of the colours.
   *
   * @param step from 0, the lower limit's, to {@link #STEPS} − 1
   * @return {@code #rrggbb}
   */
  static String step(int step) {
    double place = (double) step / (STEPS - 1) * (ANCHORS.length - 1);
    int below = Math.min((int) place, ANCHORS.length - 2);
    StringBuilder color = new StringBuilder("#");
    for (int c = 0; c < 3; c++) {
      double between =
          ANCHORS[below][c] + (place - below) * (ANCHORS[below + 1][c] - ANCHORS[below][c]);
      color.append("%02x".formatted(Math.round(between)));
    }
    return color.toString();
  }
}
