package io.github.kpconvx.training;

import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.framework.optimizers.Optimizer;
import org.tensorflow.types.TFloat32;

/**
 * How an optimizer of Keras changes weights. The optimizers of tensorflow-framework fix the
 * learning rate when the graph is built, and its Adam advances the powers of the betas without
 * waiting for the weights that still read them; these extend its {@link Optimizer} by a rate that
 * may change from step to step and by weight decay.
 *
 * @see <a href="https://keras.io/api/optimizers/">Optimizers in Keras</a>
 */
public sealed interface OptimizerSettings {

  /**
   * The share of each weight that a step takes away, times the learning rate: decoupled weight
   * decay, as in AdamW.
   *
   * @return at least 0; 0 for none
   */
  double weightDecay();

  /**
   * Adds the optimizer to a graph.
   *
   * @param graph the graph
   * @param rate the learning rate, a scalar of that graph
   * @return the optimizer
   */
  Optimizer create(Graph graph, Operand<TFloat32> rate);

  /**
   * Adam, and with weight decay AdamW (Kingma and Ba, arXiv:1412.6980; Loshchilov and Hutter,
   * arXiv:1711.05101).
   *
   * @param beta1 decay of the first moment, in [0, 1)
   * @param beta2 decay of the second moment, in [0, 1)
   * @param epsilon is added to the root of the second moment, greater than 0
   * @param weightDecay at least 0
   */
  record Adam(double beta1, double beta2, double epsilon, double weightDecay)
      implements OptimizerSettings {
    /** With Keras's defaults. */
    public static final Adam DEFAULT = new Adam(0.9, 0.999, 1e-7, 0);

    public Adam {
      require("beta_1", beta1, beta1 >= 0 && beta1 < 1, "in [0, 1)");
      require("beta_2", beta2, beta2 >= 0 && beta2 < 1, "in [0, 1)");
      require("epsilon", epsilon, epsilon > 0, "greater than 0");
      require("weight_decay", weightDecay, weightDecay >= 0, "of at least 0");
    }

    @Override
    public Optimizer create(Graph graph, Operand<TFloat32> rate) {
      return new AdamOptimizer(graph, rate, this);
    }
  }

  /**
   * Stochastic gradient descent with momentum.
   *
   * @param momentum in [0, 1); 0 for none
   * @param nesterov whether the momentum is Nesterov's
   * @param weightDecay at least 0
   */
  record Sgd(double momentum, boolean nesterov, double weightDecay) implements OptimizerSettings {
    public Sgd {
      require("momentum", momentum, momentum >= 0 && momentum < 1, "in [0, 1)");
      require("weight_decay", weightDecay, weightDecay >= 0, "of at least 0");
    }

    @Override
    public Optimizer create(Graph graph, Operand<TFloat32> rate) {
      return new SgdOptimizer(graph, rate, this);
    }
  }

  private static void require(String name, double value, boolean fits, String allowed) {
    if (!fits) {
      throw new TrainingException(
          "Optimizer: %s = %s, expected a number %s".formatted(name, value, allowed));
    }
  }
}
