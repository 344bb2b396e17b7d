package io.github.kpconvx.layer.core;

import io.github.kpconvx.dtype.DType;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.LayerCall;
import java.util.Arrays;
import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.index.Indices;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TType;

/**
 * Keras's {@code Reshape}: gives each batch element the shape {@code target_shape}, in which one
 * size may be −1.
 *
 * @see <a href="https://keras.io/api/layers/reshaping_layers/reshape/">Reshape in Keras</a>
 */
public final class Reshape extends Layer {
  private final int[] target;

  /**
   * Reads a serialized layer.
   *
   * @param object the serialized layer
   * @throws KerasException if a key is unknown or the shape is none
   */
  public Reshape(KerasObject object) {
    super(object, DType.FLOATS);
    ConfigReader config = object.config();
    config.rejectUnknownKeys(List.of("target_shape"));
    this.target =
        config.integers("target_shape", List.of(), -1).stream().mapToInt(i -> i).toArray();
    if (!config.has("target_shape") || Arrays.stream(target).filter(i -> i == -1).count() > 1) {
      throw config.invalid(
          "target_shape", config.json("target_shape"), "sizes of which at most one is -1");
    }
  }

  @Override
  protected void createWeights(Ops tf, List<Shape> inputs) {
    Shape input = inputs.get(0);
    if (input.numDimensions() < 1) {
      throw new KerasException(
          serialize().describe() + ": expected an input with a batch dimension, got " + input);
    }
    long there = input.tail().size();
    if (there != Shape.UNKNOWN_SIZE
        && (isOpen() ? rest() == 0 || there % rest() != 0 : there != rest())) {
      throw new KerasException(
          "%s: target_shape = %s, expected one of as many elements as its input %s has"
              .formatted(serialize().describe(), Arrays.toString(target), input));
    }
  }

  private boolean isOpen() {
    return Arrays.stream(target).anyMatch(size -> size == -1);
  }

  /** How many elements the target has, of each size that is open one. */
  private long rest() {
    return Arrays.stream(target)
        .asLongStream()
        .filter(size -> size != -1)
        .reduce(1, (a, b) -> a * b);
  }

  @Override
  protected List<Operand<?>> compute(Ops tf, LayerCall call) {
    return List.of(reshape(tf, only(call)));
  }

  private <T extends TType> Operand<T> reshape(Ops tf, Operand<T> x) {
    Operand<TInt32> batch = tf.stridedSlice(tf.shape(x), Indices.sliceTo(1));
    long there = x.shape().tail().size();
    int[] known =
        Arrays.stream(target)
            .map(
                size ->
                    size == -1 && there != Shape.UNKNOWN_SIZE
                        ? Math.toIntExact(there / rest())
                        : size)
            .toArray();
    return tf.reshape(x, tf.concat(List.of(batch, tf.constant(known)), tf.constant(0)));
  }
}
