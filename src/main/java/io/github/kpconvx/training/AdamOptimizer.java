package io.github.kpconvx.training;

import java.util.ArrayList;
import java.util.List;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Variable;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TType;

/** As Keras computes it; the powers of the betas are variables, so that they are saved. */
final class AdamOptimizer extends ScheduledOptimizer {
  private final OptimizerSettings.Adam settings;
  private Variable<TFloat32> beta1Power;
  private Variable<TFloat32> beta2Power;

  AdamOptimizer(Graph graph, Operand<TFloat32> rate, OptimizerSettings.Adam settings) {
    super(graph, rate, settings.weightDecay());
    this.settings = settings;
  }

  @Override
  protected void createSlots(List<Output<? extends TType>> variables) {
    for (Output<? extends TType> variable : variables) {
      zeroSlot(variable, "m");
      zeroSlot(variable, "v");
    }
    beta1Power = power("beta1_power", settings.beta1());
    beta2Power = power("beta2_power", settings.beta2());
  }

  private Variable<TFloat32> power(String name, double beta) {
    return tf.withName(name).variable(tf.withInitScope().constant((float) beta));
  }

  @Override
  Op change(Ops deps, Output<TFloat32> gradient, Output<TFloat32> weight) {
    return deps.train.applyAdam(
        weight,
        slot(weight, "m"),
        slot(weight, "v"),
        deps.identity(beta1Power),
        deps.identity(beta2Power),
        rate,
        deps.constant((float) settings.beta1()),
        deps.constant((float) settings.beta2()),
        deps.constant((float) settings.epsilon()),
        gradient);
  }

  @Override
  protected Op finish(List<Op> changes, String name) {
    Ops after = tf.withControlDependencies(changes);
    List<Op> all = new ArrayList<>(changes);
    all.add(
        after.assign(
            beta1Power, after.math.mul(beta1Power, tf.constant((float) settings.beta1()))));
    all.add(
        after.assign(
            beta2Power, after.math.mul(beta2Power, tf.constant((float) settings.beta2()))));
    return super.finish(all, name);
  }

  @Override
  public String getOptimizerName() {
    return "Adam";
  }
}
