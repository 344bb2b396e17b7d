package io.github.kpconvx.layer.core;

import io.github.kpconvx.dtype.DType;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.LayerCall;
import java.util.List;
import java.util.stream.IntStream;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;

/**
 * Keras's {@code Permute}: brings the dimensions after the batch into another order; {@code dims}
 * counts them from 1.
 *
 * @see <a href="https://keras.io/api/layers/reshaping_layers/permute/">Permute in Keras</a>
 */
public final class Permute extends Layer {
  private final List<Integer> dimensions;

  /**
   * Reads a serialized layer.
   *
   * @param object the serialized layer
   * @throws KerasException if a key is unknown or the dimensions are no permutation
   */
  public Permute(KerasObject object) {
    super(object, DType.FLOATS);
    ConfigReader config = object.config();
    config.rejectUnknownKeys(List.of("dims"));
    this.dimensions = config.integers("dims", List.of(), 1);
    List<Integer> sorted = IntStream.rangeClosed(1, dimensions.size()).boxed().toList();
    if (dimensions.isEmpty() || !dimensions.stream().sorted().toList().equals(sorted)) {
      throw config.invalid("dims", config.json("dims"), "the numbers from 1 on, in some order");
    }
  }

  @Override
  protected void createWeights(Ops tf, List<Shape> inputs) {
    if (inputs.size() != 1 || inputs.get(0).numDimensions() != dimensions.size() + 1) {
      throw new KerasException(
          "%s: dims = %s, expected one for each dimension after the batch of its input %s"
              .formatted(
                  serialize().describe(), dimensions, inputs.size() == 1 ? inputs.get(0) : inputs));
    }
  }

  @Override
  protected List<Operand<?>> compute(Ops tf, LayerCall call) {
    int[] order = IntStream.concat(IntStream.of(0), dimensions.stream().mapToInt(d -> d)).toArray();
    return List.of(tf.linalg.transpose(call.inputs().get(0), tf.constant(order)));
  }
}
