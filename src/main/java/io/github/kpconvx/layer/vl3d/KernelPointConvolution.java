package io.github.kpconvx.layer.vl3d;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.weights.WeightSpec;
import io.github.kpconvx.layer.LayerCall;
import io.github.kpconvx.layer.Operands;
import io.github.kpconvx.layer.WeightRules;
import io.github.kpconvx.layer.tiling.Gpu;
import io.github.kpconvx.layer.tiling.RowTiles;
import io.github.kpconvx.layer.tiling.TileSize;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.index.Indices;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;

/**
 * What VL3D's plain kernel point convolutions have in common: kernel points Q in a ball, and the
 * influence of each on each neighbour,
 *
 * <pre>{@code h_ijk = max(0, 1 − ‖X[N[i,j]] − C[i] − Q_k‖ / sigma)}</pre>
 *
 * with C the points themselves or, in a strided convolution, other points. Where a neighbour lies
 * exactly on a kernel point the influence has no derivative; its gradient is 0 there, where VL3D's
 * is not a number.
 *
 * <p>Stage: {@code h} (B, R, κ, m_q). Inference but for the plain form computes a tile of centres
 * at a time, and h as a whole only if it is asked for.
 *
 * <p>When the graph runs, disagreeing sizes, a coordinate that is not finite and an index outside
 * of the points end the run with TensorFlow's invalid-argument error, on every device.
 *
 * @see <a href="https://doi.org/10.48550/arXiv.1904.08889">KPConv: Flexible and Deformable
 *     Convolution for Point Clouds</a>
 */
abstract class KernelPointConvolution extends PointLayer {
  private static final List<String> KEYS =
      List.of(
          "sigma",
          "kernel_radius",
          "num_kernel_points",
          "deformable",
          "Dout",
          "W_initializer",
          "W_regularizer",
          "W_constraint",
          "built_Q",
          "built_W",
          "mq");

  /** Tiles that begin at once for each processor: none is idle while they differ in time. */
  private static final int QUEUE = 16;

  private final boolean strided;
  private final double sigma;
  private final double radius;
  private final int kernelPoints;
  private final boolean deformable;
  private final int outputs;
  private final WeightRules weights;
  private long features;

  /**
   * Reads a serialized layer.
   *
   * @param object the serialized layer; a missing key takes VL3D's default
   * @param strided whether the centres are other points than the neighbours
   * @param keys further keys of the layer
   * @throws KerasException if a key is unknown or a value is not allowed
   */
  KernelPointConvolution(KerasObject object, boolean strided, List<String> keys) {
    super(object, inputs(strided));
    this.strided = strided;
    ConfigReader config = object.config();
    List<String> known = new ArrayList<>(KEYS);
    known.addAll(keys);
    config.rejectUnknownKeys(known);
    this.sigma = config.number("sigma", 1);
    if (sigma <= 0) {
      throw config.invalid("sigma", sigma, "a number greater than 0");
    }
    this.radius = config.number("kernel_radius", 1, 0);
    this.kernelPoints =
        config.integer("num_kernel_points", 19, 1, FibonacciShellInitializer.MAX_POINTS);
    if (config.integer("mq", kernelPoints, 1) != kernelPoints) {
      throw config.invalid("mq", config.json("mq"), "num_kernel_points = " + kernelPoints);
    }
    this.deformable = config.bool("deformable", false);
    this.outputs = config.integer("Dout", 320, 1);
    this.weights = WeightRules.of(object, "W_", "glorot_uniform");
    config.bool("built_Q", false);
    config.bool("built_W", false);
  }

  private static List<Input> inputs(boolean strided) {
    return strided
        ? List.of(
            Input.coordinates("Xa", "R_a"),
            Input.coordinates("Xb", "R_b"),
            Input.features("F", "R_a"),
            Input.indices("ND", "R_b", "κ"))
        : List.of(
            Input.coordinates("X", "R"), Input.features("F", "R"), Input.indices("N", "R", "κ"));
  }

  /**
   * How far a kernel point has influence.
   *
   * @return sigma, in the unit of the coordinates, greater than 0
   */
  public final double sigma() {
    return sigma;
  }

  /**
   * The radius of the ball that the kernel points are put in at first.
   *
   * @return the radius in the unit of the coordinates, at least 0
   */
  public final double kernelRadius() {
    return radius;
  }

  /**
   * Number of kernel points, m_q.
   *
   * @return at least 1
   */
  public final int kernelPoints() {
    return kernelPoints;
  }

  /**
   * Whether the kernel points are trained.
   *
   * @return true if so
   */
  public final boolean isDeformable() {
    return deformable;
  }

  /**
   * How many features each point gets, Dout.
   *
   * @return at least 1
   */
  public final int outputFeatures() {
    return outputs;
  }

  /** D; known when the layer is built. */
  final long features() {
    return features;
  }

  @Override
  protected final void createWeights(Ops tf, List<Shape> inputs) {
    features = checkBuilt(inputs);
    addWeight(
        tf,
        new WeightSpec("Q", Shape.of(kernelPoints, 3), deformable, true),
        WeightRules.startingAt(new KernelPointBallInitializer(radius, kernelPoints)));
    createWeights(tf, weights);
  }

  /**
   * Creates the weights besides Q.
   *
   * @param tf the operations of the graph that is added to
   * @param w the rules of W
   */
  abstract void createWeights(Ops tf, WeightRules w);

  @Override
  protected final List<Operand<?>> compute(Ops tf, LayerCall call) {
    return call(tf, call, (neighbourhood, features) -> ofAll(tf, neighbourhood, features));
  }

  @Override
  protected final List<Operand<?>> computeFrozen(Ops tf, LayerCall call) {
    return call(tf, call, (neighbourhood, features) -> ofTiles(tf, neighbourhood, features));
  }

  private List<Operand<?>> call(
      Ops tf, LayerCall call, BiFunction<Neighbourhood, Operand<TFloat32>, Operand<TFloat32>> way) {
    Inputs inputs = inputs(call);
    Operand<TFloat32> xa = inputs.floats(0);
    int f = strided ? 2 : 1;
    Neighbourhood neighbourhood =
        strided
            ? Neighbourhood.of(tf, xa, inputs.floats(1), inputs.indices(3), call.context().shared())
            : Neighbourhood.of(tf, xa, inputs.indices(2), call.context().shared());
    Operand<TFloat32> rows =
        Neighbourhood.features(
            tf, inputs.floats(f), xa, List.of("F", strided ? "Xa" : "X"), features);
    // Of all points at once; where tiles are computed, only if it is asked for.
    Operand<TFloat32> h = influence(tf, neighbourhood.offsets(tf), weight("Q"));
    call.context().stages().record("h", PointRows.restore(tf, h, neighbourhood.batchAndCentres()));
    Operand<TFloat32> y = way.apply(neighbourhood, rows);
    return List.of(PointRows.restore(tf, y, neighbourhood.batchAndCentres()));
  }

  private Operand<TFloat32> influence(Ops tf, Operand<TFloat32> offsets, Operand<TFloat32> q) {
    return Geometry.influence(tf, Geometry.squares(tf, offsets, q), sigma);
  }

  private Operand<TFloat32> ofAll(Ops tf, Neighbourhood neighbourhood, Operand<TFloat32> ofPoints) {
    return combine(
        tf,
        influence(tf, neighbourhood.offsets(tf), weight("Q")),
        neighbourhood.gather(tf, ofPoints),
        kernel());
  }

  private Operand<TFloat32> ofTiles(
      Ops tf, Neighbourhood neighbourhood, Operand<TFloat32> ofPoints) {
    Map<String, Operand<?>> ofCentres = new LinkedHashMap<>();
    ofCentres.put("centres", neighbourhood.centres());
    ofCentres.put("neighbours", neighbourhood.rows());
    Map<String, Operand<?>> ofAll = new LinkedHashMap<>(kernel());
    ofAll.put("points", neighbourhood.points());
    ofAll.put("features", ofPoints);
    Operand<TInt32> shape = tf.shape(neighbourhood.rows());
    Operand<TInt32> count = tf.stridedSlice(shape, Indices.at(0));
    Operand<TInt32> slots = tf.stridedSlice(shape, Indices.at(1));
    // Influences and gathered features have κ rows for a centre, what they are summed to has m_q.
    Operand<TInt32> largest =
        tf.math.mul(
            tf.math.maximum(slots, tf.constant(kernelPoints)),
            tf.constant(Math.toIntExact(Math.max(kernelPoints, features))));
    boolean forGpu = Gpu.isPresent();
    return Operands.floats(
        new RowTiles(count, new TileSize(false, forGpu).of(tf, count, largest), forGpu, QUEUE)
            .map(
                tf,
                "kernel_points",
                ofCentres,
                ofAll,
                Map.of("y", new RowTiles.Result(TFloat32.class, tf.constant(outputs), outputs)),
                (inside, tile) -> Map.of("y", ofTile(inside, tile)))
            .get("y"));
  }

  private Operand<TFloat32> ofTile(Ops tf, Map<String, Operand<?>> tile) {
    Operand<TInt32> rows = Operands.integers(tile.get("neighbours"));
    Operand<TFloat32> offsets =
        Neighbourhood.offsets(
            tf, Operands.floats(tile.get("points")), Operands.floats(tile.get("centres")), rows);
    Map<String, Operand<TFloat32>> kernel = new LinkedHashMap<>();
    kernel().keySet().forEach(name -> kernel.put(name, Operands.floats(tile.get(name))));
    return combine(
        tf,
        influence(tf, offsets, kernel.get("Q")),
        tf.gather(Operands.floats(tile.get("features")), rows, tf.constant(0)),
        kernel);
  }

  /** Q and the {@linkplain KernelLayer#kernelWeights() weights of the kernel} by name. */
  private Map<String, Operand<TFloat32>> kernel() {
    Map<String, Operand<TFloat32>> kernel = new LinkedHashMap<>();
    kernel.put("Q", weight("Q"));
    kernelWeights().forEach(name -> kernel.put(name, weight(name)));
    return kernel;
  }

  /** The names of the weights besides Q. */
  public abstract List<String> kernelWeights();

  /**
   * Sums what the neighbours contribute.
   *
   * @param tf the operations of the graph that is added to
   * @param h influences (P, κ, m_q)
   * @param f the neighbours' features (P, κ, D)
   * @param kernel the layer's weights by name, in that graph
   * @return (P, Dout)
   */
  abstract Operand<TFloat32> combine(
      Ops tf, Operand<TFloat32> h, Operand<TFloat32> f, Map<String, Operand<TFloat32>> kernel);
}
