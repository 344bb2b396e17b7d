package io.github.kpconvx.network;

/**
 * Where a tensor of a model comes from.
 *
 * @param layer the name of the layer whose output it is
 * @param call which of the layer's calls, counted as Keras counts them
 */
record Source(String layer, int call) {}
