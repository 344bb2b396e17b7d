package io.github.kpconvx.training;

/**
 * How good a network is on some examples.
 *
 * @param loss mean of the batches' losses, with all that regularizers and layers add to them, as
 *     Keras does
 * @param confusion how often each class was taken for each other, ignored points left out
 */
public record Metrics(double loss, ConfusionMatrix confusion) {

  /**
   * The share of points whose class was found.
   *
   * @return in [0, 1]; NaN without points
   */
  public double accuracy() {
    return confusion.accuracy();
  }

  /**
   * Mean intersection over union.
   *
   * @return in [0, 1]; NaN without points
   */
  public double meanIou() {
    return confusion.meanIou();
  }
}
