package io.github.kpconvx.layer.tiling;

import org.tensorflow.Operand;
import org.tensorflow.types.TInt32;

/**
 * How many rows and columns a matrix has that is computed tile by tile.
 *
 * @param padding how the rows were padded
 * @param count how many rows there are, with padding
 * @param columns how many columns there are
 * @param knownColumns the same if it is known when the graph is built, else {@link
 *     org.tensorflow.ndarray.Shape#UNKNOWN_SIZE}
 */
public record PaddedRows(
    Padding padding, Operand<TInt32> count, Operand<TInt32> columns, long knownColumns) {}
