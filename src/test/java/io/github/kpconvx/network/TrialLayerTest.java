package io.github.kpconvx.network;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.inference.KPConvX;
import io.github.kpconvx.inference.Model;
import io.github.kpconvx.inference.StandardLayers;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.KernelPoints;
import io.github.kpconvx.layer.KernelPointsTarget;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.LayerCall;
import io.github.kpconvx.layer.Mode;
import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.tensor.Tensors;
import io.github.kpconvx.training.OptimizerSettings;
import io.github.kpconvx.training.TrainingStep;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;

/**
 * {@link GatherTrial} is added by its class and one line, and does all that a layer can, in a
 * network of ten inputs with four different R.
 */
class TrialLayerTest {
  private static final LayerRegistry LAYERS =
      StandardLayers.registry()
          .with("trial>GatherTrial", GatherTrial::new)
          .with("trial>Unmasked", Unmasked::new);

  private static final long[] R = {12, 7, 5, 3};

  /** How many elements count, by the mask that comes with the only input: (B), int32. */
  private static final class Unmasked extends Layer {
    private Unmasked(KerasObject object) {
      super(object);
    }

    @Override
    protected void createWeights(Ops tf, List<Shape> inputs) {}

    @Override
    protected List<Operand<?>> compute(Ops tf, LayerCall call) {
      return List.of(
          tf.reduceSum(tf.dtypes.cast(call.masks().get(0), TInt32.class), tf.constant(1)));
    }
  }

  private static String input(String name, String shape, String dtype) {
    return ("{'class_name': 'InputLayer', 'module': 'keras.layers', 'name': '%1$s', 'config':"
            + " {'name': '%1$s', 'batch_shape': %2$s, 'dtype': '%3$s'}, 'inbound_nodes': []}")
        .formatted(name, shape, dtype);
  }

  private static String tensor(String layer, int output) {
    return "{'class_name': '__keras_tensor__', 'config': {'keras_history': ['%s', 0, %d]}}"
        .formatted(layer, output);
  }

  private static String layer(String head, String name, String config, String args, String kwargs) {
    return "{%s, 'name': '%s', 'config': {'name': '%s'%s}, 'inbound_nodes': [{'args': [%s], 'kwargs': {%s}}]}"
        .formatted(head, name, name, config, args, kwargs);
  }

  private static final String TRIAL =
      "'class_name': 'GatherTrial', 'module': 'mine', 'registered_name': 'trial>GatherTrial'";
  private static final String DENSE = "'class_name': 'Dense', 'module': 'keras.layers'";

  private static KerasObject config(String kwargs) {
    String points = "[null, null, 3]";
    String one = "[null, null]";
    String layers =
        String.join(
            ", ",
            input("X_0", points, "float32"),
            input("F_0", "[null, null, 2]", "float32"),
            input("P_0", one, "int32"),
            input("C_0", one, "int64"),
            input("X_1", points, "float32"),
            input("F_1", "[null, null, 4]", "float32"),
            input("P_1", one, "int32"),
            input("C_1", one, "int64"),
            input("F_2", "[null, null, 5]", "float32"),
            input("F_3", "[null, null, 6]", "float32"),
            layer(
                TRIAL,
                "up_0",
                ", 'units': 4",
                String.join(
                    ", ", tensor("X_0", 0), tensor("F_1", 0), tensor("P_0", 0), tensor("C_0", 0)),
                kwargs),
            layer(
                TRIAL,
                "up_1",
                ", 'units': 4",
                "[%s]"
                    .formatted(
                        String.join(
                            ", ",
                            tensor("X_1", 0),
                            tensor("F_2", 0),
                            tensor("P_1", 0),
                            tensor("C_1", 0))),
                ""),
            layer(DENSE, "lift", ", 'units': 3", tensor("F_0", 0), ""),
            layer(DENSE, "deep", ", 'units': 4", tensor("F_3", 0), ""),
            layer(
                "'class_name': 'Unmasked', 'module': 'mine', 'registered_name': 'trial>Unmasked'",
                "unmasked",
                "",
                tensor("up_1", 0),
                ""),
            layer(
                "'class_name': 'Concatenate', 'module': 'keras.layers'",
                "join",
                ", 'axis': -1",
                "[%s, %s]".formatted(tensor("up_0", 0), tensor("lift", 0)),
                ""));
    String outputs =
        "{'points': ['join', 0, 0], 'none': ['up_0', 0, 1], 'coarse': ['up_1', 0, 0],"
            + " 'deep': ['deep', 0, 0], 'counted': ['unmasked', 0, 0]}";
    String inputs =
        String.join(
            ", ",
            List.of("X_0", "F_0", "P_0", "C_0", "X_1", "F_1", "P_1", "C_1", "F_2", "F_3").stream()
                .map(name -> "['" + name + "', 0, 0]")
                .toList());
    return KerasObject.parse(
        ("{'class_name': 'Functional', 'module': 'keras', 'config': {'name': 'trial', 'layers': ["
                + layers
                + "], 'input_layers': ["
                + inputs
                + "], 'output_layers': "
                + outputs
                + "}}")
            .replace('\'', '"'));
  }

  private static final KerasObject CONFIG = config("'scale': 2.5");

  private static NpyArray floats(SplittableRandom random, long... shape) {
    float[] values = new float[(int) Shape.of(shape).size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextDouble(-1, 1);
    }
    return NpyArray.of(values, shape);
  }

  private static Map<String, NpyArray> inputs() {
    SplittableRandom random = new SplittableRandom(7);
    Map<String, NpyArray> inputs = new LinkedHashMap<>();
    long[] channels = {2, 4, 5, 6};
    for (int depth = 0; depth < 4; depth++) {
      inputs.put("F_" + depth, floats(random, 2, R[depth], channels[depth]));
    }
    for (int depth = 0; depth < 2; depth++) {
      int points = (int) R[depth];
      inputs.put("X_" + depth, floats(random, 2, points, 3));
      int[] parents = random.ints(2L * points, 0, (int) R[depth + 1]).toArray();
      inputs.put("P_" + depth, NpyArray.of(parents, 2, points));
      long[] counts = random.longs(2L * points, 0, 3).toArray();
      inputs.put("C_" + depth, NpyArray.of(counts, 2, points));
    }
    return inputs;
  }

  /** A network in a graph, with values for its weights. */
  private static final class Built implements AutoCloseable {
    private final Graph graph = new Graph();
    private final Session session = new Session(graph);
    private final Network network = Network.of(CONFIG, LAYERS);
    private final Network.Built built = network.build(Ops.create(graph), Mode.TRAINING);

    private Built() {
      network.initialize(session, 3);
    }

    private Map<String, TFloat32> weights() {
      Map<String, TFloat32> values = new LinkedHashMap<>();
      network.variables().forEach((name, weight) -> values.put(name, weight.read(session)));
      return values;
    }

    @Override
    public void close() {
      session.close();
      graph.close();
    }
  }

  @Test
  void computesWhatItSays() {
    Map<String, NpyArray> inputs = inputs();
    try (Built trial = new Built()) {
      Map<String, TFloat32> weights = trial.weights();
      assertEquals(
          Set.of(
              "up_0/Q",
              "up_0/projection/kernel",
              "up_0/projection/bias",
              "up_1/Q",
              "up_1/projection/kernel",
              "up_1/projection/bias",
              "lift/kernel",
              "lift/bias",
              "deep/kernel",
              "deep/bias"),
          weights.keySet());
      Map<String, NpyArray> found = run(trial, inputs);
      assertArrayEquals(new long[] {2, R[0], 7}, found.get("points").shape());
      assertArrayEquals(new long[] {2, R[1], 4}, found.get("coarse").shape());
      assertArrayEquals(new long[] {2, R[3], 4}, found.get("deep").shape());
      TFloat32 kernel = weights.get("up_0/projection/kernel");
      TFloat32 q = weights.get("up_0/Q");
      float[] x = inputs.get("X_0").toFloats();
      float[] f = inputs.get("F_1").toFloats();
      int[] parents = inputs.get("P_0").toInts();
      long[] counts = inputs.get("C_0").toLongs();
      int[] none = new int[2];
      for (int b = 0; b < 2; b++) {
        for (int i = 0; i < R[0]; i++) {
          int point = b * (int) R[0] + i;
          int parent = b * (int) R[1] + parents[point];
          double along = 0;
          for (int k = 0; k < 5; k++) {
            for (int c = 0; c < 3; c++) {
              along += x[3 * point + c] * q.getFloat(k, c);
            }
          }
          for (int u = 0; u < 4; u++) {
            double sum = 0;
            for (int c = 0; c < 4; c++) {
              sum += f[4 * parent + c] * kernel.getFloat(c, u);
            }
            assertEquals(2.5 * sum + along, found.get("points").toFloats()[7 * point + u], 1e-5);
          }
          none[b] += counts[point] == 0 ? 1 : 0;
        }
      }
      assertArrayEquals(none, found.get("none").toInts());
      long unmasked = 0;
      for (long count : inputs.get("C_1").toLongs()) {
        unmasked += count == 0 ? 0 : 1;
      }
      int[] counted = found.get("counted").toInts();
      assertEquals(unmasked, counted[0] + counted[1]);
      weights.values().forEach(TFloat32::close);
    }
  }

  private static Map<String, NpyArray> run(Built trial, Map<String, NpyArray> inputs) {
    return Tensors.with(
        inputs,
        tensors -> {
          Session.Runner runner = trial.session.runner();
          tensors.forEach((name, tensor) -> runner.feed(trial.built.inputs().get(name), tensor));
          List<String> names = List.copyOf(trial.built.outputs().keySet());
          names.forEach(name -> runner.fetch(trial.built.outputs().get(name)));
          Map<String, NpyArray> found = new LinkedHashMap<>();
          try (Result result = runner.run()) {
            for (int i = 0; i < names.size(); i++) {
              found.put(names.get(i), Tensors.toArray(result.get(i)));
            }
          }
          return found;
        });
  }

  @Test
  @SuppressWarnings("unchecked") // The outputs are float32.
  void trains() {
    try (Built trial = new Built()) {
      Ops tf = Ops.create(trial.graph);
      Operand<TFloat32> points = (Operand<TFloat32>) trial.built.outputs().get("points");
      Operand<TFloat32> coarse = (Operand<TFloat32>) trial.built.outputs().get("coarse");
      Operand<TFloat32> loss =
          tf.math.add(
              tf.math.mean(tf.math.square(points), tf.constant(new int[] {0, 1, 2})),
              tf.math.mean(tf.math.square(coarse), tf.constant(new int[] {0, 1, 2})));
      TrainingStep step =
          TrainingStep.create(
              tf,
              trial.network,
              loss,
              new OptimizerSettings.Sgd(0, false, 0).create(trial.graph, tf.constant(0.1f)));
      assertTrue(step.gradients().containsKey("up_0/projection/kernel"));
      assertTrue(!step.gradients().containsKey("up_0/Q"));
      Map<String, TFloat32> before = trial.weights();
      Tensors.with(
          inputs(),
          tensors -> {
            float last = Float.POSITIVE_INFINITY;
            for (int i = 0; i < 5; i++) {
              Session.Runner runner = trial.session.runner();
              tensors.forEach(
                  (name, tensor) -> runner.feed(trial.built.inputs().get(name), tensor));
              try (Result result = runner.fetch(step.loss()).addTarget(step.run()).run()) {
                float now = ((TFloat32) result.get(0)).getFloat();
                assertTrue(now < last, now + " after " + last);
                last = now;
              }
            }
            return last;
          });
      Map<String, TFloat32> after = trial.weights();
      assertEquals(bytes(before.get("up_0/Q")), bytes(after.get("up_0/Q")));
      assertNotEquals(
          bytes(before.get("up_1/projection/kernel")), bytes(after.get("up_1/projection/kernel")));
      before.values().forEach(Tensor::close);
      after.values().forEach(Tensor::close);
    }
  }

  private static ByteBuffer bytes(TFloat32 tensor) {
    return Tensors.toArray(tensor).bytes();
  }

  @ParameterizedTest
  @ValueSource(strings = {"trial.keras", "trial.weights.h5", "trial"})
  void goesOutAndIn(String name, @TempDir Path folder) {
    Path file = folder.resolve(name);
    Map<String, NpyArray> inputs = inputs();
    try (Built trial = new Built()) {
      Map<String, NpyArray> expected = run(trial, inputs);
      Map<String, TFloat32> weights = trial.weights();
      boolean holdsUntracked = name.equals("trial");
      ModelWriter.of(CONFIG, LAYERS)
          .withUntrackedWeights(Set.of("up_0/Q", "up_1/Q"))
          .write(
              file,
              weights,
              holdsUntracked
                  ? WriteOptions.DEFAULT
                  : WriteOptions.DEFAULT.withKernelPoints(
                      KernelPointsTarget.byLayer(
                          Map.of(
                              "up_0", KernelPointsTarget.toCsv(folder.resolve("Q.csv")),
                              "up_1", KernelPointsTarget.recomputed()))));
      weights.values().forEach(TFloat32::close);
      KPConvX.Loader loader = KPConvX.loader(file).withLayers(LAYERS).withConfig(CONFIG);
      if (!holdsUntracked) {
        assertThrows(KerasException.class, loader::load);
        loader =
            loader.withKernelPoints(
                KernelPoints.byLayer(
                    Map.of(
                        "up_0", KernelPoints.fromCsv(folder.resolve("Q.csv")),
                        "up_1", KernelPoints.recomputed())));
      }
      try (Model model = loader.load()) {
        assertEquals(expected.keySet(), model.outputs().keySet());
        Map<String, NpyArray> found = model.predictArrays(inputs, expected.keySet());
        expected.forEach(
            (output, values) -> assertEquals(values.bytes(), found.get(output).bytes(), output));
      }
    }
  }

  @Test
  void unknownKeywordsAndConstantsAreNamed() {
    assertRefused("'rotation': 3", "is called with rotation = 3; supported call arguments are");
    assertRefused("'mask': null, 'training': false", null);
  }

  private static void assertRefused(String kwargs, String message) {
    if (message == null) {
      try (Graph graph = new Graph()) {
        Network network = Network.of(config(kwargs), LAYERS);
        assertEquals(5, network.build(Ops.create(graph), Mode.INFERENCE).outputs().size());
      }
      return;
    }
    String found =
        assertThrows(KerasException.class, () -> Network.of(config(kwargs), LAYERS)).getMessage();
    assertTrue(found.contains(message), found);
  }
}
