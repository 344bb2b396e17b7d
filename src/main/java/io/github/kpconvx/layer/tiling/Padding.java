package io.github.kpconvx.layer.tiling;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TNumber;

/**
 * Rows of zeros behind those of points, up to one of few numbers of rows: XLA compiles anew for
 * each number, and clouds come in all sizes. No point is a padding row's neighbour, so that padding
 * changes no result.
 */
public final class Padding {
  /** No rows at all. */
  public static final Padding NONE = new Padding(null, null, null);

  /** At most an eighth more rows than points. */
  private static final int STEPS_PER_OCTAVE = 8;

  private static final int FEWEST = 64;

  private final Operand<TInt32> points;
  private final Operand<TInt32> surplus;
  private final Operand<TInt32> place;

  /**
   * @param points P
   * @param surplus how many rows of zeros are added
   * @param place which of the {@link #sizes} that makes
   */
  private Padding(Operand<TInt32> points, Operand<TInt32> surplus, Operand<TInt32> place) {
    this.points = points;
    this.surplus = surplus;
    this.place = place;
  }

  /** Pads P points' rows. */
  public static Padding of(Ops tf, Operand<TInt32> points) {
    int[] sizes = sizes();
    Operand<TInt32> place =
        tf.lowerBound(
            tf.constant(new int[][] {sizes}), tf.reshape(points, tf.constant(new int[] {1, 1})));
    Operand<TInt32> known =
        tf.math.minimum(tf.reshape(place, tf.constant(new int[0])), tf.constant(sizes.length - 1));
    Operand<TInt32> padded = tf.gather(tf.constant(sizes), known, tf.constant(0));
    return new Padding(points, tf.math.maximum(tf.math.sub(padded, points), tf.constant(0)), known);
  }

  /** How many of the padded rows are a tile: all tiles have one size, as XLA compiles for each. */
  public Operand<TInt32> tile(Ops tf, int most, int parts) {
    int[] tiles = Arrays.stream(sizes()).map(rows -> tile(rows, most, parts)).toArray();
    return tf.gather(tf.constant(tiles), place, tf.constant(0));
  }

  /**
   * One of 2, 4, 8, … equal parts of one of the {@link #sizes}, or all of it.
   *
   * @param rows the size
   * @param most no part has more rows
   * @param parts there are as many at least, unless too small ones for that
   */
  public static int tile(int rows, int most, int parts) {
    int tile = rows;
    while (tile > most || (rows / tile < parts && tile >= 2 * TileSize.COMPILED_FEWEST)) {
      tile /= 2;
    }
    return tile;
  }

  /**
   * The numbers of rows that are used, ascending: eight to each doubling, from 64.
   *
   * @return the numbers
   */
  public static int[] sizes() {
    List<Integer> sizes = new ArrayList<>();
    sizes.add(FEWEST);
    for (long octave = FEWEST; octave < Integer.MAX_VALUE / 4; octave *= 2) {
      for (int step = 1; step <= STEPS_PER_OCTAVE; step++) {
        sizes.add((int) (octave + octave * step / STEPS_PER_OCTAVE));
      }
    }
    return sizes.stream().mapToInt(Integer::intValue).toArray();
  }

  /** Adds the rows to (P, C). */
  public <T extends TNumber> Operand<T> pad(Ops tf, Operand<T> rows) {
    if (points == null) {
      return rows;
    }
    Operand<TInt32> zero = tf.constant(0);
    Operand<TInt32> below = tf.stack(List.of(zero, surplus));
    Operand<TInt32> paddings = tf.stack(List.of(below, tf.constant(new int[] {0, 0})));
    return withColumns(tf, tf.pad(rows, paddings, tf.dtypes.cast(zero, rows.type())), rows.shape());
  }

  /** Takes the rows away again from (…, …) of any rank. */
  public <T extends TNumber> Operand<T> unpad(Ops tf, Operand<T> rows) {
    if (points == null) {
      return rows;
    }
    Shape padded = rows.shape();
    int rank = padded.numDimensions();
    List<Operand<TInt32>> size = new ArrayList<>(List.of(points));
    for (int d = 1; d < rank; d++) {
      size.add(tf.constant(-1));
    }
    Operand<T> unpadded = tf.slice(rows, tf.constant(new int[rank]), tf.stack(size));
    return withColumns(tf, unpadded, padded);
  }

  /** Tells TensorFlow again what it does not see: that the sizes but the first are the old ones. */
  private static <T extends TNumber> Operand<T> withColumns(Ops tf, Operand<T> rows, Shape old) {
    return tf.ensureShape(rows, Shape.of(Shape.UNKNOWN_SIZE).append(old.tail()));
  }
}
