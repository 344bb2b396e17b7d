package io.github.kpconvx.keras.hdf5;

import io.github.kpconvx.keras.weights.ClassNames;
import io.github.kpconvx.keras.weights.LayerSpec;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Under which groups a weight file holds layers that stand in one attribute of their parent.
 *
 * <p>Keras 3, and Keras 2 from 2.13 on, has {@code layers/dense}, {@code layers/dense_1} and so on.
 * Keras 2.12 lists each layer of a model that has weights twice, so that the second {@code Dense}
 * is {@code _layer_checkpoint_dependencies/dense_2}.
 *
 * @param listedTwice whether a model's layers stand as Keras 2.12 writes them
 */
record LayerGroups(boolean listedTwice) {
  /** Where Keras 2.12 has a model's layers. */
  static final String LISTED_TWICE = "_layer_checkpoint_dependencies";

  private static final String LAYERS = "layers";

  /** The groups of the layers in an attribute, as paths below their parent. */
  List<String> of(LayerSpec parent, String attribute, List<LayerSpec> layers) {
    if (parent.single().contains(attribute)) {
      return List.of(attribute);
    }
    boolean twice = listedTwice && attribute.equals(LAYERS);
    Map<String, Integer> taken = new HashMap<>();
    List<String> groups = new ArrayList<>();
    for (LayerSpec layer : layers) {
      String name = ClassNames.groupOf(layer, taken);
      groups.add((twice ? LISTED_TWICE : attribute) + "/" + name);
      if (twice && !layer.qualifiedWeights().isEmpty()) {
        ClassNames.groupOf(layer, taken); // The second time, which writes nothing.
      }
    }
    return groups;
  }
}
