package io.github.kpconvx.network;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.weights.WeightSpec;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.LayerCall;
import io.github.kpconvx.layer.WeightRules;
import io.github.kpconvx.layer.core.Dense;
import io.github.kpconvx.layer.vl3d.FibonacciShellInitializer;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Gather;
import org.tensorflow.op.core.ReduceSum;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;

/**
 * A layer as somebody's own may be, to try what a layer can: from X (B, R, 3) and F (B, S, C),
 * float32, parents (B, R), int32, among the S, and counts (B, R), int64, it makes features (B, R,
 * units) = scale · Dense(F)[parents] + Σ_k X·Q_k and how many of the counts are none (B), int32. Q
 * stands outside of Keras's weights, the dense layer under an attribute of its own, and {@code
 * scale} is a keyword argument of the call.
 */
public final class GatherTrial extends Layer {
  private static final FibonacciShellInitializer POINTS =
      new FibonacciShellInitializer(List.of(0.0, 1.0), List.of(1, 4));

  private final Dense projection;

  public GatherTrial(KerasObject object) {
    super(object);
    object.config().rejectUnknownKeys(List.of("units"));
    ObjectNode config = object.configJson();
    this.projection =
        new Dense(
            KerasObject.of(
                "keras.layers",
                "Dense",
                null,
                config.objectNode().put("name", "projection").set("units", config.get("units"))));
    addSublayer("projection", projection);
  }

  @Override
  protected void createWeights(Ops tf, List<Shape> inputs) {
    projection.build(tf, List.of(inputs.get(1)));
    addWeight(tf, new WeightSpec("Q", Shape.of(5, 3), false, true), WeightRules.startingAt(POINTS));
  }

  @Override
  protected Set<String> keywords() {
    return Set.of("scale");
  }

  @Override
  protected List<Operand<?>> compute(Ops tf, LayerCall call) {
    List<Operand<?>> inputs = call.inputs();
    Operand<TFloat32> x = floats(inputs.get(0), "X");
    Operand<TInt32> parents = typed(inputs.get(2), TInt32.class, "parents");
    Operand<TInt64> counts = typed(inputs.get(3), TInt64.class, "counts");
    Operand<TFloat32> features = projection.call(tf, List.of(inputs.get(1)), call.context());
    float scale = call.constant("scale").isNull() ? 1 : (float) call.constant("scale").asDouble();
    Operand<TFloat32> gathered = tf.gather(features, parents, tf.constant(1), Gather.batchDims(1L));
    Operand<TFloat32> direction = tf.reduceSum(weight("Q"), tf.constant(0));
    Operand<TFloat32> along =
        tf.reduceSum(tf.math.mul(x, direction), tf.constant(2), ReduceSum.keepDims(true));
    Operand<TInt32> none =
        tf.reduceSum(tf.dtypes.cast(none(tf, counts), TInt32.class), tf.constant(1));
    return List.of(tf.math.add(tf.math.mul(gathered, tf.constant(scale)), along), none);
  }

  private static Operand<TBool> none(Ops tf, Operand<TInt64> counts) {
    return tf.math.equal(counts, tf.constant(0L));
  }

  @Override
  protected Map<Integer, Operand<TBool>> computeMasks(
      Ops tf, LayerCall call, List<Operand<?>> outputs) {
    Operand<TInt64> counts = typed(call.inputs().get(3), TInt64.class, "counts");
    return Map.of(0, tf.math.logicalNot(none(tf, counts)));
  }
}
