package io.github.kpconvx.layer.core;

import io.github.kpconvx.dtype.DType;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.LayerCall;
import java.util.List;
import java.util.stream.IntStream;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.index.Indices;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TType;

/**
 * Keras's {@code Flatten}: (B, …) to (B, N), the elements in their order; the second dimension goes
 * behind the others first with {@code data_format} "channels_first".
 *
 * @see <a href="https://keras.io/api/layers/reshaping_layers/flatten/">Flatten in Keras</a>
 */
public final class Flatten extends Layer {
  private final boolean channelsFirst;

  /**
   * Reads a serialized layer.
   *
   * @param object the serialized layer
   * @throws KerasException if a key is unknown or a value is not allowed
   */
  public Flatten(KerasObject object) {
    super(object, DType.FLOATS);
    object.config().rejectUnknownKeys(List.of("data_format"));
    this.channelsFirst = SpatialLayer.isChannelsFirst(object.config());
  }

  @Override
  protected void createWeights(Ops tf, List<Shape> inputs) {
    if (inputs.size() != 1 || inputs.get(0).numDimensions() < 1) {
      throw new KerasException(
          serialize().describe() + ": expected one input (B, …), got " + inputs);
    }
  }

  @Override
  protected List<Operand<?>> compute(Ops tf, LayerCall call) {
    return List.of(flatten(tf, call.inputs().get(0)));
  }

  private <T extends TType> Operand<T> flatten(Ops tf, Operand<T> x) {
    int rank = x.shape().numDimensions();
    Operand<T> ordered = x;
    if (channelsFirst && rank > 2) {
      int[] order =
          IntStream.range(0, rank).map(d -> d == 0 ? 0 : d == rank - 1 ? 1 : d + 1).toArray();
      ordered = tf.linalg.transpose(x, tf.constant(order));
    }
    long elements = x.shape().tail().size();
    Operand<TInt32> batch = tf.stridedSlice(tf.shape(x), Indices.sliceTo(1));
    Operand<TInt32> rest = tf.array(Math.toIntExact(elements));
    return tf.reshape(ordered, tf.concat(List.of(batch, rest), tf.constant(0)));
  }
}
