package io.github.kpconvx.inference;

import java.util.Locale;

/**
 * What computes the answers of a {@link Model}. All are derived from the same weights and agree
 * within rounding.
 *
 * <p>{@link #FOLDED} and {@link #COMPILED} compute a tile of points on each of n processors at a
 * time. Besides its inputs and what TensorFlow itself takes, a KPConvX layer of κ neighbours, D
 * channels, D_H hidden channels and G channels to a modulation then holds at most {@code P · 4 ·
 * (4κ + 3D + 8) + n · T · 4 · (2 · (m_q · D/G + D_H + 3D + 4κ) + s)} bytes, where P = B·R points
 * (with those it is padded by, at most an eighth); folded, T is 2^18 / κD (from 64 to 2,048) and s
 * is 4κD + 16 · (3D + 4κ); compiled, T is 2^21 / κD (from 256 to 2,048) and s is κ · (D/G + 64) +
 * 16 · (3D + 4κ). On a GPU, which computes one tile at a time, n is 1, T is 2^26 / κD (from 64 to
 * 2^17) and s is 4κD + 16 · (3D + 4κ). A KPConv or light KPConv layer, strided or not, of D_out
 * features and P centres holds at most {@code P · 4 · (D_out + 2κ) + n · T · 64 · L} bytes, where L
 * is {@code max(κ, m_q) · max(D, m_q)} and T is 2^18 / L (from 64 to 2,048), on a GPU 2^26 / L, in
 * both {@link #FOLDED} and {@link #COMPILED}. {@link #PLAIN} computes all points at once and holds
 * several tensors of shape (P, κ, D) and (P, κ, m_q).
 */
public enum Engine {
  /**
   * {@link #FOLDED}; {@link #SAVEDMODEL} where the network of a SavedModel cannot be rebuilt, which
   * is told in the log. What it came to {@link Model#engine()} tells.
   */
  AUTO,
  /**
   * The network rebuilt with TensorFlow {@code Ops}, computed step by step as Keras does; the check
   * of the others.
   */
  PLAIN,
  /**
   * The network rebuilt, with normalizations folded into the matrix products before them, in double
   * precision, and geometry computed once for all layers of the same points, neighbours and kernel
   * points.
   */
  FOLDED,
  /**
   * As {@link #FOLDED}, with geometry and aggregation compiled by XLA: the fastest once it is warm.
   * It compiles for each κ and for each of a few sizes of clouds when it first meets them, which
   * takes a second or more.
   */
  COMPILED,
  /** The signature that a SavedModel stores, run as it is. */
  SAVEDMODEL;

  /**
   * The name as the command line takes it.
   *
   * @return the name in lower case
   */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
