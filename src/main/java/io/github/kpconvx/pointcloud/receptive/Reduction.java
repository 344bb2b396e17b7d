package io.github.kpconvx.pointcloud.receptive;

/** What becomes of the scores that a point got in several receptive fields, class by class. */
public enum Reduction {
  /** The mean. */
  MEAN,
  /** The sum. */
  SUM,
  /** The largest, at least 0. */
  MAX,
  /**
   * The mean weighted by how sure a field is: Σ w z / Σ w, with z the scores, at least 1e-6, and w
   * = 1 − H / (C · log₂(e) / e), where H = −Σ z log₂ z over the C classes.
   */
  ENTROPY,
  /** That of the last field: for partitions that have each point in the core of one field alone. */
  LAST
}
