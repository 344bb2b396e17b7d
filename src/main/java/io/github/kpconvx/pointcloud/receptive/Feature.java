package io.github.kpconvx.pointcloud.receptive;

import io.github.kpconvx.pointcloud.PointCloudException;
import java.util.Arrays;
import java.util.Locale;

/** What a column of a network's features holds for a point of a file. */
public enum Feature {
  /** Height over the lowest point nearby, divided by {@link CloudFeatures#heightUnit()}. */
  HEIGHT,
  /** Intensity, 0 to 1. */
  INTENSITY,
  /** Return number divided by the number of returns. */
  RETURN_RATIO,
  /** Number of returns, divided by 5. */
  RETURNS,
  /** 1, for networks that look at where the points lie alone. */
  ONES;

  /**
   * The feature of a name, such as {@code return_ratio}.
   *
   * @param key its name in small letters
   * @return the feature
   * @throws PointCloudException if there is no such feature
   */
  public static Feature of(String key) {
    for (Feature feature : values()) {
      if (feature.key().equals(key)) {
        return feature;
      }
    }
    throw new PointCloudException(
        "feature is \"%s\", expected one of %s"
            .formatted(key, Arrays.stream(values()).map(Feature::key).toList()));
  }

  /**
   * Its name in small letters, such as {@code return_ratio}.
   *
   * @return the name
   */
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }
}
