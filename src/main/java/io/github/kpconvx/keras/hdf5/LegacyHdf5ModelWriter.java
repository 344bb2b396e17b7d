package io.github.kpconvx.keras.hdf5;

import io.github.kpconvx.keras.weights.LayerSpec;
import io.github.kpconvx.keras.weights.WeightSpec;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.tensorflow.types.family.TType;

/**
 * Writes whole models to HDF5 files as Keras 2's {@code model.save} does to a {@code .h5}, and that
 * of 2.12 to a {@code .keras} too; {@link LegacyHdf5WeightStore} describes their layout. Layers
 * without weights are not listed, as Keras's readers pass them over.
 */
public final class LegacyHdf5ModelWriter {
  /** What fits into an attribute beside other attributes; Keras cuts lists that are longer too. */
  private static final int MAX_LIST = 50_000;

  private LegacyHdf5ModelWriter() {}

  /**
   * Writes a file.
   *
   * @param file the file to make
   * @param config the model's configuration as JSON text
   * @param kerasVersion the version of Keras whose configuration it is
   * @param model the network
   * @param weights the values by {@linkplain LayerSpec#qualifiedWeights() qualified name}; weights
   *     that are not in it are left out
   * @throws IOException if it cannot be written; the file may then be there in part
   */
  public static void write(
      Path file,
      String config,
      String kerasVersion,
      LayerSpec model,
      Map<String, ? extends TType> weights)
      throws IOException {
    Hdf5Tree all = new Hdf5Tree();
    List<String> names = new ArrayList<>();
    for (List<LayerSpec> layers : model.sublayers().values()) {
      for (LayerSpec layer : layers) {
        Hdf5Tree group = new Hdf5Tree();
        List<String> ofLayer = new ArrayList<>();
        for (WeightSpec weight : LegacyHdf5WeightStore.inOrder(layer)) {
          String qualified = layer.name() + "/" + weight.name();
          TType value = weights.get(qualified);
          if (value != null) {
            group.putAt(qualified + ":0", value);
            ofLayer.add(qualified + ":0");
          }
        }
        if (!ofLayer.isEmpty()) {
          putList(group, "weight_names", ofLayer);
          all.put(layer.name(), group);
          names.add(layer.name());
        }
      }
    }
    putList(all, "layer_names", names);
    Hdf5Tree root = new Hdf5Tree();
    for (Hdf5Tree tree : List.of(root, all)) {
      tree.putAttribute("backend", "tensorflow");
      tree.putAttribute("keras_version", kerasVersion);
    }
    LongAttribute text = LongAttribute.of("model_config", config);
    root.putAttribute(text.name(), text.placeholder());
    root.put("model_weights", all);
    root.write(file);
    text.writeTo(file);
  }

  /**
   * Keras's readers take {@code name0}, {@code name1} … for one list, and none for an empty one.
   */
  private static void putList(Hdf5Tree group, String attribute, List<String> texts) {
    if (texts.isEmpty()) { // There is no attribute without a value.
      return;
    }
    int longest =
        texts.stream().mapToInt(t -> t.getBytes(StandardCharsets.UTF_8).length).max().orElseThrow();
    int part = Math.max(1, MAX_LIST / (longest + 1));
    if (texts.size() <= part) {
      group.putAttribute(attribute, texts.toArray(String[]::new));
      return;
    }
    for (int i = 0; i * part < texts.size(); i++) {
      List<String> some = texts.subList(i * part, Math.min(texts.size(), (i + 1) * part));
      group.putAttribute(attribute + i, some.toArray(String[]::new));
    }
  }
}
