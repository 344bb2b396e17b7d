package io.github.kpconvx.training;

/** What the steps of an epoch found so far. Not safe for use by several threads. */
final class EpochProgress {
  private final ConfusionMatrix confusion;
  private double lossSum;

  /**
   * An epoch of which some steps are done.
   *
   * @param lossSum sum of their losses
   * @param confusion what they found
   */
  EpochProgress(double lossSum, ConfusionMatrix confusion) {
    this.lossSum = lossSum;
    this.confusion = confusion;
  }

  static EpochProgress start(int classes) {
    return new EpochProgress(0, new ConfusionMatrix(classes));
  }

  void add(double loss) {
    lossSum += loss;
  }

  double lossSum() {
    return lossSum;
  }

  ConfusionMatrix confusion() {
    return confusion;
  }

  /** The metrics of so many steps. */
  Metrics metrics(int steps) {
    return new Metrics(lossSum / steps, confusion);
  }
}
