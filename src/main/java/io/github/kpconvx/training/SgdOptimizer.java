package io.github.kpconvx.training;

import java.util.List;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.train.ApplyMomentum;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TType;

/** As Keras computes it: the velocity holds the rate of the steps that it comes from. */
final class SgdOptimizer extends ScheduledOptimizer {
  private final OptimizerSettings.Sgd settings;

  SgdOptimizer(Graph graph, Operand<TFloat32> rate, OptimizerSettings.Sgd settings) {
    super(graph, rate, settings.weightDecay());
    this.settings = settings;
  }

  @Override
  protected void createSlots(List<Output<? extends TType>> variables) {
    if (settings.momentum() > 0) {
      variables.forEach(variable -> zeroSlot(variable, "momentum"));
    }
  }

  @Override
  Op change(Ops deps, Output<TFloat32> gradient, Output<TFloat32> weight) {
    if (settings.momentum() == 0) {
      return deps.train.applyGradientDescent(weight, rate, gradient);
    }
    return deps.train.applyMomentum(
        weight,
        slot(weight, "momentum"),
        deps.constant(1f),
        deps.math.mul(rate, gradient),
        deps.constant((float) settings.momentum()),
        ApplyMomentum.useNesterov(settings.nesterov()));
  }

  @Override
  public String getOptimizerName() {
    return "SGD";
  }
}
