package io.github.kpconvx.layer.vl3d;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.dtype.DType;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.weights.LayerSpec;
import io.github.kpconvx.keras.weights.WeightSpec;
import io.github.kpconvx.keras.weights.WeightStore;
import io.github.kpconvx.layer.CallContext;
import io.github.kpconvx.layer.Formulation;
import io.github.kpconvx.layer.InputSpec;
import io.github.kpconvx.layer.KernelPoints;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.LayerCall;
import io.github.kpconvx.layer.Mode;
import io.github.kpconvx.layer.RandomDrop;
import io.github.kpconvx.layer.Stages;
import io.github.kpconvx.layer.StandaloneLayer;
import io.github.kpconvx.layer.WeightLoader;
import io.github.kpconvx.layer.WeightRules;
import io.github.kpconvx.layer.core.BatchNormalization;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.LongStream;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.index.Indices;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TNumber;

/**
 * Kernel point convolution with attention, the port of VL3D's Keras layer of the same name.
 *
 * <p>Inputs are X of shape (B, R, 3), the coordinates of R points; F of shape (B, R, D), their
 * features, both float32; and N of shape (B, R, κ), int32 or int64, where {@code N[b,i,:]} are the
 * indices of point i's neighbours among the R points of element b. The output has the shape of F.
 * B, R and κ may differ from call to call; D is fixed when the layer is built. For each neighbour
 * slot j of point i, with kernel points Q,
 *
 * <pre>{@code
 * y_j = X[N[i,j]] − X[i]
 * k_j = argmin_k ‖y_j − Q_k‖²
 * h_j = max(0, 1 − ‖y_j − Q_{k_j}‖ / sigma)
 * }</pre>
 *
 * and for each block, with A the sigmoid of a two-layer perceptron of F[i], one row for each kernel
 * point and one column for each group of channels,
 *
 * <pre>{@code
 * f_c = Σ_j h_j · A[k_j, ⌊c/groups⌋] · W[k_j, c] · F[N[i,j], c]
 * u   = act(BN_htilde(f·Atilde + btilde))
 * v   = act(BN_hhat(u·Ahat + bhat))
 * F[i] ← F[i] + v
 * }</pre>
 *
 * <p>Stages, by name: {@code k} (B, R, κ) int32; {@code h} (B, R, κ); for each block t {@code
 * block_t/A} (B, R, m_q, D/groups), {@code block_t/f} (B, R, D), {@code block_t/u} (B, R, DH),
 * {@code block_t/v} and {@code block_t/F} (B, R, D).
 *
 * <p>When the graph runs, disagreeing shapes, a coordinate that is not finite, and a neighbour
 * index outside [0, R) with its place end the run with TensorFlow's invalid-argument error, on
 * every device.
 *
 * <pre>{@code
 * var layer = KPConvXLayer.builder().blocks(2).hiddenChannels(256).build();
 * layer.build(tf, 64);
 * Operand<TFloat32> y = layer.call(tf, x, f, n, Mode.INFERENCE);
 * try (StoredModel storeFile = StoredModel.open(path);
 * WeightStore store = storeFile.weights()) {
 *   layer.loadWeights(store, session);
 * }
 * }</pre>
 *
 * @see <a href="https://doi.org/10.48550/arXiv.2405.13194">KPConvX: Modernizing Kernel Point
 *     Convolution with Kernel Attention</a>
 */
public final class KPConvXLayer extends Layer implements StandaloneLayer, KernelLayer {
  /** The Keras class name, whatever package it is registered under. */
  public static final String CLASS_NAME = "KPConvXLayer";

  private final KPConvXConfig config;
  private long featureDim;
  private final Map<String, List<BatchNormalization>> normalizations = new LinkedHashMap<>();

  /**
   * Reads a serialized layer.
   *
   * @param object the serialized layer
   * @throws KerasException if a key is unknown or a value is not allowed
   */
  public KPConvXLayer(KerasObject object) {
    super(object);
    this.config = KPConvXConfig.of(object);
    addNormalizations("bn_phi", config.bnPhi());
    addNormalizations("bn_htilde", config.bnHtilde());
    addNormalizations("bn_hhat", config.bnHhat());
  }

  /**
   * Reads a layer from JSON: a configuration, as {@code get_config()} gives it, or a whole
   * serialized layer.
   *
   * @param json the JSON text
   * @return the layer
   * @throws KerasException if the text is neither, a key is unknown or a value is not allowed
   */
  public static KPConvXLayer fromConfig(String json) {
    JsonNode node = KerasObject.parseJson(json);
    if (KerasObject.isKerasObject(node)) {
      return new KPConvXLayer(KerasObject.of(node));
    }
    if (!(node instanceof ObjectNode configuration)) {
      throw new KerasException(
          "Expected the configuration of a " + CLASS_NAME + ", a JSON object, found " + node);
    }
    return new KPConvXLayer(ofPythonClass(configuration));
  }

  /**
   * Starts a configuration from Keras's defaults.
   *
   * @return a builder
   */
  public static Builder builder() {
    return new Builder();
  }

  private static KerasObject ofPythonClass(ObjectNode configuration) {
    return KerasObject.of(
        "kpconvx_compat.layer", CLASS_NAME, "kpconvx>" + CLASS_NAME, configuration);
  }

  /**
   * The layer's arguments.
   *
   * @return the arguments
   */
  public KPConvXConfig config() {
    return config;
  }

  @Override
  public List<String> kernelWeights() {
    return List.of("W");
  }

  /**
   * Creates the weights for a feature dimension.
   *
   * @param tf the operations of the graph that is added to
   * @param featureDim D, the number of features of each point
   * @throws KerasException if {@code groups} does not divide it
   * @throws IllegalStateException if it was built before
   */
  public void build(Ops tf, int featureDim) {
    long any = Shape.UNKNOWN_SIZE;
    build(
        tf,
        List.of(Shape.of(any, any, 3), Shape.of(any, any, featureDim), Shape.of(any, any, any)));
  }

  /**
   * Adds the layer to a graph.
   *
   * @param tf the operations of the graph that is added to
   * @param x coordinates (B, R, 3)
   * @param f features (B, R, D)
   * @param n neighbour indices (B, R, κ), int32 or int64
   * @param mode whether to train
   * @return the new features (B, R, D)
   * @throws KerasException if an input's rank, type or known dimension does not fit
   */
  public Operand<TFloat32> call(
      Ops tf, Operand<TFloat32> x, Operand<TFloat32> f, Operand<? extends TNumber> n, Mode mode) {
    return call(tf, List.of(x, f, n), mode);
  }

  /**
   * Loads the weights from a file that holds this layer and no other with weights.
   *
   * @param store the file
   * @param session a session over the layer's graph
   * @throws KerasException if a weight is missing, surplus or of another shape, or the kernel
   *     points are not in the file
   */
  public void loadWeights(WeightStore store, Session session) {
    loadWeights(store, session, KernelPoints.fromFileOnly());
  }

  /**
   * Loads the weights from a file that holds this layer and no other with weights.
   *
   * @param store the file
   * @param session a session over the layer's graph
   * @param kernelPoints where Q comes from if the file does not hold it
   * @throws KerasException if a weight is missing, surplus or of another shape, or there are no
   *     kernel points
   */
  public void loadWeights(WeightStore store, Session session, KernelPoints kernelPoints) {
    boolean alone = store.weights().stream().anyMatch(weight -> weight.path().startsWith("vars/"));
    LayerSpec expected = alone ? spec() : LayerSpec.network("Functional", List.of(spec()));
    WeightLoader.load(List.of(this), store.match(expected), kernelPoints, session);
  }

  /** D, which the configuration does not tell, is that of a weight W of shape (blocks, m_q, D). */
  @Override
  public List<InputSpec> inputs(Collection<Shape> weights) {
    long d =
        weights.stream()
            .filter(
                shape ->
                    shape.numDimensions() == 3
                        && shape.get(0) == config.blocks()
                        && shape.get(1) == config.kernelPoints())
            .mapToLong(shape -> shape.get(2))
            .findFirst()
            .orElseThrow(
                () ->
                    new KerasException(
                        "%s: there is no weight W of shape (%d, %d, D), which its blocks and shell_points ask for, among those of shapes %s"
                            .formatted(
                                describe(), config.blocks(), config.kernelPoints(), weights)));
    long any = Shape.UNKNOWN_SIZE;
    return List.of(
        new InputSpec("X", Shape.of(any, any, 3), TFloat32.class),
        new InputSpec("F", Shape.of(any, any, d), TFloat32.class),
        new InputSpec("N", Shape.of(any, any, any), TInt32.class));
  }

  @Override
  protected void createWeights(Ops tf, List<Shape> inputs) {
    checkShapes(inputs);
    Shape features = inputs.get(1);
    featureDim = features.get(2);
    if (featureDim == Shape.UNKNOWN_SIZE) {
      throw new KerasException(
          describe() + ": the feature dimension D is unknown; F has shape " + features);
    }
    if (featureDim % config.groups() != 0) {
      throw new KerasException(
          describe()
              + ": groups = "
              + config.groups()
              + " does not divide the feature dimension D = "
              + featureDim
              + "; choose a divisor of "
              + featureDim);
    }
    long points = config.kernelPoints();
    long hidden = config.hiddenChannels();
    long modulations = points * featureDim / config.groups();
    addWeight(
        tf,
        new WeightSpec("Q", Shape.of(points, 3), config.deformable(), true),
        WeightRules.startingAt(config.shells()));
    addBlockWeight(tf, "W", points, featureDim);
    addBlockWeight(tf, "Phi", featureDim, featureDim);
    addBlockWeight(tf, "phi", featureDim);
    addBlockWeight(tf, "Psi", featureDim, modulations);
    addBlockWeight(tf, "psi", modulations);
    addBlockWeight(tf, "Atilde", featureDim, hidden);
    addBlockWeight(tf, "btilde", hidden);
    addBlockWeight(tf, "Ahat", hidden, featureDim);
    addBlockWeight(tf, "bhat", featureDim);
    buildNormalizations(tf, "bn_phi", featureDim);
    buildNormalizations(tf, "bn_htilde", hidden);
    buildNormalizations(tf, "bn_hhat", featureDim);
  }

  /** Adds a weight that holds one tensor of the given shape for each block. */
  private void addBlockWeight(Ops tf, String weight, long... shape) {
    long[] all = LongStream.concat(LongStream.of(config.blocks()), LongStream.of(shape)).toArray();
    addWeight(tf, WeightSpec.of(weight, true, all), config.weightRules());
  }

  private void addNormalizations(String attribute, Optional<List<KerasObject>> given) {
    List<BatchNormalization> layers = new ArrayList<>();
    for (int t = 0; t < config.blocks(); t++) {
      layers.add(
          given.isPresent()
              ? new BatchNormalization(given.get().get(t))
              : BatchNormalization.withMomentum(attribute + "_" + t, config.bnMomentum()));
    }
    normalizations.put(attribute, layers);
    addSublayers(attribute, layers);
  }

  private void buildNormalizations(Ops tf, String attribute, long channels) {
    long any = Shape.UNKNOWN_SIZE;
    for (int t = 0; t < config.blocks(); t++) {
      normalization(attribute, t).build(tf, List.of(Shape.of(any, any, channels)));
    }
  }

  /** The normalization of block t, of {@code bn_phi}, {@code bn_htilde} or {@code bn_hhat}. */
  BatchNormalization normalization(String attribute, int t) {
    return normalizations.get(attribute).get(t);
  }

  /** X, F and N, checked. */
  private record Inputs(Operand<TFloat32> x, Operand<TFloat32> f, Operand<? extends TNumber> n) {}

  @SuppressWarnings("unchecked") // The types are compared before the casts.
  private Inputs inputs(LayerCall call) {
    List<Operand<?>> inputs = call.inputs();
    if (inputs.size() != 3) {
      throw new KerasException(
          describe() + " takes three inputs, X, F and N; got " + inputs.size());
    }
    checkShapes(inputs.stream().map(Operand::shape).toList());
    Operand<?> n = inputs.get(2);
    if (!n.type().equals(TInt32.class) && !n.type().equals(TInt64.class)) {
      throw new KerasException(
          describe() + ": N is " + DType.of(n.type()) + ", expected int32 or int64");
    }
    return new Inputs(
        floats(inputs.get(0), "X"), floats(inputs.get(1), "F"), (Operand<? extends TNumber>) n);
  }

  @Override
  protected List<Operand<?>> compute(Ops tf, LayerCall call) {
    Inputs inputs = inputs(call);
    return List.of(compute(tf, inputs.x(), inputs.f(), inputs.n(), call.context()));
  }

  @Override
  protected List<Operand<?>> computeOutline(Ops tf, LayerCall call) {
    Inputs inputs = inputs(call);
    Operand<TFloat32> f = inputs.f();
    Shape n = inputs.n().shape();
    Stages stages = call.context().stages();
    long any = Shape.UNKNOWN_SIZE;
    Shape features = f.shape().isUnknown() ? Shape.of(any, any, featureDim) : f.shape();
    Shape attention =
        features.take(2).append(config.kernelPoints()).append(featureDim / config.groups());
    Shape hidden = features.take(2).append(config.hiddenChannels());
    stages.record("k", outline(tf, TInt32.class, n));
    stages.record("h", outline(tf, TFloat32.class, n));
    for (int t = 0; t < config.blocks(); t++) {
      String prefix = "block_" + t + "/";
      stages.record(prefix + "A", outline(tf, TFloat32.class, attention));
      stages.record(prefix + "f", outline(tf, TFloat32.class, features));
      stages.record(prefix + "u", outline(tf, TFloat32.class, hidden));
      stages.record(prefix + "v", outline(tf, TFloat32.class, features));
      stages.record(prefix + "F", outline(tf, TFloat32.class, features));
    }
    return List.of(outline(tf, TFloat32.class, features));
  }

  private static <T extends TNumber> Operand<T> outline(Ops tf, Class<T> type, Shape shape) {
    return tf.placeholder(type, Placeholder.shape(shape));
  }

  @Override
  protected List<Operand<?>> computeFrozen(Ops tf, LayerCall call) {
    Inputs inputs = inputs(call);
    CallContext context = call.context();
    if (!isFrozen()) {
      throw new IllegalStateException(
          describe() + ": " + context.formulation() + " is for frozen layers: call freeze first");
    }
    if (context.formulation() == Formulation.COMPILED
        && inputs.n().shape().get(2) == Shape.UNKNOWN_SIZE) {
      throw new IllegalStateException(
          describe() + ": COMPILED needs to know κ; N has shape " + inputs.n().shape());
    }
    return List.of(
        new FrozenKPConvX(this, featureDim, context).call(tf, inputs.x(), inputs.f(), inputs.n()));
  }

  private <T extends TNumber> Operand<TFloat32> compute(
      Ops tf, Operand<TFloat32> x, Operand<TFloat32> f, Operand<T> n, CallContext context) {
    Operand<T> checked = InputGuard.check(tf, x, f, n);
    Operand<TInt32> batchAndPoints = PointRows.batchAndPoints(tf, checked);
    Operand<T> neighbours = PointRows.neighbours(tf, checked);
    Geometry kernel =
        Geometry.of(tf, PointRows.matrix(tf, x, 3), neighbours, weight("Q"), config.sigma());
    Operand<TFloat32> features = PointRows.matrix(tf, f, featureDim);
    Stages stages = context.stages();
    stages.record("k", PointRows.restore(tf, kernel.nearest(), batchAndPoints));
    stages.record("h", PointRows.restore(tf, kernel.influence(), batchAndPoints));
    for (int t = 0; t < config.blocks(); t++) {
      features = block(tf, t, features, neighbours, kernel, batchAndPoints, context);
    }
    return PointRows.restore(tf, features, batchAndPoints);
  }

  private <T extends TNumber> Operand<TFloat32> block(
      Ops tf,
      int t,
      Operand<TFloat32> f,
      Operand<T> neighbours,
      Geometry kernel,
      Operand<TInt32> batchAndPoints,
      CallContext context) {
    int points = config.kernelPoints();
    long groups = featureDim / config.groups();
    Operand<TFloat32> phi = perceptron(tf, f, "Phi", "phi", "bn_phi", t, context);
    Operand<TFloat32> a = tf.math.sigmoid(dense(tf, phi, "Psi", "psi", t));

    Operand<TFloat32> gathered =
        new Aggregation(featureDim, config.kernelPoints(), config.groups())
            .of(tf, slice(tf, "W", t), a, f, neighbours, kernel);
    Operand<TFloat32> u = perceptron(tf, gathered, "Atilde", "btilde", "bn_htilde", t, context);
    Operand<TFloat32> v = perceptron(tf, u, "Ahat", "bhat", "bn_hhat", t, context);
    Operand<TFloat32> output = tf.math.add(f, dropPath(tf, v, batchAndPoints, context));

    Stages stages = context.stages();
    String prefix = "block_" + t + "/";
    Operand<TFloat32> matrices = tf.reshape(a, tf.array(-1L, points, groups));
    stages.record(prefix + "A", PointRows.restore(tf, matrices, batchAndPoints));
    stages.record(prefix + "f", PointRows.restore(tf, gathered, batchAndPoints));
    stages.record(prefix + "u", PointRows.restore(tf, u, batchAndPoints));
    stages.record(prefix + "v", PointRows.restore(tf, v, batchAndPoints));
    stages.record(prefix + "F", PointRows.restore(tf, output, batchAndPoints));
    return output;
  }

  /** act(BN(x·kernel + bias)) of block t. */
  private Operand<TFloat32> perceptron(
      Ops tf,
      Operand<TFloat32> x,
      String kernel,
      String bias,
      String normalization,
      int t,
      CallContext context) {
    // Freezing the layer freezes the normalizations in it, as in Keras.
    CallContext own = trainable() ? context : context.fixed();
    Operand<TFloat32> normalized =
        normalization(normalization, t).call(tf, List.of(dense(tf, x, kernel, bias, t)), own);
    return config.activation().apply(tf, normalized);
  }

  /** Drops the residual branch of whole batch elements. */
  private Operand<TFloat32> dropPath(
      Ops tf, Operand<TFloat32> v, Operand<TInt32> batchAndPoints, CallContext context) {
    if (!context.training() || config.dropPath() == 0) {
      return v;
    }
    Operand<TInt32> batch = tf.stridedSlice(batchAndPoints, Indices.sliceTo(1));
    Operand<TInt32> perElement = tf.concat(List.of(batch, tf.array(1, 1)), tf.constant(0));
    Operand<TFloat32> dropped =
        RandomDrop.apply(
            tf,
            PointRows.restore(tf, v, batchAndPoints),
            perElement,
            config.dropPath(),
            context.random());
    return PointRows.matrix(tf, dropped, featureDim);
  }

  private Operand<TFloat32> dense(Ops tf, Operand<TFloat32> x, String kernel, String bias, int t) {
    return tf.nn.biasAdd(tf.linalg.matMul(x, slice(tf, kernel, t)), slice(tf, bias, t));
  }

  private Operand<TFloat32> slice(Ops tf, String weight, int t) {
    return tf.stridedSlice(weight(weight), Indices.at(t));
  }

  private void checkShapes(List<Shape> inputs) {
    if (inputs.size() != 3) {
      throw new KerasException(
          describe() + " takes three inputs, X, F and N; got " + inputs.size());
    }
    checkShape("X", inputs.get(0), "(B, R, 3)", 3);
    checkShape("F", inputs.get(1), "(B, R, D)", featureDim == 0 ? Shape.UNKNOWN_SIZE : featureDim);
    checkShape("N", inputs.get(2), "(B, R, κ)", Shape.UNKNOWN_SIZE);
  }

  private void checkShape(String input, Shape shape, String expected, long last) {
    if (shape.isUnknown()) {
      return;
    }
    boolean fits =
        shape.numDimensions() == 3
            && (last == Shape.UNKNOWN_SIZE
                || shape.get(2) == Shape.UNKNOWN_SIZE
                || shape.get(2) == last);
    if (!fits) {
      String bound = last == Shape.UNKNOWN_SIZE || input.equals("X") ? "" : " with D = " + last;
      throw new KerasException(
          describe() + ": " + input + " has shape " + shape + ", expected " + expected + bound);
    }
  }

  private String describe() {
    return serialize().describe();
  }

  /**
   * Builds a layer's configuration from Keras's defaults; wrong values are errors of {@link
   * #build()}.
   */
  public static final class Builder {
    private final ObjectNode json = KPConvXConfig.defaults();

    private Builder() {}

    /**
     * Names the layer.
     *
     * @param name its name
     * @return this
     */
    public Builder name(String name) {
      json.put("name", name);
      return this;
    }

    /**
     * Sets the number of blocks.
     *
     * @param blocks at least 1
     * @return this
     */
    public Builder blocks(int blocks) {
      json.put("blocks", blocks);
      return this;
    }

    /**
     * Sets the probability of dropping a block's residual branch while training.
     *
     * @param dropPath in [0, 1]
     * @return this
     */
    public Builder dropPath(double dropPath) {
      json.put("drop_path", dropPath);
      return this;
    }

    /**
     * Sets the influence distance.
     *
     * @param sigma greater than 0
     * @return this
     */
    public Builder sigma(double sigma) {
      json.put("sigma", sigma);
      return this;
    }

    /**
     * Sets the shells of kernel points.
     *
     * @param radii their radii, at least 0
     * @param points how many points each holds, at least 1; 1 where the radius is 0
     * @return this
     */
    public Builder shells(List<Double> radii, List<Integer> points) {
      ArrayNode ofRadii = json.putArray("shell_radii");
      radii.forEach(ofRadii::add);
      ArrayNode ofPoints = json.putArray("shell_points");
      points.forEach(ofPoints::add);
      return this;
    }

    /**
     * Sets the channels of the inverted bottleneck, Keras's {@code DH}.
     *
     * @param channels at least 1
     * @return this
     */
    public Builder hiddenChannels(int channels) {
      json.put("DH", channels);
      return this;
    }

    /**
     * Sets how many consecutive channels share one modulation value.
     *
     * @param groups at least 1, a divisor of the feature dimension
     * @return this
     */
    public Builder groups(int groups) {
      json.put("groups", groups);
      return this;
    }

    /**
     * Makes the kernel points trainable, or not.
     *
     * @param deformable whether they are
     * @return this
     */
    public Builder deformable(boolean deformable) {
      json.put("deformable", deformable);
      return this;
    }

    /**
     * Sets the momentum of the batch normalizations that the layer makes itself.
     *
     * @param momentum in [0, 1]
     * @return this
     */
    public Builder bnMomentum(double momentum) {
      json.put("bn_momentum", momentum);
      return this;
    }

    /**
     * Sets any other argument, in its Keras form.
     *
     * @param key the configuration key, such as {@code activation} or {@code bn_phi}
     * @param value the JSON value
     * @return this
     */
    public Builder set(String key, JsonNode value) {
      json.set(key, value);
      return this;
    }

    /**
     * Makes the layer.
     *
     * @return a layer yet to be built
     * @throws KerasException if a value is not allowed
     */
    public KPConvXLayer build() {
      return new KPConvXLayer(ofPythonClass(json));
    }
  }
}
