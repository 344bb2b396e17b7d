package io.github.kpconvx.layer;

import java.util.Arrays;
import java.util.Optional;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TNumber;

/**
 * Inference of a {@link KPConvXLayer} whose weights are constants: {@link Formulation#FOLDED} or
 * {@link Formulation#COMPILED}. Makes known the same stages as the plain form.
 */
final class FrozenKPConvX {
  private final KPConvXLayer layer;
  private final KPConvXConfig config;
  private final int channels;
  private final Aggregation aggregation;
  private final boolean compiled;
  private final CallContext context;

  FrozenKPConvX(KPConvXLayer layer, long featureDim, CallContext context) {
    this.layer = layer;
    this.config = layer.config();
    this.channels = (int) featureDim;
    this.aggregation = new Aggregation(featureDim, config.kernelPoints(), config.groups());
    this.compiled = context.formulation() == Formulation.COMPILED;
    this.context = context;
  }

  Operand<TFloat32> call(
      Ops tf, Operand<TFloat32> x, Operand<TFloat32> f, Operand<? extends TNumber> n) {
    SharedGeometry shared = context.geometry();
    SharedGeometry.Rows rows = shared.rows(tf, x, n, compiled);
    float[][] q = kernelPoints();
    Geometry geometry =
        shared.geometry(x, n, compiled, q, config.sigma(), () -> geometry(tf, rows, q));
    record(tf, rows, "k", geometry.nearest());
    record(tf, rows, "h", geometry.influence());
    Operand<TFloat32> features =
        rows.padding().pad(tf, PointRows.matrix(tf, InputGuard.features(tf, x, f, n), channels));
    for (int t = 0; t < config.blocks(); t++) {
      features = block(tf.withSubScope("block_" + t), t, features, rows, geometry);
    }
    return restore(tf, rows, features);
  }

  private Geometry geometry(Ops tf, SharedGeometry.Rows rows, float[][] q) {
    return compiled
        ? Geometry.compiled(tf, rows.x(), rows.neighbours(), q, config.sigma())
        : Geometry.of(tf, rows.x(), rows.neighbours(), tf.constant(q), config.sigma());
  }

  private Operand<TFloat32> block(
      Ops tf, int t, Operand<TFloat32> f, SharedGeometry.Rows rows, Geometry geometry) {
    int modulations = config.kernelPoints() * channels / config.groups();
    Operand<TFloat32> phi =
        activated(tf, f, "Phi", "phi", t, channels, channels, layer.normalization("bn_phi", t));
    Operand<TFloat32> a =
        tf.math.sigmoid(dense(tf, phi, "Psi", "psi", t, channels, modulations, Optional.empty()));
    float[] w = slice("W", t, config.kernelPoints() * channels);
    Operand<TFloat32> gathered =
        compiled
            ? aggregation.compiled(tf, w, a, f, rows.neighbours(), geometry)
            : aggregation.of(
                tf,
                tf.constant(Shape.of(config.kernelPoints(), channels), DataBuffers.of(w)),
                a,
                f,
                rows.neighbours(),
                geometry);
    int hidden = config.hiddenChannels();
    Operand<TFloat32> u =
        activated(
            tf,
            gathered,
            "Atilde",
            "btilde",
            t,
            channels,
            hidden,
            layer.normalization("bn_htilde", t));
    Operand<TFloat32> v =
        activated(tf, u, "Ahat", "bhat", t, hidden, channels, layer.normalization("bn_hhat", t));
    Operand<TFloat32> output = tf.math.add(f, v);

    String prefix = "block_" + t + "/";
    long groups = channels / config.groups();
    record(tf, rows, prefix + "A", tf.reshape(a, tf.array(-1L, config.kernelPoints(), groups)));
    record(tf, rows, prefix + "f", gathered);
    record(tf, rows, prefix + "u", u);
    record(tf, rows, prefix + "v", v);
    record(tf, rows, prefix + "F", output);
    return output;
  }

  /** act(BN(x·kernel + bias)) of block t, with the normalization in kernel and bias. */
  private Operand<TFloat32> activated(
      Ops tf,
      Operand<TFloat32> x,
      String kernel,
      String bias,
      int t,
      int from,
      int to,
      BatchNormalization normalization) {
    return config
        .activation()
        .apply(tf, dense(tf, x, kernel, bias, t, from, to, Optional.of(normalization)));
  }

  private Operand<TFloat32> dense(
      Ops tf,
      Operand<TFloat32> x,
      String kernel,
      String bias,
      int t,
      int from,
      int to,
      Optional<BatchNormalization> normalization) {
    float[] weights = slice(kernel, t, from * to);
    float[] offsets = slice(bias, t, to);
    normalization.ifPresent(n -> fold(n, weights, offsets));
    return tf.nn.biasAdd(
        tf.linalg.matMul(x, tf.constant(Shape.of(from, to), DataBuffers.of(weights))),
        tf.constant(offsets));
  }

  private static void fold(BatchNormalization normalization, float[] weights, float[] offsets) {
    int channels = offsets.length;
    for (int c = 0; c < channels; c++) {
      double factor = normalization.factor(c);
      for (int i = c; i < weights.length; i += channels) {
        weights[i] = (float) (weights[i] * factor);
      }
      offsets[c] = (float) (offsets[c] * factor + normalization.shift(c));
    }
  }

  /** Block t's part of a weight. */
  private float[] slice(String weight, int t, int size) {
    TFloat32 value = layer.frozen(weight);
    float[] all = new float[(int) value.size()];
    value.copyTo(DataBuffers.of(all));
    return Arrays.copyOfRange(all, t * size, (t + 1) * size);
  }

  private float[][] kernelPoints() {
    TFloat32 value = layer.frozen("Q");
    float[][] q = new float[config.kernelPoints()][3];
    for (int k = 0; k < q.length; k++) {
      for (int c = 0; c < 3; c++) {
        q[k][c] = value.getFloat(k, c);
      }
    }
    return q;
  }

  private <T extends TNumber> void record(
      Ops tf, SharedGeometry.Rows rows, String stage, Operand<T> value) {
    context.stages().record(stage, restore(tf, rows, value));
  }

  private static <T extends TNumber> Operand<T> restore(
      Ops tf, SharedGeometry.Rows rows, Operand<T> value) {
    return PointRows.restore(tf, rows.padding().unpad(tf, value), rows.batchAndPoints());
  }
}
