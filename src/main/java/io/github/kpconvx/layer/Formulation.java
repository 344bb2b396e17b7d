package io.github.kpconvx.layer;

/**
 * How a layer is asked to compute for inference. All forms agree within rounding; training is
 * always {@link #PLAIN}. Layers that know one way only need not look at it.
 */
public enum Formulation {
  /** Step by step, as Keras does; the check of the others. */
  PLAIN,
  /**
   * Normalizations are folded into the matrix products before them, in double precision, and
   * geometry is computed once for all layers of the same points, neighbours and kernel points. For
   * frozen layers.
   */
  FOLDED,
  /**
   * As {@link #FOLDED}, with geometry and aggregation compiled by XLA, once for each size. κ has to
   * be known when the graph is built. For frozen layers.
   */
  COMPILED
}
