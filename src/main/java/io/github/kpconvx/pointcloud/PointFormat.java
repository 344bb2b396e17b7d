package io.github.kpconvx.pointcloud;

/**
 * How a point record of the LAS specification 1.4 R15 is laid out. All formats begin with X, Y and
 * Z, the intensity at {@value #INTENSITY}, and the returns at {@value #RETURNS}.
 *
 * @param number the point format, 0 to 3 or 6 to 8
 */
record PointFormat(int number) {
  static final int INTENSITY = 12;
  static final int RETURNS = 14;

  /** Where flags stand: from 6 on in the low bits, before in the high bits of the class byte. */
  static final int FLAGS = 15;

  private static final int[] LENGTHS = {20, 28, 26, 34, 0, 0, 30, 36, 38};

  /** Whether points of this format can be read: not those with waveforms. */
  static boolean isKnown(int number) {
    return number >= 0 && number < LENGTHS.length && LENGTHS[number] > 0;
  }

  /** Bytes of a record without extra bytes. */
  int length() {
    return LENGTHS[number];
  }

  /** Whether a class has 8 bits and a return number 4, not 5 and 3. */
  boolean extended() {
    return number >= 6;
  }

  int classOffset() {
    return extended() ? 16 : 15;
  }

  int classMask() {
    return extended() ? 0xff : 0x1f;
  }

  int returnBits() {
    return extended() ? 4 : 3;
  }

  int flagShift() {
    return extended() ? 0 : 5;
  }

  /** Where red, green and blue start, or −1. */
  int colorOffset() {
    return switch (number) {
      case 2 -> 20;
      case 3 -> 28;
      case 7, 8 -> 30;
      default -> -1;
    };
  }

  /** This format, or the one that has colours besides. */
  PointFormat colored() {
    return switch (number) {
      case 0 -> new PointFormat(2);
      case 1 -> new PointFormat(3);
      case 6 -> new PointFormat(7);
      default -> this;
    };
  }
}
