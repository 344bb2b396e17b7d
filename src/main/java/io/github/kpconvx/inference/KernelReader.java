package io.github.kpconvx.inference;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.file.StoredModel;
import io.github.kpconvx.keras.weights.StoredWeight;
import io.github.kpconvx.layer.KernelPoints;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.vl3d.KernelLayer;
import io.github.kpconvx.network.Network;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.tensorflow.ndarray.FloatNdArray;
import org.tensorflow.ndarray.NdArrays;
import org.tensorflow.types.TFloat32;

/** Finds the kernel of a layer in a stored model. */
final class KernelReader {
  private KernelReader() {}

  /** A layer with a kernel, and what its weights' qualified names begin with. */
  private record Candidate(String prefix, Layer layer, KernelLayer kernel) {}

  /**
   * Reads a kernel.
   *
   * @param stored the model
   * @param network its network, with shapes
   * @param layer the layer's name; without, the model must have a single layer with a kernel
   * @param kernelPoints where kernel points come from that the file does not hold
   * @return the kernel
   * @throws KerasException if there is none, or several, of that name
   */
  static StoredKernel read(
      StoredModel stored, Network network, Optional<String> layer, KernelPoints kernelPoints) {
    List<Candidate> known = new ArrayList<>();
    for (Layer outer : network.layers()) {
      outer.visit(
          (prefix, candidate) -> {
            if (candidate instanceof KernelLayer kernel) {
              known.add(new Candidate(prefix, candidate, kernel));
            }
          });
    }
    Candidate only = choose(stored, known, layer);
    Map<String, StoredWeight> weights = network.match(stored.weights());
    Map<String, FloatNdArray> found = new LinkedHashMap<>();
    Stream.concat(Stream.of("Q"), only.kernel().kernelWeights().stream())
        .forEach(
            name -> {
              StoredWeight weight = weights.get(only.prefix() + name);
              if (weight != null) {
                found.put(name, copy((TFloat32) weight.read()));
              }
            });
    return new StoredKernel(
        only.kernel(),
        found,
        name -> copy(kernelPoints.of(only.layer(), only.layer().ownVariables().get(name))));
  }

  private static Candidate choose(
      StoredModel stored, List<Candidate> known, Optional<String> layer) {
    if (known.isEmpty()) {
      throw new KerasException(
          "%s has no layer with a kernel, expected one of the classes %s"
              .formatted(stored.path(), String.join(", ", KernelLayer.CLASS_NAMES)));
    }
    List<Candidate> fitting =
        known.stream()
            .filter(candidate -> layer.map(candidate.layer().name()::equals).orElse(true))
            .toList();
    if (fitting.size() != 1) {
      throw new KerasException(
          "%s has %s with a kernel%s, expected the name of one of %s"
              .formatted(
                  stored.path(),
                  fitting.isEmpty() ? "no layer" : "several layers",
                  layer.map(name -> " named " + name).orElse(""),
                  known.stream().map(candidate -> candidate.layer().name()).toList()));
    }
    return fitting.get(0);
  }

  private static FloatNdArray copy(TFloat32 tensor) {
    try (tensor) {
      FloatNdArray values = NdArrays.ofFloats(tensor.shape());
      tensor.copyTo(values);
      return values;
    }
  }
}
