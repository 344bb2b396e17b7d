package io.github.kpconvx.layer.tiling;

import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TInt32;

/**
 * How many rows are a tile: as few as leave what is computed of them in a processor's caches, and
 * as many as a step of the loop is worth. A GPU computes them all at once: for it, as many as leave
 * room in its memory.
 *
 * @param compiled whether XLA compiles what is computed of them
 * @param forGpu whether operations may run on a GPU
 */
public record TileSize(boolean compiled, boolean forGpu) {
  /** Rows of a compiled tile of geometry: each call has its cost. */
  public static final int COMPILED_GEOMETRY = 16384;

  /** T · κ · D of a compiled tile: matrix products between calls leave the caches with more. */
  static final int COMPILED_BLOCK = 1 << 21;

  /** A compiled tile is not halved below, so that all processors have some. */
  public static final int COMPILED_FEWEST = 256;

  /** Numbers in the largest matrix of a tile, (T, κ), of which geometry holds about ten. */
  static final int FOLDED_GEOMETRY = 1 << 14;

  /** Numbers in the largest matrix of a tile, (T, κ, D), of which a block holds about three. */
  static final int FOLDED_BLOCK = 1 << 18;

  /** Numbers in the largest matrix of a tile of geometry on a GPU: 64 MiB. */
  static final int GPU_GEOMETRY = 1 << 24;

  /** Numbers in the largest matrix of a tile of a block on a GPU: 256 MiB. */
  static final int GPU_BLOCK = 1 << 26;

  /** With few neighbours, hidden channels and modulations are more than those numbers. */
  private static final int MOST_ON_GPU = 1 << 17;

  private static final int FEWEST = 64;
  private static final int MOST = 2048;

  /** Rows of a tile of geometry. */
  public Operand<TInt32> ofGeometry(Ops tf, PaddedRows rows) {
    if (compiled) {
      return compiled(
          tf, rows, forGpu ? onGpu(GPU_GEOMETRY, rows.knownColumns()) : COMPILED_GEOMETRY);
    }
    Operand<TInt32> ofRow = rows.columns();
    return forGpu
        ? onGpu(tf, GPU_GEOMETRY, ofRow)
        : holding(tf, rows.count(), FOLDED_GEOMETRY, ofRow);
  }

  /** Rows of a tile of a block of D channels. */
  public Operand<TInt32> ofBlock(Ops tf, PaddedRows rows, int channels) {
    if (compiled) {
      long slots = rows.knownColumns();
      return compiled(
          tf, rows, forGpu ? onGpu(GPU_BLOCK, slots * channels) : ofCompiledBlock(slots, channels));
    }
    return of(tf, rows.count(), tf.math.mul(rows.columns(), tf.constant(channels)));
  }

  /**
   * Rows of a tile that is not compiled.
   *
   * @param tf the operations of the graph that is added to
   * @param count how many rows there are
   * @param ofRow how many numbers the largest matrix of a tile has for each row
   */
  public Operand<TInt32> of(Ops tf, Operand<TInt32> count, Operand<TInt32> ofRow) {
    return forGpu ? onGpu(tf, GPU_BLOCK, ofRow) : holding(tf, count, FOLDED_BLOCK, ofRow);
  }

  /** All tiles of one size, at most so many rows, and one for each processor of a CPU. */
  private Operand<TInt32> compiled(Ops tf, PaddedRows rows, int most) {
    return rows.padding().tile(tf, most, forGpu ? 1 : RowTiles.processors());
  }

  /** The most rows of a compiled tile of a block. */
  static int ofCompiledBlock(long slots, int channels) {
    long rows = COMPILED_BLOCK / Math.max(1, slots * channels);
    return (int) Math.max(COMPILED_FEWEST, Math.min(rows, MOST));
  }

  /** The most rows of a tile on a GPU, if a row has so many numbers. */
  static int onGpu(int numbers, long ofRow) {
    return (int) Math.max(FEWEST, Math.min(numbers / Math.max(1, ofRow), MOST_ON_GPU));
  }

  private static Operand<TInt32> onGpu(Ops tf, int numbers, Operand<TInt32> ofRow) {
    return within(tf, held(tf, numbers, ofRow), MOST_ON_GPU);
  }

  /** As many rows as hold so many numbers, or fewer, so that each processor has some. */
  private static Operand<TInt32> holding(
      Ops tf, Operand<TInt32> count, int numbers, Operand<TInt32> ofRow) {
    int processors = RowTiles.processors();
    Operand<TInt32> shared =
        tf.math.floorDiv(tf.math.add(count, tf.constant(processors - 1)), tf.constant(processors));
    return within(tf, tf.math.minimum(held(tf, numbers, ofRow), shared), MOST);
  }

  private static Operand<TInt32> held(Ops tf, int numbers, Operand<TInt32> ofRow) {
    return tf.math.floorDiv(tf.constant(numbers), tf.math.maximum(ofRow, tf.constant(1)));
  }

  private static Operand<TInt32> within(Ops tf, Operand<TInt32> rows, int most) {
    return tf.math.minimum(tf.math.maximum(rows, tf.constant(FEWEST)), tf.constant(most));
  }
}
