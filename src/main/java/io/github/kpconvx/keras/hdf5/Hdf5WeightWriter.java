package io.github.kpconvx.keras.hdf5;

import io.github.kpconvx.keras.weights.LayerSpec;
import io.github.kpconvx.keras.weights.WeightSpec;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.tensorflow.types.family.TType;

/**
 * Writes weights to an HDF5 file in the layout of Keras's {@code save_weights} to a {@code
 * .weights.h5}, which {@link Hdf5WeightStore} describes.
 *
 * <p>Keras writes an empty group for each layer without weights. Here there is none, as Keras's
 * readers ask for none, but for Keras 2's, which asks for that of the model itself.
 */
public final class Hdf5WeightWriter {
  private static final String KERAS_2_12 = "2.12.";
  private static final String KERAS_2 = "2.";

  /** Where a layer's own weights are. */
  private static final String OWN = "vars";

  private final Map<String, ? extends TType> weights;
  private final LayerGroups groups;

  private Hdf5WeightWriter(Map<String, ? extends TType> weights, LayerGroups groups) {
    this.weights = weights;
    this.groups = groups;
  }

  /**
   * Writes a file.
   *
   * @param file the file to make
   * @param kerasVersion the version of Keras that is to read it; 2.12 has other groups than others
   * @param model the model; a layer without parent stands at the file's root
   * @param weights the values by {@linkplain LayerSpec#qualifiedWeights() qualified name}; weights
   *     that are not in it are left out
   * @throws IOException if it cannot be written; the file may then be there in part
   */
  public static void write(
      Path file, String kerasVersion, LayerSpec model, Map<String, ? extends TType> weights)
      throws IOException {
    LayerGroups groups = new LayerGroups(kerasVersion.startsWith(KERAS_2_12));
    Hdf5Tree root = new Hdf5Tree();
    new Hdf5WeightWriter(weights, groups)
        .addTo(root, "", model, model.name().isEmpty() ? "" : model.name() + "/");
    if (kerasVersion.startsWith(KERAS_2) && root.lacks(OWN)) {
      root.writeWithEmptyGroup(file, OWN);
    } else {
      root.write(file);
    }
  }

  private void addTo(Hdf5Tree root, String group, LayerSpec layer, String prefix) {
    int next = 0;
    for (WeightSpec weight : layer.weightsInKerasOrder()) {
      TType value = weights.get(prefix + weight.name());
      if (value != null) {
        root.putAt(group + OWN + "/" + next++, value);
      }
    }
    if (next > 0) {
      root.at(group + OWN).putAttribute("name", layer.name());
    }
    layer
        .sublayers()
        .forEach(
            (attribute, sublayers) -> {
              List<String> places = groups.of(layer, attribute, sublayers);
              for (int i = 0; i < sublayers.size(); i++) {
                addTo(
                    root,
                    group + places.get(i) + "/",
                    sublayers.get(i),
                    layer.prefixOf(prefix, attribute, i));
              }
            });
  }
}
