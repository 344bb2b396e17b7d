package io.github.kpconvx.training;

import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.framework.optimizers.Optimizer;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Variable;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TType;

/** What both optimizers share: the rate, and weight decay before each weight's change. */
abstract class ScheduledOptimizer extends Optimizer {
  final Operand<TFloat32> rate;
  private final double weightDecay;

  ScheduledOptimizer(Graph graph, Operand<TFloat32> rate, double weightDecay) {
    super(graph);
    this.rate = rate;
    this.weightDecay = weightDecay;
  }

  @Override
  protected final <T extends TType> Op applyDense(
      Ops deps, Output<T> gradient, Output<T> variable) {
    Output<TFloat32> weight = floats(variable);
    Ops after = deps;
    if (weightDecay > 0) {
      Operand<TFloat32> share = deps.math.mul(rate, deps.constant((float) weightDecay));
      after =
          deps.withControlDependencies(
              deps.assignSub(weight, deps.math.mul(deps.identity(weight), share)));
    }
    return change(after, floats(gradient), weight);
  }

  abstract Op change(Ops deps, Output<TFloat32> gradient, Output<TFloat32> weight);

  final void zeroSlot(Output<? extends TType> variable, String slot) {
    Output<TFloat32> weight = floats(variable);
    createSlot(weight, slot, tf.zeros(tf.constant(weight.shape().asArray()), TFloat32.class));
  }

  final Variable<TFloat32> slot(Output<TFloat32> weight, String slot) {
    return getSlot(weight, slot).orElseThrow();
  }

  @SuppressWarnings("unchecked") // All weights are float32.
  private static Output<TFloat32> floats(Output<? extends TType> output) {
    return (Output<TFloat32>) output;
  }
}
