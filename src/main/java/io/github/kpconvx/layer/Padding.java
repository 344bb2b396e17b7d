package io.github.kpconvx.layer;

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
final class Padding {
  /** No rows at all. */
  static final Padding NONE = new Padding(null, null, null);

  /** At most an eighth more rows than points. */
  private static final int STEPS_PER_OCTAVE = 8;

  private static final int FEWEST = 64;

  /**
   * As fast as more, in little memory, and faster than fewer, as each call of compiled code costs;
   * clouds of up to twice as many are one tile.
   */
  private static final int TILE = 8192;

  /** Without padding: fewer stay in the processor's caches between one operation and the next. */
  private static final int UNPADDED_TILE = 2048;

  private final Operand<TInt32> points;
  private final Operand<TInt32> surplus;
  private final Operand<TInt32> tile;

  private Padding(Operand<TInt32> points, Operand<TInt32> surplus, Operand<TInt32> tile) {
    this.points = points;
    this.surplus = surplus;
    this.tile = tile;
  }

  /** Pads P points' rows. */
  static Padding of(Ops tf, Operand<TInt32> points) {
    int[] sizes = sizes();
    Operand<TInt32> place =
        tf.lowerBound(
            tf.constant(new int[][] {sizes}), tf.reshape(points, tf.constant(new int[] {1, 1})));
    Operand<TInt32> known =
        tf.math.minimum(tf.reshape(place, tf.constant(new int[0])), tf.constant(sizes.length - 1));
    int[] tiles = Arrays.stream(sizes).map(Padding::tile).toArray();
    Operand<TInt32> padded = tf.gather(tf.constant(sizes), known, tf.constant(0));
    return new Padding(
        points,
        tf.math.maximum(tf.math.sub(padded, points), tf.constant(0)),
        tf.gather(tf.constant(tiles), known, tf.constant(0)));
  }

  /** A tile that divides a number of rows, so that XLA compiles one size of tiles for it. */
  static int tile(int rows) {
    return rows <= 2 * TILE ? rows : Math.min(TILE, Integer.lowestOneBit(rows));
  }

  /** How many rows are computed at a time. */
  Operand<TInt32> tile(Ops tf) {
    return tile == null ? tf.constant(UNPADDED_TILE) : tile;
  }

  /**
   * The numbers of rows that are used, ascending: eight to each doubling, from 64.
   *
   * @return the numbers
   */
  static int[] sizes() {
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
  <T extends TNumber> Operand<T> pad(Ops tf, Operand<T> rows) {
    if (points == null) {
      return rows;
    }
    Operand<TInt32> zero = tf.constant(0);
    Operand<TInt32> below = tf.stack(List.of(zero, surplus));
    Operand<TInt32> paddings = tf.stack(List.of(below, tf.constant(new int[] {0, 0})));
    return withColumns(tf, tf.pad(rows, paddings, tf.dtypes.cast(zero, rows.type())), rows.shape());
  }

  /** Takes the rows away again from (…, …) of any rank. */
  <T extends TNumber> Operand<T> unpad(Ops tf, Operand<T> rows) {
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
