package io.github.kpconvx.layer.vl3d;

import java.util.Locale;

/**
 * What the filter "gaussian" of VL3D's layers that carry features from points to others means. Two
 * public versions of VL3D weigh the neighbours in opposite ways under this name, and no file tells
 * which one wrote it.
 */
public enum GaussianFilter {
  /** Weights exp(+d²/m²) that grow with the distance: VL3D's public version of 2024. */
  GROWING,
  /** Weights exp(−d²/m²) that fall with the distance: VL3D's public version of 2025. */
  FALLING,
  /** Nobody says: a layer with this filter is an error. */
  UNKNOWN;

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
