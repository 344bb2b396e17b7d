package io.github.kpconvx.layer.core;

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
    super(object);
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
    long there = product(input.tail().asArray());
    long wanted = product(Arrays.stream(target).asLongStream().toArray());
    boolean open = Arrays.stream(target).anyMatch(i -> i == -1);
    if (there >= 0 && (open ? wanted == 0 || there % wanted != 0 : there != wanted)) {
      throw new KerasException(
          "%s: target_shape = %s, expected one of as many elements as its input %s has"
              .formatted(serialize().describe(), Arrays.toString(target), input));
    }
  }

  /** The product of known sizes; -1 if a size of an input is unknown. */
  private long product(long[] sizes) {
    long product = 1;
    for (long size : sizes) {
      if (size == Shape.UNKNOWN_SIZE) {
        if (sizes.length != target.length || !Arrays.stream(target).anyMatch(i -> i == -1)) {
          return -1;
        }
        continue;
      }
      product *= size;
    }
    return product;
  }

  @Override
  protected List<Operand<?>> compute(Ops tf, LayerCall call) {
    if (call.inputs().size() != 1) {
      throw new KerasException(
          serialize().describe() + " takes one input, got " + call.inputs().size());
    }
    return List.of(reshape(tf, call.inputs().get(0)));
  }

  private <T extends TType> Operand<T> reshape(Ops tf, Operand<T> x) {
    Operand<TInt32> batch = tf.stridedSlice(tf.shape(x), Indices.sliceTo(1));
    long[] sizes = Arrays.stream(target).asLongStream().toArray();
    long there = product(x.shape().tail().asArray());
    long wanted = 1;
    for (long size : sizes) {
      wanted *= size == -1 ? 1 : size;
    }
    for (int d = 0; d < sizes.length; d++) {
      if (sizes[d] == -1 && !x.shape().tail().hasUnknownDimension() && wanted > 0) {
        sizes[d] = there / wanted;
      }
    }
    int[] known = Arrays.stream(sizes).mapToInt(Math::toIntExact).toArray();
    return tf.reshape(x, tf.concat(List.of(batch, tf.constant(known)), tf.constant(0)));
  }
}
