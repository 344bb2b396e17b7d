package io.github.kpconvx.example;

import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.weights.WeightSpec;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.LayerCall;
import io.github.kpconvx.layer.WeightRules;
import io.github.kpconvx.layer.core.Dense;
import io.github.kpconvx.network.LayerFactory;
import java.util.List;
import java.util.Set;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/** Scales each channel of F (B, R, D) by a gate in (0, 1) from the mean of all R points. */
public final class ContextGate extends Layer {
  private final int ratio;
  private Layer squeeze;

  public ContextGate(KerasObject object) {
    super(object);
    ConfigReader config = object.config();
    config.rejectUnknownKeys(List.of("ratio"));
    this.ratio = config.integer("ratio", 4, 1);
  }

  @Override
  protected void createWeights(Ops tf, List<Shape> inputs) {
    long channels = inputs.get(0).get(2);
    String dense = "{'class_name': 'Dense', 'config': {'units': %d, 'activation': 'relu'}}";
    squeeze = new Dense(KerasObject.parse(dense.formatted(channels / ratio).replace('\'', '"')));
    addSublayer("squeeze", squeeze);
    squeeze.build(tf, List.of(Shape.of(-1, channels)));
    addWeight(
        tf,
        WeightSpec.of("excite", true, channels / ratio, channels),
        WeightRules.of(serialize(), "excite_", "glorot_uniform"));
  }

  @Override
  protected List<Operand<?>> compute(Ops tf, LayerCall call) {
    Operand<TFloat32> x = onlyInput(call);
    Operand<TFloat32> mean = tf.math.mean(x, tf.constant(1));
    Operand<TFloat32> context = squeeze.call(tf, List.of(mean), call.context());
    Operand<TFloat32> gate = tf.math.sigmoid(tf.linalg.matMul(context, weight("excite")));
    return List.of(tf.math.mul(x, tf.expandDims(gate, tf.constant(1))));
  }

  /** Makes the layer wherever a model has it: META-INF/services names this class. */
  public static final class Factory implements LayerFactory {
    @Override
    public Layer create(KerasObject object) {
      return new ContextGate(object);
    }

    @Override
    public Set<String> names() {
      return Set.of("example>ContextGate");
    }
  }
}
