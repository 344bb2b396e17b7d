package io.github.kpconvx.layer;

import io.github.kpconvx.dtype.TensorData;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.weights.StoredWeight;
import io.github.kpconvx.keras.weights.WeightStore;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.tensorflow.Session;
import org.tensorflow.types.family.TType;

/** Gives layers the weights that a file holds for them. */
public final class WeightLoader {
  private WeightLoader() {}

  /**
   * Loads the weights of layers.
   *
   * @param layers the layers, built
   * @param found stored weights by qualified name, as {@link WeightStore#match} gives them
   * @param kernelPoints where Q comes from for a layer whose Q was not found
   * @param session a session over the layers' graph
   * @throws KerasException if there are no kernel points for a layer, or a weight is missing or
   *     cannot be read
   */
  public static void load(
      List<? extends Layer> layers,
      Map<String, StoredWeight> found,
      KernelPoints kernelPoints,
      Session session) {
    for (Layer outer : layers) {
      outer.visit(
          (prefix, layer) ->
              layer
                  .ownVariables()
                  .forEach(
                      (name, variable) -> {
                        try (TType value = value(layer, prefix, variable, found, kernelPoints)) {
                          variable.assign(session, value);
                        }
                      }));
    }
  }

  /**
   * Reads the weights of layers.
   *
   * @param layers the layers, built
   * @param found stored weights by qualified name, as {@link WeightStore#match} gives them
   * @param kernelPoints where Q comes from for a layer whose Q was not found
   * @return new tensors by qualified name, the caller's to close
   * @throws KerasException if there are no kernel points for a layer, or a weight is missing or
   *     cannot be read
   */
  public static Map<String, TType> read(
      List<? extends Layer> layers, Map<String, StoredWeight> found, KernelPoints kernelPoints) {
    Map<String, TType> values = new LinkedHashMap<>();
    try {
      for (Layer outer : layers) {
        outer.visit(
            (prefix, layer) ->
                layer
                    .ownVariables()
                    .forEach(
                        (name, variable) ->
                            values.put(
                                prefix + name,
                                value(layer, prefix, variable, found, kernelPoints))));
      }
      return values;
    } catch (RuntimeException | Error e) {
      values.values().forEach(TType::close);
      throw e;
    }
  }

  private static TType value(
      Layer layer,
      String prefix,
      LayerVariable weight,
      Map<String, StoredWeight> found,
      KernelPoints kernelPoints) {
    String name = weight.spec().name();
    StoredWeight stored = found.get(prefix + name);
    if (stored != null) {
      TType value = stored.read();
      try {
        requireFinite(layer, stored.path(), value);
        return value;
      } catch (RuntimeException | Error e) {
        value.close();
        throw e;
      }
    }
    if (weight.spec().floating()) {
      return kernelPoints.of(layer, weight);
    }
    throw new KerasException(layer.serialize().describe() + ": there is no weight " + name);
  }

  /** A model with such a weight would answer NaN without a word. */
  private static void requireFinite(Layer layer, String path, TType value) {
    TensorData.notFinite(value)
        .ifPresent(
            place -> {
              throw new KerasException(
                  "%s: weight %s holds %s at place %d of %d, expected finite numbers; its training failed or the file is damaged"
                      .formatted(
                          layer.serialize().describe(),
                          path,
                          TensorData.text(value, place),
                          place,
                          value.size()));
            });
  }
}
