package io.github.kpconvx.layer.vl3d;

import io.github.kpconvx.layer.CallContext;
import io.github.kpconvx.layer.Gradients;
import io.github.kpconvx.layer.LayerVariable;
import io.github.kpconvx.layer.Mode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TNumber;

/** A layer in a graph of its own, ready to be run on point sets. */
final class BuiltLayer implements AutoCloseable {
  private final LayerSetup setup;
  private final Graph graph = new Graph();
  private final Session session = new Session(graph);
  private final Ops tf = Ops.create(graph);
  private final KPConvXLayer layer;
  private final Operand<TFloat32> x;
  private final Operand<TFloat32> f;
  private final Operand<? extends TNumber> n;
  private final Map<String, LayerVariable> variables = new LinkedHashMap<>();
  private final Map<String, Operand<TFloat32>> newValues = new HashMap<>();
  private final Op assign;
  private final Map<Mode, Map<String, Operand<?>>> calls = new HashMap<>();
  private final Map<Mode, Slopes> slopes = new HashMap<>();

  /**
   * What a run gave.
   *
   * @param nearest the stage k
   * @param values the other stages and {@code output}, by name
   */
  @SuppressWarnings("ArrayRecordComponent") // Never compared.
  record Run(int[] nearest, Map<String, float[]> values) {
    float[] output() {
      return values.get("output");
    }
  }

  /** The gradients of the sum of all outputs times a factor for each. */
  private record Slopes(Operand<TFloat32> factors, Map<String, Operand<TFloat32>> gradients) {}

  BuiltLayer(LayerSetup setup) {
    this.setup = setup;
    layer = setup.layer();
    layer.build(tf, setup.features());
    x = tf.placeholder(TFloat32.class, Placeholder.shape(Shape.of(-1, -1, 3)));
    f = tf.placeholder(TFloat32.class, Placeholder.shape(Shape.of(-1, -1, setup.features())));
    Shape any = Shape.of(-1, -1, -1);
    n =
        setup.wide()
            ? tf.placeholder(TInt64.class, Placeholder.shape(any))
            : tf.placeholder(TInt32.class, Placeholder.shape(any));
    List<Op> assignments = new ArrayList<>();
    layer
        .variables()
        .forEach(
            (qualified, variable) -> {
              String name = qualified.substring(layer.name().length() + 1);
              Operand<TFloat32> value = tf.placeholder(TFloat32.class);
              variables.put(name, variable);
              newValues.put(name, value);
              assignments.add(tf.assign(variable.variable(), value));
            });
    assign = tf.withControlDependencies(assignments).noOp();
  }

  /** Values for all weights, by their names in the layer. */
  Map<String, float[]> drawWeights(PointSet.Draw draw) {
    double[][] ofTheShells = layer.config().shells().points();
    float[] kernelPoints = draw.kernelPoints(ofTheShells, setup.deformable());
    Map<String, float[]> drawn = new LinkedHashMap<>();
    variables.forEach(
        (name, variable) -> {
          Random random = new Random(draw.seed() ^ name.hashCode());
          Shape shape = variable.spec().shape();
          float[] values = new float[(int) shape.size()];
          for (int i = 0; i < values.length; i++) {
            values[i] = (float) draw(name, shape, random.nextGaussian());
          }
          drawn.put(name, name.equals("Q") ? kernelPoints : values);
        });
    return drawn;
  }

  private static double draw(String name, Shape shape, double normal) {
    return switch (name.substring(name.lastIndexOf('/') + 1)) {
      case "W" -> normal;
      case "Phi", "Psi", "Atilde", "Ahat" -> normal / Math.sqrt((double) shape.get(1));
      case "gamma" -> 1 + 0.3 * normal;
      case "moving_variance" -> 0.2 + Math.abs(normal);
      default -> 0.3 * normal;
    };
  }

  /**
   * Gives all weights their values in one run: the first run of each kind is the one that costs.
   */
  void assign(Map<String, float[]> weights) {
    if (!weights.keySet().equals(variables.keySet())) {
      throw new AssertionError(weights.keySet() + " are not " + variables.keySet());
    }
    Session.Runner runner = session.runner().addTarget(assign);
    List<Tensor> feeds = new ArrayList<>();
    try {
      weights.forEach(
          (name, values) -> {
            TFloat32 value = floats(variables.get(name).spec().shape().asArray(), values);
            feeds.add(value);
            runner.feed(newValues.get(name), value);
          });
      runner.run().close();
    } finally {
      feeds.forEach(Tensor::close);
    }
  }

  /** The present values of all weights, by their names in the layer. */
  Map<String, float[]> weights() {
    Session.Runner runner = session.runner();
    variables.values().forEach(variable -> runner.fetch(variable.value()));
    Map<String, float[]> weights = new LinkedHashMap<>();
    try (Result result = runner.run()) {
      for (String name : variables.keySet()) {
        weights.put(name, floats((TFloat32) result.get(weights.size())));
      }
    }
    return weights;
  }

  Run run(PointSet points, Mode mode) {
    return run(points, stages(mode), Map.of(), List.of());
  }

  /** As {@link #run} in training mode, and the moving statistics move. */
  Run step(PointSet points) {
    Map<String, Operand<?>> stages = stages(Mode.TRAINING);
    return run(points, stages, Map.of(), layer.updates());
  }

  /**
   * As {@link #run}, and as {@code gradient/…} the gradients, of the sum of all outputs times a
   * factor for each, with respect to the inputs X and F and all weights but moving statistics.
   */
  Run differentiate(PointSet points, Mode mode, float[] factors) {
    Map<String, Operand<?>> fetches = new LinkedHashMap<>(stages(mode));
    Slopes found = slopes.computeIfAbsent(mode, this::slopes);
    found.gradients().forEach((name, gradient) -> fetches.put("gradient/" + name, gradient));
    return run(points, fetches, Map.of(found.factors(), factors), List.of());
  }

  private Slopes slopes(Mode mode) {
    @SuppressWarnings("unchecked") // The layer's output.
    Operand<TFloat32> output = (Operand<TFloat32>) stages(mode).get("output");
    Operand<TFloat32> factors = tf.placeholder(TFloat32.class, Placeholder.shape(output.shape()));
    Operand<TFloat32> sum =
        tf.reduceSum(tf.math.mul(output, factors), tf.constant(new int[] {0, 1, 2}));
    Map<String, Operand<TFloat32>> operands = new LinkedHashMap<>();
    operands.put("X", x);
    operands.put("F", f);
    variables.forEach((name, variable) -> operands.put(name, variable.value()));
    operands.keySet().removeIf(name -> name.contains("moving_"));
    List<Operand<TFloat32>> gradients = Gradients.of(tf, sum, List.copyOf(operands.values()));
    Map<String, Operand<TFloat32>> named = new LinkedHashMap<>();
    operands.keySet().forEach(name -> named.put(name, gradients.get(named.size())));
    return new Slopes(factors, named);
  }

  private Map<String, Operand<?>> stages(Mode mode) {
    return calls.computeIfAbsent(
        mode,
        m -> {
          Map<String, Operand<?>> stages = new LinkedHashMap<>();
          CallContext context = CallContext.of(m).withStages(stages::put);
          stages.put("output", layer.call(tf, List.of(x, f, n), context));
          return stages;
        });
  }

  private Run run(
      PointSet points,
      Map<String, Operand<?>> fetches,
      Map<Operand<TFloat32>, float[]> moreFeeds,
      List<Op> targets) {
    long[] ofX = {points.batch(), points.points(), 3};
    long[] ofF = {points.batch(), points.points(), setup.features()};
    Map<Operand<?>, Tensor> feeds = new HashMap<>();
    try {
      feeds.put(x, floats(ofX, points.x()));
      feeds.put(f, floats(ofF, points.f()));
      feeds.put(n, neighbours(points));
      moreFeeds.forEach((operand, values) -> feeds.put(operand, floats(ofF, values)));
      Session.Runner runner = session.runner();
      feeds.forEach(runner::feed);
      fetches.values().forEach(runner::fetch);
      targets.forEach(runner::addTarget);
      try (Result result = runner.run()) {
        int[] nearest = null;
        Map<String, float[]> values = new LinkedHashMap<>();
        int i = 0;
        for (String name : fetches.keySet()) {
          Tensor tensor = result.get(i++);
          if (name.equals("k")) {
            nearest = ints((TInt32) tensor);
          } else {
            values.put(name, floats((TFloat32) tensor));
          }
        }
        return new Run(nearest, values);
      }
    } finally {
      feeds.values().forEach(Tensor::close);
    }
  }

  private Tensor neighbours(PointSet points) {
    Shape shape = Shape.of(points.batch(), points.points(), points.slots());
    long[] indices = points.n();
    return setup.wide()
        ? TInt64.tensorOf(shape, DataBuffers.of(indices))
        : TInt32.tensorOf(
            shape,
            DataBuffers.of(
                IntStream.range(0, indices.length).map(i -> (int) indices[i]).toArray()));
  }

  private static TFloat32 floats(long[] shape, float[] values) {
    return TFloat32.tensorOf(Shape.of(shape), DataBuffers.of(values));
  }

  private static float[] floats(TFloat32 tensor) {
    float[] values = new float[(int) tensor.size()];
    tensor.copyTo(DataBuffers.of(values));
    return values;
  }

  private static int[] ints(TInt32 tensor) {
    int[] values = new int[(int) tensor.size()];
    tensor.copyTo(DataBuffers.of(values));
    return values;
  }

  @Override
  public void close() {
    session.close();
    graph.close();
  }
}
