package io.github.kpconvx.inference;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.Fixtures;
import io.github.kpconvx.golden.GoldenComparison;
import io.github.kpconvx.golden.Tolerance;
import io.github.kpconvx.keras.file.StoredModel;
import io.github.kpconvx.keras.weights.WeightStore;
import io.github.kpconvx.layer.Gradients;
import io.github.kpconvx.layer.KernelPoints;
import io.github.kpconvx.layer.LayerVariable;
import io.github.kpconvx.layer.Mode;
import io.github.kpconvx.layer.Operands;
import io.github.kpconvx.network.Network;
import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.tensor.Tensors;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/**
 * Keras's own layers and operations: outputs, gradients, losses and moving statistics against what
 * each version of Keras computed.
 */
class CoreModelsTest {
  /** Stays below 1e-5·max(1, |golden|). */
  private static final Tolerance TOLERANCE = new Tolerance(5e-6, 5e-6);

  private static final double GRADIENT_TOLERANCE = 1e-4;

  static Stream<Path> newest() {
    return CoreModels.newest();
  }

  static Stream<Path> older() {
    return CoreModels.older();
  }

  /** Layers that are not points' have no compiled form. */
  @ParameterizedTest
  @MethodSource("newest")
  void answersAsKeras(Path file) {
    if (!CoreModels.isOfTraining(file)) {
      compareAnswers(file, Engine.PLAIN);
      compareAnswers(file, Engine.FOLDED);
    }
  }

  @ParameterizedTest
  @MethodSource("older")
  @Tag(Fixtures.FULL)
  void answersAsOlderKeras(Path file) {
    answersAsKeras(file);
  }

  private static void compareAnswers(Path file, Engine engine) {
    Map<String, NpyArray> golden = CoreModels.outputs(CoreModels.golden(file));
    try (Model model = KPConvX.loader(file).withEngine(engine).load()) {
      assertEquals(engine, model.engine());
      assertEquals(golden.keySet(), model.outputs().keySet());
      Map<String, NpyArray> found = model.predictArrays(CoreModels.inputs(file), golden.keySet());
      golden.forEach((name, y) -> assertEquals(y.type(), found.get(name).type(), name));
      GoldenComparison compared = GoldenComparison.of(golden, found, TOLERANCE);
      assertTrue(compared.agrees(), () -> engine + ": " + compared.describe());
    }
  }

  @ParameterizedTest
  @MethodSource("newest")
  void gradientsLossesAndUpdatesAreKerass(Path file) {
    Map<String, NpyArray> golden = CoreModels.golden(file);
    try (StoredModel stored = StoredModel.open(file);
        WeightStore weights = stored.weights();
        Graph graph = new Graph();
        Session session = new Session(graph)) {
      Ops tf = Ops.create(graph);
      Network network = Network.of(stored.config().orElseThrow(), StandardLayers.registry());
      Network.Built built =
          network.build(tf, CoreModels.isOfTraining(file) ? Mode.TRAINING : Mode.TRAINING_FIXED);
      network.loadWeights(network.match(weights), session, KernelPoints.fromFileOnly());
      new Step(tf, network, built, session, golden, CoreModels.inputs(file)).compare();
    }
  }

  @ParameterizedTest
  @MethodSource("older")
  @Tag(Fixtures.FULL)
  void gradientsLossesAndUpdatesAreOlderKerass(Path file) {
    gradientsLossesAndUpdatesAreKerass(file);
  }

  /** One evaluation of a network in training. */
  private record Step(
      Ops tf,
      Network network,
      Network.Built built,
      Session session,
      Map<String, NpyArray> golden,
      Map<String, NpyArray> inputs) {

    void compare() {
      Map<String, NpyArray> expected = new LinkedHashMap<>(CoreModels.outputs(golden));
      Map<String, Operand<?>> wanted = new LinkedHashMap<>();
      expected.keySet().forEach(name -> wanted.put(name, built.outputs().get(name)));
      CoreModels.under("gradient/", golden)
          .forEach((name, gradient) -> expected.put("gradient/" + name, gradient));
      wanted.putAll(gradients());
      List<String> losses = List.copyOf(network.regularizationLosses(tf).keySet());
      network.regularizationLosses(tf).forEach((name, loss) -> wanted.put("loss/" + name, loss));
      Map<String, NpyArray> found = run(wanted);
      expected.forEach(
          (name, y) ->
              compare(
                  name,
                  y,
                  found.get(name),
                  name.startsWith("gradient/") ? GRADIENT_TOLERANCE : 1e-5));
      double[] added =
          losses.stream().mapToDouble(name -> found.get("loss/" + name).toDoubles()[0]).toArray();
      double[] kerass = golden.get("losses").toDoubles();
      assertEquals(
          Arrays.stream(kerass).sum(),
          Arrays.stream(added).sum(),
          1e-5 * Math.max(1, Arrays.stream(kerass).sum()),
          losses.toString());
      assertEquals(kerass.length, added.length, losses.toString());
      compareUpdates();
    }

    /** By the name of the input, and for weights by that of the golden weight of equal value. */
    private Map<String, Operand<?>> gradients() {
      Operand<TFloat32> sum = tf.constant(0f);
      for (Map.Entry<String, NpyArray> cotangent :
          CoreModels.under("cotangent_", golden).entrySet()) {
        Operand<TFloat32> y =
            tf.dtypes.cast(built.outputs().get("output_" + cotangent.getKey()), TFloat32.class);
        int[] axes = IntStream.range(0, y.shape().numDimensions()).toArray();
        NpyArray values = cotangent.getValue();
        Operand<TFloat32> factor =
            tf.reshape(tf.constant(values.toFloats()), tf.constant(values.shape()));
        sum = tf.math.add(sum, tf.reduceSum(tf.math.mul(y, factor), tf.constant(axes)));
      }
      Map<String, Operand<TFloat32>> asked = new LinkedHashMap<>();
      for (String name : CoreModels.under("gradient/", golden).keySet()) {
        asked.put(
            name,
            name.startsWith("weight_")
                ? weight(golden.get(name)).value()
                : Operands.floats(built.inputs().get(name)));
      }
      Map<String, Operand<?>> wanted = new LinkedHashMap<>();
      List<Operand<TFloat32>> found = Gradients.of(tf, sum, List.copyOf(asked.values()));
      int next = 0;
      for (String name : asked.keySet()) {
        wanted.put("gradient/" + name, found.get(next++));
      }
      long kept = CoreModels.under("weight_", golden).size();
      assertTrue(kept == 0 || kept == network.trainableVariables().size(), "trainable weights");
      return wanted;
    }

    private LayerVariable weight(NpyArray value) {
      for (LayerVariable variable : network.trainableVariables().values()) {
        try (TFloat32 found = variable.read(session)) {
          if (Arrays.equals(found.shape().asArray(), value.shape())
              && Arrays.equals(Tensors.toArray(found).toFloats(), value.toFloats())) {
            return variable;
          }
        }
      }
      throw new AssertionError("No weight has the value " + value);
    }

    private Map<String, NpyArray> run(Map<String, Operand<?>> wanted) {
      return Tensors.with(
          inputs,
          tensors -> {
            Session.Runner runner = session.runner();
            built.inputs().forEach((name, input) -> runner.feed(input, tensors.get(name)));
            wanted.values().forEach(runner::fetch);
            Map<String, NpyArray> found = new HashMap<>();
            try (Result results = runner.run()) {
              int next = 0;
              for (String name : wanted.keySet()) {
                found.put(name, Tensors.toArray(results.get(next++)));
              }
            }
            return found;
          });
    }

    private void compareUpdates() {
      Map<String, NpyArray> updated = CoreModels.under("updated/weight_", golden);
      if (updated.isEmpty()) {
        return;
      }
      Tensors.with(
          inputs,
          tensors -> {
            Session.Runner runner = session.runner();
            built.inputs().forEach((name, input) -> runner.feed(input, tensors.get(name)));
            for (Op update : network.updates()) {
              runner.addTarget(update);
            }
            runner.run().close();
            return null;
          });
      List<LayerVariable> kept =
          network.variables().values().stream()
              .filter(weight -> !network.trainableVariables().containsValue(weight))
              .toList();
      assertEquals(updated.size(), kept.size());
      for (int i = 0; i < kept.size(); i++) {
        try (TFloat32 value = kept.get(i).read(session)) {
          compare(
              "updated/weight_" + i,
              updated.get(Integer.toString(i)),
              Tensors.toArray(value),
              1e-5);
        }
      }
    }

    private static void compare(String name, NpyArray golden, NpyArray found, double tolerance) {
      assertArrayEquals(golden.shape(), found.shape(), name);
      if (!golden.type().isFloat()) {
        assertEquals(golden.bytes(), found.bytes(), name);
        return;
      }
      double[] expected = golden.toDoubles();
      double[] actual = found.toDoubles();
      double largest =
          Math.max(
              1, Arrays.stream(expected).map(Math::abs).filter(Double::isFinite).max().orElse(1));
      for (int i = 0; i < expected.length; i++) {
        assertEquals(expected[i], actual[i], tolerance * largest, name + " at " + i);
      }
    }
  }
}
