package io.github.kpconvx.layer.vl3d;

import io.github.kpconvx.layer.Operands;
import io.github.kpconvx.layer.tiling.XlaFunction;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.ndarray.index.Indices;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Gather;
import org.tensorflow.op.core.ReduceSum;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TNumber;

/**
 * f (P, D): the neighbours' features, weighted by influence, modulation and kernel weight, summed
 * over the slots: {@code f_c = Σ_j h_j · A[k_j, ⌊c/G⌋] · W[k_j, c] · F[N[i,j], c]}.
 *
 * @param channels D
 * @param kernelPoints m_q
 * @param groupSize G, how many consecutive channels share one modulation value
 */
record Aggregation(long channels, int kernelPoints, int groupSize) {

  private long groups() {
    return channels / groupSize;
  }

  /**
   * Computes it step by step.
   *
   * @param tf the operations of the graph that is added to
   * @param w kernel weights (m_q, D)
   * @param a modulations (P, m_q·D/G)
   * @param f features of these and other points (…, D)
   * @param neighbours rows of f (P, κ)
   * @param geometry the slots' kernel points and influences (P, κ)
   */
  <T extends TNumber> Operand<TFloat32> of(
      Ops tf,
      Operand<TFloat32> w,
      Operand<TFloat32> a,
      Operand<TFloat32> f,
      Operand<T> neighbours,
      Geometry geometry) {
    Operand<TFloat32> weighted = weighted(tf, w, f, neighbours, geometry);
    Operand<TInt32> shape = tf.shape(geometry.nearest());
    Operand<TInt32> grouped =
        tf.concat(List.of(shape, tf.array((int) groups(), groupSize)), tf.constant(0));
    Operand<TFloat32> product =
        tf.math.mul(
            tf.reshape(weighted, grouped),
            tf.expandDims(modulation(tf, a, geometry), tf.constant(3)));
    return tf.reshape(sum(tf, product), tf.array(-1L, channels));
  }

  /**
   * Computes it step by step on a CPU, for finite modulations: a matrix of ones and zeros gives
   * each channel its group's value, which takes half the time of a product that broadcasts. It
   * changes no bit of it, unlike the matrix products of a GPU, which may round what goes in.
   *
   * @param tf the operations of the graph that is added to
   * @param w kernel weights (m_q, D)
   * @param a modulations (P, m_q·D/G)
   * @param f features of these and other points (…, D)
   * @param neighbours rows of f (P, κ)
   * @param geometry the slots' kernel points and influences (P, κ)
   */
  <T extends TNumber> Operand<TFloat32> folded(
      Ops tf,
      Operand<TFloat32> w,
      Operand<TFloat32> a,
      Operand<TFloat32> f,
      Operand<T> neighbours,
      Geometry geometry) {
    float[] ones = new float[(int) (groups() * channels)];
    for (int c = 0; c < channels; c++) {
      ones[(int) (c / groupSize * channels + c)] = 1;
    }
    Operand<TFloat32> ofChannels =
        tf.linalg.matMul(
            tf.reshape(modulation(tf, a, geometry), tf.array(-1L, groups())),
            tf.constant(Shape.of(groups(), channels), DataBuffers.of(ones)));
    Operand<TFloat32> weighted = weighted(tf, w, f, neighbours, geometry);
    return sum(tf, tf.math.mul(weighted, tf.reshape(ofChannels, tf.shape(weighted))));
  }

  /** (P, κ, D/G): the modulation of each slot's kernel point by its influence. */
  private Operand<TFloat32> modulation(Ops tf, Operand<TFloat32> a, Geometry geometry) {
    Operand<TInt32> count = tf.stridedSlice(tf.shape(geometry.nearest()), Indices.at(0));
    Operand<TInt32> firstRow =
        tf.expandDims(
            tf.math.mul(tf.range(tf.constant(0), count, tf.constant(1)), tf.constant(kernelPoints)),
            tf.constant(1));
    Operand<TFloat32> ofSlots =
        tf.gather(
            tf.reshape(a, tf.array(-1L, groups())),
            tf.math.add(firstRow, geometry.nearest()),
            tf.constant(0));
    return tf.math.mul(ofSlots, tf.expandDims(geometry.influence(), tf.constant(2)));
  }

  /** (P, κ, D): the neighbours' features by the weights of their kernel points. */
  private static <T extends TNumber> Operand<TFloat32> weighted(
      Ops tf, Operand<TFloat32> w, Operand<TFloat32> f, Operand<T> neighbours, Geometry geometry) {
    Operand<TInt32> zero = tf.constant(0);
    return tf.math.mul(tf.gather(w, geometry.nearest(), zero), tf.gather(f, neighbours, zero));
  }

  private static Operand<TFloat32> sum(Ops tf, Operand<TFloat32> ofSlots) {
    return tf.reduceSum(ofSlots, tf.constant(1), ReduceSum.keepDims(false));
  }

  /**
   * Computes it in a part of the graph that XLA compiles. κ has to be known.
   *
   * @param tf the operations of the graph that is added to
   * @param w kernel weights (m_q, D)
   * @param a modulations (P, m_q·D/G)
   * @param f features of these and other points (…, D)
   * @param neighbours rows of f (P, κ)
   * @param geometry the slots' kernel points and influences (P, κ)
   */
  Operand<TFloat32> compiled(
      Ops tf,
      Operand<TFloat32> w,
      Operand<TFloat32> a,
      Operand<TFloat32> f,
      Operand<TInt32> neighbours,
      Geometry geometry) {
    Map<String, Operand<?>> inputs = new LinkedHashMap<>();
    inputs.put("w", w);
    inputs.put("a", a);
    inputs.put("f", f);
    inputs.put("n", neighbours);
    inputs.put("k", geometry.nearest());
    inputs.put("h", geometry.influence());
    return Operands.floats(
        XlaFunction.call(
                tf,
                "aggregate",
                inputs,
                (inside, arguments) -> Map.of("sum", compiled(inside, arguments)))
            .get("sum"));
  }

  private Operand<TFloat32> compiled(Ops tf, Map<String, Operand<?>> inputs) {
    Operand<TInt32> zero = tf.constant(0);
    Operand<TFloat32> f = Operands.floats(inputs.get("f"));
    Operand<TInt32> n = Operands.integers(inputs.get("n"));
    Operand<TInt32> k = Operands.integers(inputs.get("k"));
    Operand<TFloat32> h = Operands.floats(inputs.get("h"));
    Operand<TFloat32> w = Operands.floats(inputs.get("w"));
    Operand<TFloat32> matrices =
        tf.reshape(
            Operands.floats(inputs.get("a")), tf.constant(new long[] {-1, kernelPoints, groups()}));
    // All slots' modulations at once, as a point's lie side by side; then one slot after the other,
    // which XLA makes one loop over points and channels of, in vector instructions.
    Operand<TFloat32> modulation =
        tf.math.mul(
            tf.gather(matrices, k, tf.constant(1), Gather.batchDims(1L)),
            tf.expandDims(h, tf.constant(2)));
    Operand<TInt32> repeats = tf.constant(new int[] {1, 1, groupSize});
    Operand<TFloat32> sum = null;
    long slots = n.shape().get(1);
    if (slots == Shape.UNKNOWN_SIZE) {
      throw new IllegalStateException("The number of neighbours is unknown: " + n.shape());
    }
    for (int j = 0; j < slots; j++) {
      Operand<TInt32> kernelPoint = tf.stridedSlice(k, Indices.all(), Indices.at(j));
      Operand<TInt32> neighbour = tf.stridedSlice(n, Indices.all(), Indices.at(j));
      Operand<TFloat32> ofGroups =
          tf.stridedSlice(modulation, Indices.all(), Indices.at(j), Indices.all());
      Operand<TFloat32> ofChannels =
          tf.reshape(
              tf.tile(tf.expandDims(ofGroups, tf.constant(2)), repeats),
              tf.constant(new long[] {-1, channels}));
      Operand<TFloat32> term =
          tf.math.mul(
              tf.math.mul(tf.gather(f, neighbour, zero), tf.gather(w, kernelPoint, zero)),
              ofChannels);
      sum = sum == null ? term : tf.math.add(sum, term);
    }
    return sum != null ? sum : zeros(tf, n);
  }

  private Operand<TFloat32> zeros(Ops tf, Operand<TInt32> n) {
    Operand<TInt32> count = tf.stridedSlice(tf.shape(n), Indices.at(0));
    return tf.zeros(tf.stack(List.of(count, tf.constant((int) channels))), TFloat32.class);
  }
}
