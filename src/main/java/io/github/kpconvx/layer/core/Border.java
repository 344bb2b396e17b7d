package io.github.kpconvx.layer.core;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.LayerCall;
import java.util.ArrayList;
import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.index.Index;
import org.tensorflow.ndarray.index.Indices;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TNumber;

/**
 * Keras's {@code ZeroPadding1D} and {@code ZeroPadding2D}, which add places of zeros before and
 * after those of an input, and {@code Cropping1D} and {@code Cropping2D}, which take places away.
 *
 * @see <a href="https://keras.io/api/layers/reshaping_layers/">Reshaping layers in Keras</a>
 */
public final class Border extends SpatialLayer {

  /** How many places before and after. */
  private record Width(int before, int after) {}

  private final boolean adds;
  private final Width height;
  private final Width width;

  private Border(KerasObject object, int dimensions, boolean adds, String key) {
    super(object, dimensions);
    this.adds = adds;
    ConfigReader config = object.config();
    config.rejectUnknownKeys(List.of(key, "data_format"));
    List<Width> widths = widths(config, key);
    this.height = dimensions == 1 ? new Width(0, 0) : widths.get(0);
    this.width = widths.get(dimensions - 1);
  }

  /**
   * A {@code ZeroPadding1D} or {@code ZeroPadding2D}.
   *
   * @param object the serialized layer
   * @param dimensions 1 for sequences, 2 for images
   * @return the layer
   * @throws KerasException if a key is unknown or a value is not allowed
   */
  public static Border zeros(KerasObject object, int dimensions) {
    return new Border(object, dimensions, true, "padding");
  }

  /**
   * A {@code Cropping1D} or {@code Cropping2D}.
   *
   * @param object the serialized layer
   * @param dimensions 1 for sequences, 2 for images
   * @return the layer
   * @throws KerasException if a key is unknown or a value is not allowed
   */
  public static Border cropping(KerasObject object, int dimensions) {
    return new Border(object, dimensions, false, "cropping");
  }

  /** One number for all; of a sequence two, of an image one or two for each dimension. */
  private List<Width> widths(ConfigReader config, String key) {
    if (!config.isList(key)) {
      int all = config.integer(key, adds || dimensions() == 1 ? 1 : 0, 0);
      return List.of(new Width(all, all), new Width(all, all));
    }
    if (dimensions() == 1) {
      return List.of(width(config, key, config));
    }
    List<Width> widths = new ArrayList<>();
    for (JsonNode element : config.elements(key)) {
      ObjectNode holder = JsonNodeFactory.instance.objectNode();
      holder.set(key, element);
      widths.add(width(config, key, ConfigReader.of(config.owner(), holder)));
    }
    if (widths.size() != 2) {
      throw invalid(config, key);
    }
    return widths;
  }

  private static Width width(ConfigReader config, String key, ConfigReader holder) {
    if (!holder.isList(key)) {
      int both = holder.integer(key, 0, 0);
      return new Width(both, both);
    }
    List<Integer> sides = holder.integers(key, List.of(), 0);
    if (sides.size() != 2) {
      throw invalid(config, key);
    }
    return new Width(sides.get(0), sides.get(1));
  }

  private static KerasException invalid(ConfigReader config, String key) {
    return config.invalid(
        key, config.json(key), "an integer of at least 0", "two for each dimension of the places");
  }

  @Override
  protected void createWeights(Ops tf, List<Shape> inputs) {
    Shape image = imageShape(inputs);
    if (!adds && !(leaves(height, image.get(1)) && leaves(width, image.get(2)))) {
      throw new KerasException(
          "%s: cropping = %s, expected fewer places than its input %s has"
              .formatted(
                  serialize().describe(), serialize().config().json("cropping"), inputs.get(0)));
    }
  }

  private static boolean leaves(Width width, long size) {
    return size == Shape.UNKNOWN_SIZE || size > (long) width.before + width.after;
  }

  @Override
  protected List<Operand<?>> compute(Ops tf, LayerCall call) {
    return List.of(changed(tf, onlyNumber(call)));
  }

  private <T extends TNumber> Operand<T> changed(Ops tf, Operand<T> x) {
    Operand<T> image = toImage(tf, x);
    return fromImage(tf, adds ? padded(tf, image) : cropped(tf, image), x);
  }

  private <T extends TNumber> Operand<T> padded(Ops tf, Operand<T> image) {
    int[][] around = {{0, 0}, {height.before, height.after}, {width.before, width.after}, {0, 0}};
    return tf.pad(image, tf.constant(around), tf.dtypes.cast(tf.constant(0), image.type()));
  }

  private <T extends TNumber> Operand<T> cropped(Ops tf, Operand<T> image) {
    return tf.stridedSlice(image, Indices.all(), inside(height), inside(width), Indices.all());
  }

  private static Index inside(Width width) {
    return width.after == 0
        ? Indices.sliceFrom(width.before)
        : Indices.slice(width.before, -width.after);
  }
}
