package io.github.kpconvx.report;

import java.math.BigDecimal;
import java.math.RoundingMode;

/** Numbers in tables, as C and Python print them, whatever the language of the system. */
final class Tables {
  private Tables() {}

  /**
   * A matrix as {@code numpy.savetxt(…, fmt="%.7f")} writes it.
   *
   * @param rows the matrix
   * @return a line for each row, its numbers separated by spaces
   */
  static String csv(double[][] rows) {
    StringBuilder text = new StringBuilder();
    for (double[] row : rows) {
      for (int c = 0; c < row.length; c++) {
        text.append(c == 0 ? "" : " ").append(fixed(row[c], 7));
      }
      text.append('\n');
    }
    return text.toString();
  }

  /**
   * A number as {@code %.nf} writes it in C: correctly rounded, exact halves to the even digit,
   * which Java's own formatting does not do.
   *
   * @param value the number
   * @param digits n
   * @return its digits
   */
  static String fixed(double value, int digits) {
    if (Double.isNaN(value)) {
      return "nan";
    }
    if (Double.isInfinite(value)) {
      return value > 0 ? "inf" : "-inf";
    }
    boolean negative = Double.doubleToRawLongBits(value) < 0;
    String magnitude =
        new BigDecimal(Math.abs(value)).setScale(digits, RoundingMode.HALF_EVEN).toPlainString();
    return (negative ? "-" : "") + magnitude;
  }
}
