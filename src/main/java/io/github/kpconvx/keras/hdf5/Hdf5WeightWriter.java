package io.github.kpconvx.keras.hdf5;

import io.github.kpconvx.keras.weights.ClassNames;
import io.github.kpconvx.keras.weights.LayerSpec;
import io.github.kpconvx.keras.weights.WeightSpec;
import io.jhdf.HdfFile;
import io.jhdf.WritableHdfFile;
import io.jhdf.api.WritableGroup;
import io.jhdf.exceptions.HdfWritingException;
import java.io.IOException;
import java.lang.reflect.Array;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.types.TFloat32;

/**
 * Writes weights to an HDF5 file in the layout of Keras 3's {@code save_weights}, which {@link
 * Hdf5WeightStore} describes.
 *
 * <p>Keras writes an empty group for each layer without weights. Here there is none, as Keras's
 * readers ask for none, and as jHDF 0.13.0 writes empty groups that the HDF5 library cannot read.
 */
public final class Hdf5WeightWriter {
  private final Map<String, TFloat32> weights;

  private Hdf5WeightWriter(Map<String, TFloat32> weights) {
    this.weights = weights;
  }

  /**
   * Writes a file.
   *
   * @param file the file to make
   * @param model the model; a layer without parent stands at the file's root
   * @param weights the values by {@linkplain LayerSpec#qualifiedWeights() qualified name}; weights
   *     that are not in it are left out
   * @throws IOException if it cannot be written; the file may then be there in part
   */
  public static void write(Path file, LayerSpec model, Map<String, TFloat32> weights)
      throws IOException {
    Group root = new Hdf5WeightWriter(weights).group(model, prefixOf(model));
    try (WritableHdfFile hdf = HdfFile.write(file)) {
      // jHDF's own mark, which names the machine's system.
      List.copyOf(hdf.getAttributes().keySet()).forEach(hdf::removeAttribute);
      root.writeTo(hdf);
    } catch (HdfWritingException e) {
      throw e.getCause() instanceof IOException cause ? cause : new IOException(e.getMessage(), e);
    }
  }

  private static String prefixOf(LayerSpec model) {
    return model.name().isEmpty() ? "" : model.name() + "/";
  }

  /** Groups and arrays of floats by name. */
  private record Group(Map<String, Object> children, Map<String, String> attributes) {
    Group() {
      this(new LinkedHashMap<>(), new LinkedHashMap<>());
    }

    void put(String name, Group child) {
      if (!child.children.isEmpty()) {
        children.put(name, child);
      }
    }

    void writeTo(WritableGroup group) {
      attributes.forEach(group::putAttribute);
      children.forEach(
          (name, child) -> {
            if (child instanceof Group inner) {
              inner.writeTo(group.putGroup(name));
            } else {
              group.putDataset(name, child);
            }
          });
    }
  }

  private Group group(LayerSpec layer, String prefix) {
    Group own = new Group();
    own.attributes.put("name", layer.name());
    for (WeightSpec weight : layer.weightsInKerasOrder()) {
      TFloat32 value = weights.get(prefix + weight.name());
      if (value != null) {
        own.children.put(Integer.toString(own.children.size()), array(value));
      }
    }
    Group group = new Group();
    group.put("vars", own);
    layer
        .sublayers()
        .forEach(
            (attribute, sublayers) -> {
              if (layer.single().contains(attribute)) {
                group.put(attribute, group(sublayers.get(0), layer.prefixOf(prefix, attribute, 0)));
                return;
              }
              Group list = new Group();
              Map<String, Integer> taken = new HashMap<>();
              for (int i = 0; i < sublayers.size(); i++) {
                LayerSpec sublayer = sublayers.get(i);
                list.put(
                    ClassNames.groupOf(sublayer, taken),
                    group(sublayer, layer.prefixOf(prefix, attribute, i)));
              }
              group.put(attribute, list);
            });
    return group;
  }

  /** The values as nested Java arrays, whose lengths jHDF takes the shape from. */
  private static Object array(TFloat32 tensor) {
    float[] values = new float[Math.toIntExact(tensor.size())];
    tensor.copyTo(DataBuffers.of(values, false, false));
    int[] shape = Arrays.stream(tensor.shape().asArray()).mapToInt(Math::toIntExact).toArray();
    return shape.length == 0 ? values[0] : nested(FloatBuffer.wrap(values), shape, 0);
  }

  private static Object nested(FloatBuffer values, int[] shape, int depth) {
    if (depth == shape.length - 1) {
      float[] row = new float[shape[depth]];
      values.get(row);
      return row;
    }
    Object array = Array.newInstance(float.class, Arrays.copyOfRange(shape, depth, shape.length));
    for (int i = 0; i < shape[depth]; i++) {
      Array.set(array, i, nested(values, shape, depth + 1));
    }
    return array;
  }
}
