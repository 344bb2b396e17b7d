package io.github.kpconvx.layer.core;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.LayerCall;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.index.Indices;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Squeeze;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TNumber;
import org.tensorflow.types.family.TType;

/**
 * A layer over places that have neighbours: points one after another (B, R, C), or an image of them
 * (B, H, W, C). Subclasses see images alone: a sequence is one of height 1, and the channels, which
 * {@code data_format} "channels_first" has before the places, come last.
 */
abstract class SpatialLayer extends Layer {
  private final int dimensions;
  private final boolean channelsFirst;

  /**
   * Reads what these layers have in common.
   *
   * @param object the serialized layer
   * @param dimensions 1 for sequences, 2 for images
   */
  SpatialLayer(KerasObject object, int dimensions) {
    super(object);
    this.dimensions = dimensions;
    this.channelsFirst = isChannelsFirst(object.config());
  }

  /** 1 for sequences, 2 for images. */
  final int dimensions() {
    return dimensions;
  }

  /** Whether the channels stand before the places. */
  final boolean isChannelsFirst() {
    return channelsFirst;
  }

  /** Whether {@code data_format} says that the channels follow the batch; not where it is null. */
  static boolean isChannelsFirst(ConfigReader config) {
    return !config.json("data_format").isNull()
        && config.choice(
            "data_format", false, Map.of("channels_last", false, "channels_first", true));
  }

  /**
   * Reads a number for each dimension of the places, or one for all.
   *
   * @param key its key
   * @param ifMissing the number where the key is missing
   * @param least the least allowed number, and that along the height of a sequence
   * @return the numbers of an image: along its height and along its width
   */
  final List<Integer> sizes(String key, int ifMissing, int least) {
    ConfigReader config = serialize().config();
    List<Integer> values =
        config.isList(key)
            ? config.integers(key, List.of(), least)
            : Collections.nCopies(dimensions, config.integer(key, ifMissing, least));
    if (values.size() != dimensions) {
      throw config.invalid(
          key, config.json(key), "an integer of at least " + least, "a list of " + dimensions);
    }
    return dimensions == 1 ? List.of(least, values.get(0)) : values;
  }

  /**
   * The shape of an input as an image.
   *
   * @param inputs the shapes of the layer's inputs
   * @return (N, H, W, C), as far as it is known
   * @throws KerasException if there are several inputs, or the only one is no such image
   */
  final Shape imageShape(List<Shape> inputs) {
    Shape input = inputs.get(0);
    int rank = input.numDimensions();
    if (inputs.size() != 1
        || rank == Shape.UNKNOWN_SIZE
        || (takesSeveralBatches() ? rank < dimensions + 2 : rank != dimensions + 2)) {
      String places = dimensions == 1 ? "R" : "H, W";
      throw new KerasException(
          "%s: expected an input (B, %s), got %s"
              .formatted(
                  serialize().describe(),
                  channelsFirst ? "C, " + places : places + ", C",
                  inputs.size() == 1 ? input : inputs));
    }
    int lead = rank - dimensions - 1;
    Shape last = channelsFirst ? permuted(input, toLast(rank)) : input;
    return Shape.of(
        lead == 1 ? last.get(0) : Shape.UNKNOWN_SIZE,
        dimensions == 1 ? 1 : last.get(lead),
        last.get(rank - 2),
        last.get(rank - 1));
  }

  /** Whether places and channels may follow several batch dimensions, as in Keras 2. */
  boolean takesSeveralBatches() {
    return false;
  }

  private static Shape permuted(Shape shape, int[] order) {
    return Shape.of(IntStream.of(order).mapToLong(shape::get).toArray());
  }

  /** Where each dimension comes from when the channels move behind the places. */
  private int[] toLast(int rank) {
    int channels = rank - dimensions - 1;
    return Stream.of(
            IntStream.range(0, channels),
            IntStream.range(channels + 1, rank),
            IntStream.of(channels))
        .flatMapToInt(part -> part)
        .toArray();
  }

  /** The way back. */
  private int[] fromLast(int rank) {
    int channels = rank - dimensions - 1;
    return Stream.of(
            IntStream.range(0, channels),
            IntStream.of(rank - 1),
            IntStream.range(channels, rank - 1))
        .flatMapToInt(part -> part)
        .toArray();
  }

  /**
   * An input as an image.
   *
   * @param tf the operations of the graph that is added to
   * @param x the input
   * @param <T> its type
   * @return (N, H, W, C)
   */
  final <T extends TType> Operand<T> toImage(Ops tf, Operand<T> x) {
    int rank = x.shape().numDimensions();
    int lead = rank - dimensions - 1;
    Operand<T> last = channelsFirst ? tf.linalg.transpose(x, tf.constant(toLast(rank))) : x;
    if (lead == 1) {
      return dimensions == 1 ? tf.expandDims(last, tf.constant(1)) : last;
    }
    Operand<TInt32> rest = tf.stridedSlice(tf.shape(last), Indices.sliceFrom(lead));
    Operand<TInt32> before = dimensions == 1 ? tf.array(-1, 1) : tf.array(-1);
    return tf.reshape(last, tf.concat(List.of(before, rest), tf.constant(0)));
  }

  /**
   * What was made of an image, in the form of the input that the image was.
   *
   * @param tf the operations of the graph that is added to
   * @param image the image
   * @param x the input
   * @param <T> the image's type
   * @return of the input's number of dimensions
   */
  final <T extends TType> Operand<T> fromImage(Ops tf, Operand<T> image, Operand<?> x) {
    int rank = x.shape().numDimensions();
    int lead = rank - dimensions - 1;
    Operand<T> last = image;
    if (lead > 1) {
      Operand<TInt32> batches = tf.stridedSlice(tf.shape(x), Indices.sliceTo(lead));
      Operand<TInt32> rest = tf.stridedSlice(tf.shape(image), Indices.sliceFrom(3 - dimensions));
      last = tf.reshape(image, tf.concat(List.of(batches, rest), tf.constant(0)));
    } else if (dimensions == 1) {
      last = tf.squeeze(image, Squeeze.axis(List.of(1L)));
    }
    return channelsFirst ? tf.linalg.transpose(last, tf.constant(fromLast(rank))) : last;
  }

  /**
   * The only input of a layer that takes one, of any type of numbers.
   *
   * @param call what it is called with
   * @throws KerasException if it is no tensor of numbers
   */
  final Operand<? extends TNumber> onlyNumber(LayerCall call) {
    Operand<?> x = call.inputs().get(0);
    return TNumber.class.isAssignableFrom(x.type())
        ? typed(x, x.type().asSubclass(TNumber.class), "its input")
        : floats(x, "its input");
  }
}
