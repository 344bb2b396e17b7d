package io.github.kpconvx.training;

import io.github.kpconvx.layer.Operands;
import java.util.List;
import java.util.OptionalInt;
import org.tensorflow.GraphOperation;
import org.tensorflow.Operand;
import org.tensorflow.framework.losses.CategoricalCrossentropy;
import org.tensorflow.framework.losses.Reduction;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;

/**
 * Categorical cross-entropy between the classes that a network finds and the true ones, point by
 * point: {@code Σ weight(class)·loss / number of points that count}, as Keras computes it with
 * {@code class_weight} and {@code ignore_class}. Immutable.
 *
 * @param labels how the true classes are given
 * @param fromLogits whether the network's output is logits; else it is probabilities, and where
 *     they come straight from a softmax, its logits are used, as Keras does
 * @param classWeights a weight of at least 0 for each class, one of them above 0; empty for weights
 *     of 1
 * @param ignoredLabel points of this label count for nothing, in metrics neither; for sparse labels
 */
public record ClassificationLoss(
    Labels labels, boolean fromLogits, List<Double> classWeights, OptionalInt ignoredLabel) {

  /** How the true classes are given. */
  public enum Labels {
    /** One integer in [0, classes) for each point: {@code sparse_categorical_crossentropy}. */
    SPARSE,
    /** A probability for each class of each point: {@code categorical_crossentropy}. */
    DENSE
  }

  /** Of probabilities and sparse labels, all classes and points counting alike. */
  public static final ClassificationLoss DEFAULT =
      new ClassificationLoss(Labels.SPARSE, false, List.of(), OptionalInt.empty());

  public ClassificationLoss {
    classWeights = List.copyOf(classWeights);
    for (double weight : classWeights) {
      if (!(weight >= 0 && Double.isFinite(weight))) {
        throw new TrainingException(
            "Class weights are %s, expected finite numbers of at least 0".formatted(classWeights));
      }
    }
    if (!classWeights.isEmpty() && classWeights.stream().allMatch(weight -> weight == 0)) {
      throw new TrainingException(
          "Class weights are all 0, so that nothing would be learned; expected one above 0");
    }
    if (labels == Labels.DENSE && ignoredLabel.isPresent()) {
      throw new TrainingException("A label can be ignored among sparse labels, not dense ones");
    }
  }

  /**
   * Adds the loss to a graph.
   *
   * @param tf the operations of the graph that is added to
   * @param output the network's output (…, classes)
   * @param truth the true classes: (…) int32 if sparse, (…, classes) float32 if dense
   * @return a scalar
   */
  Operand<TFloat32> create(Ops tf, Operand<TFloat32> output, Operand<?> truth) {
    int classes = Math.toIntExact(output.shape().get(output.shape().numDimensions() - 1));
    if (!classWeights.isEmpty() && classWeights.size() != classes) {
      throw new TrainingException(
          "%d class weights, expected one for each of the network's %d classes"
              .formatted(classWeights.size(), classes));
    }
    Operand<TFloat32> scores = output;
    boolean logits = fromLogits;
    if (!fromLogits && output.op() instanceof GraphOperation op && op.type().equals("Softmax")) {
      scores = Operands.floats(op.input(0));
      logits = true;
    }
    scores = tf.reshape(scores, tf.constant(new int[] {-1, classes}));
    return labels == Labels.SPARSE
        ? sparse(tf, scores, classes, logits, Operands.integers(truth))
        : dense(
            tf,
            scores,
            logits,
            tf.reshape(Operands.floats(truth), tf.constant(new int[] {-1, classes})));
  }

  private Operand<TFloat32> sparse(
      Ops tf, Operand<TFloat32> scores, int classes, boolean logits, Operand<TInt32> truth) {
    Operand<TInt32> label = tf.reshape(truth, tf.constant(new int[] {-1}));
    Operand<TFloat32> counts = tf.onesLike(tf.dtypes.cast(label, TFloat32.class));
    if (ignoredLabel.isPresent()) {
      counts =
          tf.dtypes.cast(
              tf.math.notEqual(label, tf.constant(ignoredLabel.getAsInt())), TFloat32.class);
      // The ignored label may be no class at all; its loss is multiplied by 0.
      label = tf.math.mul(label, tf.dtypes.cast(counts, TInt32.class));
    }
    // TensorFlow's sparse cross-entropy has no gradient in C++.
    Operand<TFloat32> shares =
        tf.oneHot(label, tf.constant(classes), tf.constant(1f), tf.constant(0f));
    return mean(tf, losses(tf, scores, logits, shares), label, counts);
  }

  private Operand<TFloat32> dense(
      Ops tf, Operand<TFloat32> scores, boolean logits, Operand<TFloat32> truth) {
    Operand<TFloat32> losses = losses(tf, scores, logits, truth);
    Operand<TInt32> label = tf.math.argMax(truth, tf.constant(1), TInt32.class);
    return mean(tf, losses, label, tf.onesLike(tf.dtypes.cast(label, TFloat32.class)));
  }

  private static Operand<TFloat32> losses(
      Ops tf, Operand<TFloat32> scores, boolean logits, Operand<TFloat32> truth) {
    return new CategoricalCrossentropy(logits, 0f, Reduction.NONE).call(tf, truth, scores);
  }

  private Operand<TFloat32> mean(
      Ops tf, Operand<TFloat32> losses, Operand<TInt32> label, Operand<TFloat32> counts) {
    Operand<TFloat32> weights = counts;
    if (!classWeights.isEmpty()) {
      float[] values = new float[classWeights.size()];
      for (int c = 0; c < values.length; c++) {
        values[c] = classWeights.get(c).floatValue();
      }
      weights = tf.math.mul(counts, tf.gather(tf.constant(values), label, tf.constant(0)));
    }
    Operand<TInt32> all = tf.constant(new int[] {0});
    Operand<TFloat32> points = tf.math.maximum(tf.reduceSum(counts, all), tf.constant(1f));
    return tf.math.div(tf.reduceSum(tf.math.mul(losses, weights), all), points);
  }
}
