package io.github.kpconvx.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.inference.StandardLayers;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.network.GatherTrial;
import io.github.kpconvx.network.LayerRegistry;
import io.github.kpconvx.numpy.NpyArray;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Networks of several depths: inputs of any names, each with its own number of points. */
public class InputsByNameTest {
  private static final LayerRegistry LAYERS =
      StandardLayers.registry().with("trial>GatherTrial", GatherTrial::new);

  private static final int CLASSES = 3;

  /** Points of two depths one after the other, each classified by its own features. */
  public static final KerasObject TWO_DEPTHS =
      KerasObject.parse(
          """
          {'class_name': 'Functional', 'module': 'keras', 'config': {'name': 'two_depths',
            'layers': [
              {'class_name': 'InputLayer', 'name': 'labels', 'module': 'keras.layers', 'inbound_nodes': [],
               'config': {'name': 'labels', 'batch_shape': [null, null, 4], 'dtype': 'float32'}},
              {'class_name': 'InputLayer', 'name': 'coarse/F', 'module': 'keras.layers', 'inbound_nodes': [],
               'config': {'name': 'coarse/F', 'batch_shape': [null, null, 2], 'dtype': 'float32'}},
              {'class_name': 'Dense', 'name': 'fine', 'module': 'keras.layers',
               'config': {'name': 'fine', 'units': 6, 'activation': 'tanh'},
               'inbound_nodes': [{'args': [%1$s'labels', 0, 0]}}], 'kwargs': {}}]},
              {'class_name': 'Dense', 'name': 'coarse', 'module': 'keras.layers',
               'config': {'name': 'coarse', 'units': 6, 'activation': 'tanh'},
               'inbound_nodes': [{'args': [%1$s'coarse/F', 0, 0]}}], 'kwargs': {}}]},
              {'class_name': 'Concatenate', 'name': 'all', 'module': 'keras.layers',
               'config': {'name': 'all', 'axis': 1},
               'inbound_nodes': [{'args': [[%1$s'fine', 0, 0]}}, %1$s'coarse', 0, 0]}}]], 'kwargs': {}}]},
              {'class_name': 'Dense', 'name': 'classes', 'module': 'keras.layers',
               'config': {'name': 'classes', 'units': 3, 'activation': 'softmax'},
               'inbound_nodes': [{'args': [%1$s'all', 0, 0]}}], 'kwargs': {}}]}],
            'input_layers': [['labels', 0, 0], [['coarse/F', 0, 0]]],
            'output_layers': ['classes', 0, 0]}}
          """
              .formatted("{'class_name': '__keras_tensor__', 'config': {'keras_history': [")
              .replace('\'', '"'));

  /** Features of the coarse points are brought to the fine ones that they are parents of. */
  private static final KerasObject PARENTS =
      KerasObject.parse(
          """
          {'class_name': 'Functional', 'module': 'keras', 'config': {'name': 'parents',
            'layers': [
              {'class_name': 'InputLayer', 'name': 'points', 'module': 'keras.layers', 'inbound_nodes': [],
               'config': {'name': 'points', 'batch_shape': [null, null, 3], 'dtype': 'float32'}},
              {'class_name': 'InputLayer', 'name': 'features', 'module': 'keras.layers', 'inbound_nodes': [],
               'config': {'name': 'features', 'batch_shape': [null, null, 2], 'dtype': 'float32'}},
              {'class_name': 'InputLayer', 'name': 'parents', 'module': 'keras.layers', 'inbound_nodes': [],
               'config': {'name': 'parents', 'batch_shape': [null, null], 'dtype': 'int32'}},
              {'class_name': 'InputLayer', 'name': 'counts', 'module': 'keras.layers', 'inbound_nodes': [],
               'config': {'name': 'counts', 'batch_shape': [null, null], 'dtype': 'int64'}},
              {'class_name': 'GatherTrial', 'name': 'up', 'module': 'mine', 'registered_name': 'trial>GatherTrial',
               'config': {'name': 'up', 'units': 5},
               'inbound_nodes': [{'args': [%1$s'points', 0, 0]}}, %1$s'features', 0, 0]}},
                                           %1$s'parents', 0, 0]}}, %1$s'counts', 0, 0]}}], 'kwargs': {}}]},
              {'class_name': 'Dense', 'name': 'classes', 'module': 'keras.layers',
               'config': {'name': 'classes', 'units': 3, 'activation': 'softmax'},
               'inbound_nodes': [{'args': [%1$s'up', 0, 0]}}], 'kwargs': {}}]}],
            'input_layers': [[['points', 0, 0], ['features', 0, 0]], [['parents', 0, 0]], ['counts', 0, 0]],
            'output_layers': ['classes', 0, 0]}}
          """
              .formatted("{'class_name': '__keras_tensor__', 'config': {'keras_history': [")
              .replace('\'', '"'));

  private static final TrainingSettings SETTINGS =
      TrainingSettings.builder()
          .epochs(40)
          .learningRate(new LearningRate.Constant(0.05))
          .seed(3)
          .build();

  /** One of {@link #TWO_DEPTHS}: the class is told by the features. */
  public static Example twoDepths(int fine, int coarse, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    int[] labels = random.ints(fine + coarse, 0, CLASSES).toArray();
    float[] f = new float[4 * fine];
    for (int i = 0; i < f.length; i++) {
      f[i] = (float) random.nextDouble(0.2) + (i % 4 == labels[i / 4] ? 1 : 0);
    }
    float[] g = new float[2 * coarse];
    for (int i = 0; i < g.length; i++) {
      g[i] = (float) random.nextDouble(0.2) + (i % 2 == labels[fine + i / 2] ? 1 : 0);
    }
    return new Example(
        Map.of("labels", NpyArray.of(f, fine, 4), "coarse/F", NpyArray.of(g, coarse, 2)),
        NpyArray.of(labels, labels.length));
  }

  @Test
  void depthsHaveTheirOwnNumbersOfPoints() {
    ExampleSet examples =
        ExampleSet.of(List.of(twoDepths(12, 5, 1), twoDepths(9, 3, 2), twoDepths(20, 20, 3)));
    try (Trainer trainer = new Trainer(TWO_DEPTHS, StandardLayers.registry(), SETTINGS)) {
      trainer.initialize();
      Map<String, NpyArray> before = trainer.weights();
      Metrics first = trainer.evaluate(examples);
      trainer.fit(examples, TrainingListener.none());
      assertEquals(120, trainer.steps());
      Metrics last = trainer.evaluate(examples);
      assertTrue(last.loss() < 0.2 * first.loss(), first + " " + last);
      assertEquals(1, last.accuracy());
      assertEquals(
          12 + 5 + 9 + 3 + 20 + 20,
          last.confusion().points(0) + last.confusion().points(1) + last.confusion().points(2));
      trainer
          .weights()
          .forEach((name, array) -> assertFalse(array.bytes().equals(before.get(name).bytes())));
    }
  }

  private static Example parents(int fine, int coarse, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    float[] x = new float[3 * fine];
    float[] f = new float[2 * coarse];
    for (int i = 0; i < x.length; i++) {
      x[i] = (float) random.nextDouble();
    }
    for (int i = 0; i < f.length; i++) {
      f[i] = (float) random.nextDouble();
    }
    return new Example(
        Map.of(
            "points", NpyArray.of(x, fine, 3),
            "features", NpyArray.of(f, coarse, 2),
            "parents", NpyArray.of(random.ints(fine, 0, coarse).toArray(), fine),
            "counts", NpyArray.of(random.longs(fine, 0, 3).toArray(), fine)),
        NpyArray.of(random.ints(fine, 0, CLASSES).toArray(), fine));
  }

  private static Map<String, NpyArray> trained(List<Example> examples) {
    TrainingSettings settings = SETTINGS.toBuilder().epochs(2).batchSize(2).build();
    try (Trainer trainer = new Trainer(PARENTS, LAYERS, settings)) {
      trainer.initialize();
      trainer.fit(ExampleSet.of(examples), TrainingListener.none());
      return trainer.weights();
    }
  }

  private static Example with(Example example, String input, NpyArray array) {
    Map<String, NpyArray> inputs = new HashMap<>(example.inputs());
    inputs.put(input, array);
    return new Example(inputs, example.labels());
  }

  /** Also where one example of a batch has another type than the other. */
  @ParameterizedTest
  @EnumSource(
      value = NpyArray.Type.class,
      names = {"INT8", "UINT8", "INT16", "UINT16", "INT32", "UINT32", "INT64", "UINT64"})
  void anyIntegersAndExactFloatsWillDo(NpyArray.Type integers) {
    List<Example> given = List.of(parents(7, 4, 1), parents(7, 4, 2));
    List<Example> others = new ArrayList<>(given);
    Example other = given.get(1);
    for (String input : List.of("parents", "counts")) {
      other = with(other, input, other.inputs().get(input).as(integers));
    }
    for (String input : List.of("points", "features")) {
      other = with(other, input, other.inputs().get(input).as(NpyArray.Type.FLOAT64));
    }
    others.set(1, new Example(other.inputs(), other.labels().as(integers)));
    TrainerTest.assertSame(trained(given), trained(others));
  }

  @Test
  void whatWouldChangeIsRefused() {
    Example good = parents(2, 2, 1);
    ByteBuffer tenth = ByteBuffer.allocate(32).order(ByteOrder.LITTLE_ENDIAN).putDouble(8, 0.1);
    refused(
        with(good, "features", NpyArray.of(NpyArray.Type.FLOAT64, tenth, 2, 2)),
        "Input features of example 0: float64 (2, 2) holds 0.1 at [0, 1], which float32 cannot hold");
    refused(
        with(good, "parents", NpyArray.of(new long[] {0, 1L << 31}, 2)),
        "Input parents of example 0: int64 (2) holds 2147483648 at [1], which int32 cannot hold");
    refused(
        with(good, "parents", NpyArray.of(new float[] {0, 1}, 2)),
        "Input parents of example 0: float32 (2) is not int32");
    refused(
        with(good, "X", NpyArray.of(new float[] {0, 1}, 2)),
        "the network takes [points, features, parents, counts]");
    refused(
        new Example(good.inputs(), NpyArray.of(new long[] {0, 1L << 32}, 2)),
        "The labels of example 0: int64 (2) holds 4294967296 at [1], which int32 cannot hold");
  }

  private static void refused(Example example, String expected) {
    String message =
        assertThrows(TrainingException.class, () -> trained(List.of(example))).getMessage();
    assertTrue(message.contains(expected), message);
  }
}
