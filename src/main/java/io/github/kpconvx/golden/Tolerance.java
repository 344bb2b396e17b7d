package io.github.kpconvx.golden;

import io.github.kpconvx.keras.KerasException;

/**
 * By how much a number may differ from a golden one: {@code atol + rtol·|golden|}. Whole numbers
 * may not differ at all.
 *
 * @param atol absolute part, at least 0
 * @param rtol relative part, at least 0
 */
public record Tolerance(double atol, double rtol) {

  public Tolerance {
    if (!(atol >= 0) || !(rtol >= 0)) {
      throw new KerasException(
          "atol = " + atol + ", rtol = " + rtol + ", expected numbers of at least 0");
    }
  }

  /** The largest difference from a golden number that is allowed; none from an infinite one. */
  double allowed(double expected) {
    return Double.isFinite(expected) ? atol + rtol * Math.abs(expected) : 0;
  }

  /** Equal infinities agree; NaN agrees with nothing. */
  boolean accepts(double expected, double found) {
    return expected == found || Math.abs(expected - found) <= allowed(expected);
  }
}
