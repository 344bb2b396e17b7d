package io.github.kpconvx.layer;

import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TInt32;

/**
 * How many rows are a tile: as few as leave what is computed of them in a processor's caches, and
 * as many as a step of the loop is worth.
 *
 * @param compiled whether XLA compiles what is computed of them
 * @param forGpu whether operations may run on a GPU
 */
record TileSize(boolean compiled, boolean forGpu) {
  /** Rows of a compiled tile of geometry: each call has its cost. */
  static final int COMPILED_GEOMETRY = 16384;

  /** T · κ · D of a compiled tile: matrix products between calls leave the caches with more. */
  static final int COMPILED_BLOCK = 1 << 21;

  /** A compiled tile is not halved below, so that all processors have some. */
  static final int COMPILED_FEWEST = 256;

  /** Numbers in the largest matrix of a tile, (T, κ), of which geometry holds about ten. */
  static final int FOLDED_GEOMETRY = 1 << 14;

  /** Numbers in the largest matrix of a tile, (T, κ, D), of which a block holds about three. */
  static final int FOLDED_BLOCK = 1 << 18;

  private static final int FEWEST = 64;
  private static final int MOST = 2048;

  /** Rows of a tile of geometry. */
  Operand<TInt32> ofGeometry(Ops tf, SharedGeometry.Rows rows) {
    return compiled
        ? rows.padding().tile(tf, COMPILED_GEOMETRY, RowTiles.processors())
        : holding(tf, rows, FOLDED_GEOMETRY, rows.slots(tf));
  }

  /** Rows of a tile of a block of D channels. */
  Operand<TInt32> ofBlock(Ops tf, SharedGeometry.Rows rows, int channels) {
    return compiled
        ? rows.padding().tile(tf, ofCompiledBlock(rows.slots(), channels), RowTiles.processors())
        : holding(tf, rows, FOLDED_BLOCK, tf.math.mul(rows.slots(tf), tf.constant(channels)));
  }

  /** The most rows of a compiled tile of a block. */
  static int ofCompiledBlock(long slots, int channels) {
    long rows = COMPILED_BLOCK / Math.max(1, slots * channels);
    return (int) Math.max(COMPILED_FEWEST, Math.min(rows, MOST));
  }

  /**
   * As many rows as hold so many numbers, or fewer, so that each processor has some; for a GPU as
   * many as may be.
   */
  private Operand<TInt32> holding(
      Ops tf, SharedGeometry.Rows rows, int numbers, Operand<TInt32> ofRow) {
    if (forGpu) {
      return tf.constant(MOST);
    }
    Operand<TInt32> one = tf.constant(1);
    Operand<TInt32> held = tf.math.floorDiv(tf.constant(numbers), tf.math.maximum(ofRow, one));
    int processors = RowTiles.processors();
    Operand<TInt32> shared =
        tf.math.floorDiv(
            tf.math.add(rows.count(tf), tf.constant(processors - 1)), tf.constant(processors));
    return tf.math.minimum(
        tf.math.maximum(tf.math.minimum(held, shared), tf.constant(FEWEST)), tf.constant(MOST));
  }
}
