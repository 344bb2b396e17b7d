package io.github.kpconvx.training;

import io.github.kpconvx.layer.Gradients;
import io.github.kpconvx.layer.LayerVariable;
import io.github.kpconvx.network.Network;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.tensorflow.Operand;
import org.tensorflow.framework.optimizers.Optimizer;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TType;

/**
 * One step of training as operations of a graph, in Keras's order: gradients of the loss and the
 * regularization losses, the optimizer's change of each weight that is trained, the projection onto
 * the constraints, and the moving averages.
 *
 * @param loss the loss before the step, without regularization, a scalar
 * @param regularization the sum of the regularization losses before the step, a scalar
 * @param gradients of both together, by the qualified name of the weight
 * @param run performs the step
 */
public record TrainingStep(
    Operand<TFloat32> loss,
    Operand<TFloat32> regularization,
    Map<String, Operand<TFloat32>> gradients,
    Op run) {

  /**
   * Adds the step to the graph of a network, without a bound of the gradients.
   *
   * @param tf the operations of the graph that is added to
   * @param network built in that graph, called in training mode
   * @param loss a scalar that follows from the outputs of that call
   * @param optimizer changes the weights
   * @return the step
   * @throws TrainingException if the network has no weight to train
   */
  public static TrainingStep create(
      Ops tf, Network network, Operand<TFloat32> loss, Optimizer optimizer) {
    return create(tf, network, loss, optimizer, 0);
  }

  /**
   * Adds the step to the graph of a network.
   *
   * @param tf the operations of the graph that is added to
   * @param network built in that graph, called in training mode
   * @param loss a scalar that follows from the outputs of that call
   * @param optimizer changes the weights
   * @param clipNorm each weight's gradient is scaled down to this norm, as Keras's optimizers do
   *     it; 0 for no bound
   * @return the step; its gradients are those before they are scaled
   * @throws TrainingException if the network has no weight to train
   */
  public static TrainingStep create(
      Ops tf, Network network, Operand<TFloat32> loss, Optimizer optimizer, double clipNorm) {
    Operand<TFloat32> regularization = tf.constant(0f);
    for (Operand<TFloat32> term : network.regularizationLosses(tf).values()) {
      regularization = tf.math.add(regularization, term);
    }
    Map<String, LayerVariable> weights = network.trainableVariables();
    if (weights.isEmpty()) {
      throw new TrainingException("The network has no weight to train: every layer is frozen");
    }
    List<Operand<TFloat32>> raw =
        Gradients.of(
            tf,
            tf.math.add(loss, regularization),
            weights.values().stream().map(LayerVariable::value).toList());
    // Variables are read in place: nothing changes one before all that reads it is done.
    List<Op> reads = new ArrayList<>(raw);
    reads.add(loss);
    reads.add(regularization);
    Ops after = tf.withControlDependencies(reads);
    Map<String, Operand<TFloat32>> gradients = new LinkedHashMap<>();
    List<Optimizer.GradAndVar<? extends TType>> pairs = new ArrayList<>();
    int i = 0;
    for (Map.Entry<String, LayerVariable> weight : weights.entrySet()) {
      Operand<TFloat32> gradient = after.identity(raw.get(i++));
      gradients.put(weight.getKey(), gradient);
      pairs.add(
          new Optimizer.GradAndVar<>(
              clipped(after, gradient, clipNorm).asOutput(),
              weight.getValue().variable().asOutput()));
    }
    List<Op> effects = new ArrayList<>(network.updates());
    Op applied = optimizer.applyGradients(pairs, "apply_gradients");
    effects.add(applied);
    effects.addAll(network.projections(tf.withControlDependencies(applied)).values());
    return new TrainingStep(
        loss, regularization, gradients, tf.withControlDependencies(effects).noOp());
  }

  private static Operand<TFloat32> clipped(Ops tf, Operand<TFloat32> gradient, double norm) {
    if (norm == 0) {
      return gradient;
    }
    int[] axes = IntStream.range(0, gradient.shape().numDimensions()).toArray();
    Operand<TFloat32> found =
        tf.math.sqrt(tf.reduceSum(tf.math.square(gradient), tf.constant(axes)));
    Operand<TFloat32> bound = tf.constant((float) norm);
    return tf.math.div(tf.math.mul(gradient, bound), tf.math.maximum(found, bound));
  }
}
