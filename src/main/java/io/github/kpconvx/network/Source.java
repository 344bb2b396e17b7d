package io.github.kpconvx.network;

/**
 * Where a tensor of a model comes from.
 *
 * @param layer the name of the layer whose output it is
 * @param call which of the layer's calls, counted as Keras counts them
 * @param output which of the call's outputs
 */
record Source(String layer, int call, int output) {
  @Override
  public String toString() {
    return "output " + output + " of call " + call + " of layer " + layer;
  }
}
