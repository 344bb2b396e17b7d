package io.github.kpconvx.layer.vl3d;

import static io.github.kpconvx.layer.Operands.floats;
import static io.github.kpconvx.layer.Operands.integers;

import io.github.kpconvx.layer.CallContext;
import io.github.kpconvx.layer.Formulation;
import io.github.kpconvx.layer.core.BatchNormalization;
import io.github.kpconvx.layer.function.Activations;
import io.github.kpconvx.layer.tiling.Gpu;
import io.github.kpconvx.layer.tiling.RowTiles;
import io.github.kpconvx.layer.tiling.TileSize;
import io.github.kpconvx.layer.tiling.XlaFunction;
import java.util.LinkedHashMap;
import java.util.Map;
import org.tensorflow.DeviceSpec;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.FloatNdArray;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TNumber;

/**
 * Inference of a {@link KPConvXLayer} whose weights are constants: {@link Formulation#FOLDED} or
 * {@link Formulation#COMPILED}, a tile of points at a time. Makes known the same stages as the
 * plain form.
 */
final class FrozenKPConvX {
  private static final DeviceSpec CPU =
      DeviceSpec.newBuilder().deviceType(DeviceSpec.DeviceType.CPU).deviceIndex(0).build();

  /** Compiled tiles are few, as each call of XLA has its cost. */
  private static final int COMPILED_QUEUE = 1;

  private static final int FOLDED_QUEUE = 16;

  private final KPConvXLayer layer;
  private final KPConvXConfig config;
  private final int channels;
  private final Aggregation aggregation;
  private final boolean compiled;
  private final boolean forGpu;
  private final TileSize tileSize;
  private final CallContext context;

  FrozenKPConvX(KPConvXLayer layer, long featureDim, CallContext context) {
    this.layer = layer;
    this.config = layer.config();
    this.channels = (int) featureDim;
    this.aggregation = new Aggregation(featureDim, config.kernelPoints(), config.groups());
    this.compiled = context.formulation() == Formulation.COMPILED;
    this.forGpu = Gpu.isPresent();
    this.tileSize = new TileSize(compiled, forGpu);
    this.context = context;
  }

  Operand<TFloat32> call(
      Ops tf, Operand<TFloat32> x, Operand<TFloat32> f, Operand<? extends TNumber> n) {
    SharedGeometry shared = context.shared().get(SharedGeometry.class, SharedGeometry::new);
    SharedGeometry.Rows rows = shared.rows(tf, x, n, compiled);
    float[][] q = kernelPoints();
    Geometry geometry = shared.geometry(rows, q, config.sigma(), () -> geometry(tf, rows, q));
    record(tf, rows, "k", geometry.nearest());
    record(tf, rows, "h", geometry.influence());
    Operand<TFloat32> features =
        rows.padding().pad(tf, PointRows.matrix(tf, InputGuard.features(tf, x, f, n), channels));
    for (int t = 0; t < config.blocks(); t++) {
      features = block(tf, t, features, rows, geometry);
    }
    return restore(tf, rows, features);
  }

  private Geometry geometry(Ops tf, SharedGeometry.Rows rows, float[][] q) {
    Operand<TInt32> n = rows.neighbours();
    Map<String, Operand<?>> ofPoints = new LinkedHashMap<>();
    ofPoints.put("x", rows.x());
    ofPoints.put("n", n);
    Operand<TInt32> slots = rows.slots(tf);
    long known = rows.slots();
    Map<String, RowTiles.Result> made = new LinkedHashMap<>();
    made.put("k", new RowTiles.Result(TInt32.class, slots, known));
    made.put("h", new RowTiles.Result(TFloat32.class, slots, known));
    Map<String, Operand<?>> results =
        tiles(tf, rows, tileSize.ofGeometry(tf, rows.shape(tf)))
            .map(
                tf,
                "geometry",
                ofPoints,
                Map.of("points", rows.x()),
                made,
                (inside, inputs) -> geometry(inside, inputs, q));
    return new Geometry(integers(results.get("k")), floats(results.get("h")));
  }

  private RowTiles tiles(Ops tf, SharedGeometry.Rows rows, Operand<TInt32> tile) {
    return new RowTiles(rows.count(tf), tile, forGpu, compiled ? COMPILED_QUEUE : FOLDED_QUEUE);
  }

  private Map<String, Operand<?>> geometry(Ops tf, Map<String, Operand<?>> inputs, float[][] q) {
    return compiled
        ? XlaFunction.call(
            tf, "geometry", inputs, (inside, tile) -> Geometry.of(inside, tile, q, config.sigma()))
        : Geometry.of(tf, inputs, q, config.sigma());
  }

  private Operand<TFloat32> block(
      Ops tf, int t, Operand<TFloat32> f, SharedGeometry.Rows rows, Geometry geometry) {
    Map<String, Operand<?>> ofPoints = new LinkedHashMap<>();
    ofPoints.put("f", f);
    ofPoints.put("n", rows.neighbours());
    ofPoints.put("k", geometry.nearest());
    ofPoints.put("h", geometry.influence());
    Map<String, Operand<?>> ofAll = new LinkedHashMap<>(weights(tf, t));
    ofAll.put("features", f);
    RowTiles.Result result = new RowTiles.Result(TFloat32.class, tf.constant(channels), channels);
    Operand<TFloat32> output =
        floats(
            tiles(tf, rows, tileSize.ofBlock(tf, rows.shape(tf), channels))
                .map(
                    tf,
                    "block",
                    ofPoints,
                    ofAll,
                    Map.of("F", result),
                    (inside, inputs) -> Map.of("F", stages(inside, inputs).get("F")))
                .get("F"));

    // Of all points at once; what nobody asks for is not computed.
    Map<String, Operand<?>> inputs = new LinkedHashMap<>(ofAll);
    inputs.putAll(ofPoints);
    Map<String, Operand<TFloat32>> stages = stages(tf, inputs);
    stages.put("F", output);
    stages.forEach((name, value) -> record(tf, rows, "block_" + t + "/" + name, value));
    return output;
  }

  /** What a block computes for some points, in the order in which it does. */
  private Map<String, Operand<TFloat32>> stages(Ops tf, Map<String, Operand<?>> inputs) {
    Operand<TFloat32> f = floats(inputs.get("f"));
    Ops products = products(tf);
    Operand<TFloat32> phi = activated(tf, dense(products, f, inputs, "Phi", "phi"));
    Operand<TFloat32> a = tf.math.sigmoid(dense(products, phi, inputs, "Psi", "psi"));
    Operand<TFloat32> gathered = aggregate(tf, a, inputs);
    Operand<TFloat32> u = activated(tf, dense(products, gathered, inputs, "Atilde", "btilde"));
    Operand<TFloat32> v = activated(tf, dense(products, u, inputs, "Ahat", "bhat"));
    long groups = channels / config.groups();
    Map<String, Operand<TFloat32>> stages = new LinkedHashMap<>();
    stages.put("A", tf.reshape(a, tf.array(-1L, config.kernelPoints(), groups)));
    stages.put("f", gathered);
    stages.put("u", u);
    stages.put("v", v);
    stages.put("F", tf.math.add(f, v));
    return stages;
  }

  private Operand<TFloat32> aggregate(Ops tf, Operand<TFloat32> a, Map<String, Operand<?>> inputs) {
    Operand<TFloat32> w = floats(inputs.get("W"));
    Operand<TFloat32> features = floats(inputs.get("features"));
    Operand<TInt32> n = integers(inputs.get("n"));
    Geometry geometry = new Geometry(integers(inputs.get("k")), floats(inputs.get("h")));
    if (compiled) {
      return aggregation.compiled(tf, w, a, features, n, geometry);
    }
    return forGpu
        ? aggregation.of(tf, w, a, features, n, geometry)
        : aggregation.folded(tf, w, a, features, n, geometry);
  }

  /**
   * TensorFlow fuses a matrix product with what follows it where it knows the device; compiled
   * tiles gain by that.
   */
  private Ops products(Ops tf) {
    return compiled && !forGpu && Activations.isElementary(config.activation())
        ? tf.withDevice(CPU)
        : tf;
  }

  private Operand<TFloat32> activated(Ops tf, Operand<TFloat32> x) {
    return config.activation().apply(tf, x);
  }

  private static Operand<TFloat32> dense(
      Ops tf, Operand<TFloat32> x, Map<String, Operand<?>> inputs, String kernel, String bias) {
    return tf.nn.biasAdd(tf.linalg.matMul(x, floats(inputs.get(kernel))), floats(inputs.get(bias)));
  }

  /** Block t's weights by name, its normalizations folded into the matrices before them. */
  private Map<String, Operand<?>> weights(Ops tf, int t) {
    Map<String, float[]> values = new LinkedHashMap<>();
    for (String name :
        new String[] {"W", "Phi", "phi", "Psi", "psi", "Atilde", "btilde", "Ahat", "bhat"}) {
      FloatNdArray own = layer.frozen(name).get(t);
      values.put(name, new float[(int) own.size()]);
      own.copyTo(DataBuffers.of(values.get(name)));
    }
    fold(layer.normalization("bn_phi", t), values.get("Phi"), values.get("phi"));
    fold(layer.normalization("bn_htilde", t), values.get("Atilde"), values.get("btilde"));
    fold(layer.normalization("bn_hhat", t), values.get("Ahat"), values.get("bhat"));
    Map<String, Operand<?>> weights = new LinkedHashMap<>();
    values.forEach(
        (name, value) -> {
          Shape shape = layer.frozen(name).shape().tail();
          weights.put(name, tf.constant(shape, DataBuffers.of(value)));
        });
    return weights;
  }

  private static void fold(BatchNormalization normalization, float[] weights, float[] offsets) {
    int channels = offsets.length;
    for (int c = 0; c < channels; c++) {
      BatchNormalization.Affine affine = normalization.affine(c);
      for (int i = c; i < weights.length; i += channels) {
        weights[i] = (float) (weights[i] * affine.factor());
      }
      offsets[c] = (float) (offsets[c] * affine.factor() + affine.shift());
    }
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
