package io.github.kpconvx.layer.vl3d;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import java.util.List;
import java.util.Locale;

/** What VL3D's layers with radial basis functions have in common. */
final class RadialBasis {
  private RadialBasis() {}

  /** Whether the kernel is Gaussian, not Markov's, which falls with the distance itself. */
  static boolean isGaussian(ConfigReader config) {
    return switch (config.text("kernel_function_type", "Gaussian").toLowerCase(Locale.ROOT)) {
      case "gaussian" -> true;
      case "markov" -> false;
      default ->
          throw config.invalid(
              "kernel_function_type",
              config.json("kernel_function_type"),
              "\"Gaussian\"",
              "\"Markov\"");
    };
  }

  /** Reads the structure of kernel points. */
  static KernelPointStructureInitializer structure(ConfigReader config, String type) {
    if (!config.has("max_radii")) {
      throw config.invalid("max_radii", "nothing", "three numbers");
    }
    if (config.integer("structure_dimensionality", 3, 1) != 3) {
      throw config.invalid(
          "structure_dimensionality", config.json("structure_dimensionality"), "3");
    }
    try {
      return new KernelPointStructureInitializer(
          config.numbers("max_radii", List.of()),
          config.integer("radii_resolution", 4, 2),
          config.integers("angular_resolutions", List.of(1, 2, 4, 8), 1),
          type);
    } catch (KerasException e) {
      throw new KerasException(config.owner() + ": " + e.getMessage(), e);
    }
  }

  /** Refuses a derived number that is not what it is derived from. */
  static void requireDerived(ConfigReader config, String key, long derived, String what) {
    JsonNode found = config.json(key);
    if (!found.isNull() && config.integer(key, 0, 0) != derived) {
      throw config.invalid(key, found, what + " = " + derived);
    }
  }
}
