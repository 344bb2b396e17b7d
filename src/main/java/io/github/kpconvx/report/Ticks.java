package io.github.kpconvx.report;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.List;

/**
 * An axis from a lowest to a highest round number, with marks at round numbers.
 *
 * @param marks where the marks are, from the axis's lower end to its upper end
 */
record Ticks(List<BigDecimal> marks) {
  /** A minus sign as long as a plus sign. */
  static final char MINUS = '\u2212';

  private static final List<String> ROUND =
      List.of("1", "1.2", "1.5", "2", "2.5", "3", "4", "5", "6", "8");
  private static final List<String> STEPS = List.of("1", "2", "5");

  Ticks {
    marks = List.copyOf(marks);
  }

  /**
   * An axis symmetric about 0 that holds all values up to a magnitude: its ends are the least of 1,
   * 1.2, 1.5, 2, 2.5, 3, 4, 5, 6 or 8 times a power of ten that is not less, its marks at the ends,
   * the middle and halfway between.
   *
   * @param magnitude the largest magnitude; an axis for 0 ends at 1
   * @return the axis
   */
  static Ticks symmetric(double magnitude) {
    BigDecimal end = magnitude == 0 ? BigDecimal.ONE : atLeast(magnitude, ROUND);
    BigDecimal half = end.divide(BigDecimal.valueOf(2));
    return new Ticks(List.of(end.negate(), half.negate(), BigDecimal.ZERO, half, end));
  }

  /**
   * An axis for numbers of things: from 0 in steps of 1, 2 or 5 times a power of ten, of which it
   * takes at most five.
   *
   * @param largest the largest number, at least 0
   * @return the axis
   */
  static Ticks counts(long largest) {
    BigDecimal step = atLeast(Math.max(1, largest / 5.0), STEPS);
    BigDecimal steps =
        BigDecimal.valueOf(Math.max(1, largest)).divide(step, 0, RoundingMode.CEILING);
    List<BigDecimal> marks = new ArrayList<>();
    for (int i = 0; i <= steps.intValueExact(); i++) {
      marks.add(step.multiply(BigDecimal.valueOf(i)));
    }
    return new Ticks(marks);
  }

  /** The least of some mantissas times a power of ten that is not less than a number. */
  private static BigDecimal atLeast(double number, List<String> mantissas) {
    for (int exponent = (int) Math.floor(Math.log10(number)) - 1; ; exponent++) {
      for (String mantissa : mantissas) {
        BigDecimal candidate = new BigDecimal(mantissa).scaleByPowerOfTen(exponent);
        if (candidate.doubleValue() >= number) {
          return candidate;
        }
      }
    }
  }

  /** How many digits after the point show the axis's range to four figures. */
  int digits() {
    return Math.max(0, 3 - exponent(marks.get(marks.size() - 1)));
  }

  /** The lower end. */
  double low() {
    return marks.get(0).doubleValue();
  }

  /** The upper end. */
  double high() {
    return marks.get(marks.size() - 1).doubleValue();
  }

  /** The power of ten of a number's first digit. */
  static int exponent(BigDecimal number) {
    return number.precision() - number.scale() - 1;
  }

  /**
   * How a number stands at an axis: in full from a ten thousandth to below a million, else as
   * mantissa and exponent.
   *
   * @param number the number
   * @return its shortest digits, with a true minus sign
   */
  static String label(BigDecimal number) {
    if (number.signum() == 0) {
      return "0";
    }
    BigDecimal digits = number.stripTrailingZeros();
    int exponent = exponent(number);
    boolean plain = exponent >= -4 && exponent < 6;
    String text =
        plain
            ? digits.toPlainString()
            : digits.scaleByPowerOfTen(-exponent).toPlainString() + "e" + exponent;
    return text.replace('-', MINUS);
  }
}
