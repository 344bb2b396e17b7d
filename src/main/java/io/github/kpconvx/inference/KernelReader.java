package io.github.kpconvx.inference;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.file.StoredModel;
import io.github.kpconvx.layer.KernelPoints;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.vl3d.KPConvXLayer;
import io.github.kpconvx.network.Network;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Finds the kernel of a KPConvX layer in a stored model. */
final class KernelReader {
  private KernelReader() {}

  /**
   * Reads a kernel.
   *
   * @param stored the model
   * @param network its network, with shapes
   * @param layer the layer's name
   * @param kernelPoints where kernel points come from that the file does not hold
   * @return the kernel
   * @throws KerasException if there is none, or several, of that name
   */
  static StoredKernel read(
      StoredModel stored, Network network, String layer, KernelPoints kernelPoints) {
    Map<String, KPConvXLayer> found = new LinkedHashMap<>();
    List<String> known = new ArrayList<>();
    for (Layer outer : network.layers()) {
      outer.visit(
          (prefix, candidate) -> {
            if (candidate instanceof KPConvXLayer kpconvx) {
              known.add(kpconvx.name());
              if (kpconvx.name().equals(layer)) {
                found.put(prefix, kpconvx);
              }
            }
          });
    }
    if (found.size() != 1) {
      throw new KerasException(
          "%s has %s %s named %s, expected one of %s"
              .formatted(
                  stored.path(),
                  found.isEmpty() ? "no" : "several",
                  KPConvXLayer.CLASS_NAME,
                  layer,
                  known));
    }
    Map.Entry<String, KPConvXLayer> only = found.entrySet().iterator().next();
    return new StoredKernel(
        only.getValue(), only.getKey(), network.match(stored.weights()), kernelPoints);
  }
}
