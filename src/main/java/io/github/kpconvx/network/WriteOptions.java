package io.github.kpconvx.network;

import io.github.kpconvx.layer.KernelPointsTarget;
import java.util.Objects;

/**
 * How a model is written.
 *
 * @param replace whether files that are there already may be replaced; a directory only if all that
 *     it holds is a SavedModel's
 * @param kernelPoints where the kernel points go that a {@code .keras} or {@code .weights.h5}
 *     cannot hold
 */
public record WriteOptions(boolean replace, KernelPointsTarget kernelPoints) {
  /** Replaces nothing and drops no kernel points. */
  public static final WriteOptions DEFAULT = new WriteOptions(false, KernelPointsTarget.refused());

  public WriteOptions {
    Objects.requireNonNull(kernelPoints, "kernelPoints");
  }

  /**
   * Says whether files that are there already may be replaced.
   *
   * @param allowed whether they may
   * @return options that differ in it alone
   */
  public WriteOptions withReplacing(boolean allowed) {
    return new WriteOptions(allowed, kernelPoints);
  }

  /**
   * Says where the kernel points go that the target cannot hold.
   *
   * @param target where to
   * @return options that differ in it alone
   */
  public WriteOptions withKernelPoints(KernelPointsTarget target) {
    return new WriteOptions(replace, target);
  }
}
