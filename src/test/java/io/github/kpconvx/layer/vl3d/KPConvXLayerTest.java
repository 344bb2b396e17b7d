package io.github.kpconvx.layer.vl3d;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.Fixtures;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.file.StoredModel;
import io.github.kpconvx.keras.weights.WeightStore;
import io.github.kpconvx.layer.Mode;
import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.numpy.NpzFile;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.Graph;
import org.tensorflow.Session;
import org.tensorflow.exceptions.TFInvalidArgumentException;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;

class KPConvXLayerTest {

  @Test
  void builderAndConfigurationMakeTheSameLayer() {
    KPConvXLayer layer =
        KPConvXLayer.builder()
            .name("conv")
            .blocks(2)
            .sigma(0.7)
            .hiddenChannels(32)
            .groups(4)
            .build();
    KPConvXLayer again = KPConvXLayer.fromConfig(layer.getConfig());
    assertEquals(
        KerasObject.parseJson(layer.getConfig()), KerasObject.parseJson(again.getConfig()));
    assertEquals(2, again.config().blocks());
    assertEquals(0.7, again.config().sigma());
    assertEquals(21, again.config().kernelPoints());
  }

  @Test
  void aMissingKeyTakesItsDefault() {
    KPConvXConfig config = KPConvXLayer.fromConfig("{}").config();
    assertEquals(1, config.blocks());
    assertEquals(384, config.hiddenChannels());
    assertEquals(8, config.groups());
    assertEquals(0.9, config.bnMomentum());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"blocs\": 2}|unknown configuration key \"blocs\"",
        "{\"blocks\": 0}|blocks = 0, expected an integer of at least 1",
        "{\"blocks\": 1000000000}|blocks = 1000000000, expected an integer from 1 to 1024",
        "{\"shell_points\": [1, 7, 2000000000]}|expected at most 4096 points",
        "{\"blocks\": 1.5}|blocks = 1.5",
        "{\"drop_path\": 1.5}|drop_path = 1.5, expected a probability in [0, 1]",
        "{\"sigma\": 0}|sigma = 0.0, expected a number greater than 0",
        "{\"shell_points\": [1, 2]}|shell_points = [1, 2]",
        "{\"shell_radii\": [0, 1], \"shell_points\": [2, 3]}|exactly 1 point on shell 0",
        "{\"bn_phi\": []}|bn_phi = 0 normalizations, expected one for each of the 1 blocks",
        "{\"activation\": \"rely\"}|unknown activation \"rely\"",
        "{\"dtype\": \"float16\"}|dtype = \"float16\", expected \"float32\"",
        "{\"deformable\": 1}|deformable = 1, expected true or false",
        "{\"built_Q\": 1}|built_Q = 1, expected true or false",
        "{\"initializer\": 3}|unknown initializer 3",
        "[]|Expected the configuration of a KPConvXLayer",
        "{|no valid JSON",
      })
  void refusesAWrongConfiguration(String json, String message) {
    KerasException error = assertThrows(KerasException.class, () -> KPConvXLayer.fromConfig(json));
    assertTrue(error.getMessage().contains(message), error.getMessage());
  }

  @Test
  void refusesNormalizationsItDoesNotSupport() {
    String config =
        "{\"bn_phi\": [{\"class_name\": \"BatchNormalization\", \"config\": {\"renorm\": true}}]}";
    KerasException error =
        assertThrows(KerasException.class, () -> KPConvXLayer.fromConfig(config));
    assertTrue(error.getMessage().contains("renorm = true"), error.getMessage());
  }

  @Test
  void refusesGroupsThatDoNotDivideTheFeatures() {
    try (Graph graph = new Graph()) {
      KPConvXLayer layer = KPConvXLayer.builder().groups(8).build();
      KerasException error =
          assertThrows(KerasException.class, () -> layer.build(Ops.create(graph), 12));
      assertTrue(error.getMessage().contains("groups = 8 does not divide"), error.getMessage());
    }
  }

  @Test
  void worksByItselfWithWeightsFromEachKindOfFile() {
    Path directory = Fixtures.of("defaults");
    Map<String, NpyArray> inputs = NpzFile.read(directory.resolve("inputs.npz"));
    NpyArray golden = NpzFile.read(directory.resolve("golden.npz")).get("output_0");
    KerasObject model = KerasObject.parse(Fixtures.text(directory.resolve("config.json")));
    String config = model.config().elements("layers").get(3).toString();
    for (String file : new String[] {"saved_model", "model.keras", "model.weights.h5"}) {
      float[] found = run(directory.resolve(file), config, inputs);
      assertArrayEquals(golden.toFloats(), found, 1e-5f, file);
    }
  }

  private static float[] run(Path file, String config, Map<String, NpyArray> inputs) {
    NpyArray f = inputs.get("F");
    try (Graph graph = new Graph();
        Session session = new Session(graph);
        StoredModel storeFile = StoredModel.open(file);
        WeightStore store = storeFile.weights();
        TFloat32 xs = floats(inputs.get("X"));
        TFloat32 fs = floats(f);
        TInt32 ns =
            TInt32.tensorOf(
                Shape.of(inputs.get("N").shape()), DataBuffers.of(inputs.get("N").toInts()))) {
      Ops tf = Ops.create(graph);
      KPConvXLayer layer = KPConvXLayer.fromConfig(config);
      layer.build(tf, (int) f.shape()[2]);
      var x = tf.placeholder(TFloat32.class, Placeholder.shape(Shape.of(-1, -1, 3)));
      var features =
          tf.placeholder(TFloat32.class, Placeholder.shape(Shape.of(-1, -1, f.shape()[2])));
      var n = tf.placeholder(TInt32.class, Placeholder.shape(Shape.of(-1, -1, -1)));
      var y = layer.call(tf, x, features, n, Mode.INFERENCE);
      layer.loadWeights(store, session);
      try (var result =
          session.runner().feed(x, xs).feed(features, fs).feed(n, ns).fetch(y).run()) {
        float[] values = new float[f.size()];
        ((TFloat32) result.get(0)).copyTo(DataBuffers.of(values));
        return values;
      }
    }
  }

  private static TFloat32 floats(NpyArray array) {
    return TFloat32.tensorOf(Shape.of(array.shape()), DataBuffers.of(array.toFloats()));
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 2, 1000})
  void aWrongNeighbourIsNamedWithItsPlaceAndTheBound(int index) {
    try (Graph graph = new Graph();
        Session session = new Session(graph)) {
      Ops tf = Ops.create(graph);
      KPConvXLayer layer = KPConvXLayer.builder().hiddenChannels(8).build();
      layer.build(tf, 8);
      layer
          .variables()
          .values()
          .forEach(
              variable -> {
                try (TFloat32 zeros = TFloat32.tensorOf(variable.spec().shape())) {
                  variable.assign(session, zeros);
                }
              });
      var n = tf.constant(new int[][][] {{{0, 1, 0}, {1, index, 0}}});
      var y =
          layer.call(
              tf,
              tf.zeros(tf.array(1, 2, 3), TFloat32.class),
              tf.zeros(tf.array(1, 2, 8), TFloat32.class),
              n,
              Mode.INFERENCE);
      String message =
          assertThrows(
                  TFInvalidArgumentException.class, () -> session.runner().fetch(y).run().close())
              .getMessage();
      assertTrue(
          message.contains(
              "neighbour index " + index + " at (batch element, point, slot) = [0 1 1]"),
          message);
      assertTrue(message.contains("R = 2"), message);
    }
  }
}
