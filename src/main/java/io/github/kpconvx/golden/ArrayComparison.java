package io.github.kpconvx.golden;

import io.github.kpconvx.numpy.NpyArray;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** An array compared with a golden one, element by element. Immutable. */
public final class ArrayComparison {
  private final String name;
  private final NpyArray golden;
  private final NpyArray found;
  private final Tolerance tolerance;
  private final Values expectedValues;
  private final Values foundValues;
  private final BitSet beyond = new BitSet();
  private double sum;
  private int worst = -1;

  /** Numbers of whatever type, by their place in C order. */
  @FunctionalInterface
  private interface Values {
    double at(int i);
  }

  private ArrayComparison(String name, NpyArray golden, NpyArray found, Tolerance tolerance) {
    this.name = name;
    this.golden = golden;
    this.found = found;
    this.tolerance = golden.type().isFloat() ? tolerance : new Tolerance(0, 0);
    this.expectedValues = values(golden);
    this.foundValues = values(found);
    if (comparable()) {
      for (int i = 0; i < golden.size(); i++) {
        compare(i);
      }
    }
  }

  /**
   * Compares. Floating point numbers of 32 and 64 bits are compared by their values; whole numbers
   * agree only if they are equal and of one type.
   *
   * @param name what the arrays are, for messages
   * @param golden what is expected
   * @param found what is compared with it
   * @param tolerance by how much floating point numbers may differ
   * @return the result
   */
  public static ArrayComparison of(
      String name, NpyArray golden, NpyArray found, Tolerance tolerance) {
    return new ArrayComparison(name, golden, found, tolerance);
  }

  private static Values values(NpyArray array) {
    if (array.type().isFloat()) {
      double[] values = array.toDoubles();
      return i -> values[i];
    }
    if (array.type().isInteger()) {
      long[] values = array.toLongs();
      return i -> (double) values[i];
    }
    return i -> array.bytes().get(i);
  }

  private void compare(int i) {
    double expected = expectedValues.at(i);
    double actual = foundValues.at(i);
    if (!tolerance.accepts(expected, actual)) {
      beyond.set(i);
    }
    double difference = difference(i);
    sum += difference;
    // A NaN is worse than any number, and the first stays.
    if (worst < 0
        || difference > difference(worst)
        || (Double.isNaN(difference) && !Double.isNaN(difference(worst)))) {
      worst = i;
    }
  }

  private double difference(int i) {
    double expected = expectedValues.at(i);
    double actual = foundValues.at(i);
    return expected == actual ? 0 : Math.abs(expected - actual);
  }

  /** Whether type and shape are such that there is something to compare. */
  private boolean comparable() {
    boolean sameKind =
        golden.type() == found.type() || (golden.type().isFloat() && found.type().isFloat());
    return sameKind && Arrays.equals(golden.shape(), found.shape());
  }

  /**
   * What was compared.
   *
   * @return the name
   */
  public String name() {
    return name;
  }

  /**
   * Whether type and shape are right and every element is within the tolerance.
   *
   * @return true if so
   */
  public boolean agrees() {
    return comparable() && beyond.isEmpty();
  }

  /**
   * Why the elements could not be compared.
   *
   * @return type and shape of both, if they differ
   */
  public Optional<String> mismatch() {
    return comparable() ? Optional.empty() : Optional.of("expected " + golden + ", found " + found);
  }

  /**
   * The bound that was used.
   *
   * @return the tolerance; none for whole numbers
   */
  public Tolerance tolerance() {
    return tolerance;
  }

  /**
   * Number of golden elements.
   *
   * @return the number
   */
  public int elements() {
    return golden.size();
  }

  /**
   * Number of elements beyond the tolerance.
   *
   * @return the number; 0 if they could not be compared
   */
  public int differing() {
    return beyond.cardinality();
  }

  /**
   * The largest difference.
   *
   * @return its magnitude; NaN if a NaN is involved, 0 if there are no elements to compare
   */
  public double maxDifference() {
    return worst < 0 ? 0 : difference(worst);
  }

  /**
   * The average difference.
   *
   * @return its magnitude; NaN if a NaN is involved, 0 if there are no elements to compare
   */
  public double meanDifference() {
    return worst < 0 ? 0 : sum / golden.size();
  }

  /** The places of elements beyond the tolerance, in C order. */
  BitSet places() {
    return (BitSet) beyond.clone();
  }

  long[] shape() {
    return golden.shape();
  }

  /** Where the first difference is and the largest one, what they are, and how many there are. */
  String describe() {
    if (!comparable()) {
      return "expected " + golden + ", found " + found;
    }
    int first = beyond.nextSetBit(0);
    String text =
        "at "
            + element(first)
            + "; "
            + String.format(Locale.ROOT, "%,d of %,d elements differ", differing(), elements());
    if (worst != first) {
      text += ", the most at " + element(worst);
    }
    int nans = nans(foundValues);
    int goldenNans = nans(expectedValues);
    return nans + goldenNans == 0
        ? text
        : text
            + ". NaN are "
            + nans
            + " of the elements found, "
            + goldenNans
            + " of the golden ones";
  }

  /** How many differ and by how much, in few words. */
  String summary() {
    return comparable()
        ? String.format(
            Locale.ROOT,
            "%s (%,d of %,d, up to %.3g)",
            name,
            differing(),
            elements(),
            maxDifference())
        : name + " (" + describe() + ")";
  }

  private int nans(Values values) {
    int count = 0;
    for (int i = 0; i < golden.size(); i++) {
      count += Double.isNaN(values.at(i)) ? 1 : 0;
    }
    return count;
  }

  private String element(int i) {
    double expected = expectedValues.at(i);
    double actual = foundValues.at(i);
    String format = golden.type().isFloat() ? "%.8g" : "%.0f";
    String bounds = golden.type().isFloat() ? "%.3g" : "%.0f";
    return String.format(
        Locale.ROOT,
        "%s: found "
            + format
            + ", expected "
            + format
            + ", difference "
            + bounds
            + " where "
            + bounds
            + " is allowed",
        index(i),
        actual,
        expected,
        Math.abs(actual - expected),
        tolerance.allowed(expected));
  }

  /** The indices of an element, such as {@code [0, 3, 1]}. */
  private List<Long> index(int place) {
    long[] shape = golden.shape();
    Long[] index = new Long[shape.length];
    long rest = place;
    for (int d = shape.length - 1; d >= 0; d--) {
      index[d] = rest % shape[d];
      rest /= shape[d];
    }
    return List.of(index);
  }
}
