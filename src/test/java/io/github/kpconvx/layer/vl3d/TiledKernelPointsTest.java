package io.github.kpconvx.layer.vl3d;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.Fixtures;
import io.github.kpconvx.ResidentMemory;
import io.github.kpconvx.inference.StandardLayers;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.CallContext;
import io.github.kpconvx.layer.Formulation;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.Mode;
import io.github.kpconvx.layer.Stages;
import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.tensor.Tensors;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;

/** Kernel point convolutions compute the same a tile of centres at a time as all at once. */
class TiledKernelPointsTest {
  private static final int FEATURES = 5;
  private static final int LARGE = 500_000;
  private static final int LARGE_FEATURES = 64;
  private static final int LARGE_SLOTS = 16;
  private static final int LARGE_KERNEL = 19;
  private static final long MIB = 1 << 20;

  /** Tiles have 64 centres at least: none, one that is not full, and several. */
  @ParameterizedTest
  @CsvSource({
    "KPConvLayer, 1, 0, 3",
    "KPConvLayer, 1, 1, 1",
    "KPConvLayer, 2, 1700, 9",
    "KPConvLayer, 1, 300, 0",
    "StridedKPConvLayer, 3, 701, 4",
    "LightKPConvLayer, 2, 1700, 9",
    "LightKPConvLayer, 1, 0, 3",
    "StridedLightKPConvLayer, 3, 701, 4"
  })
  void computeTheSameInTiles(String className, int batch, int centres, int slots) {
    boolean strided = className.startsWith("Strided");
    Layer layer = layer(className, 7, 6);
    List<Map<String, float[]>> answers = new ArrayList<>();
    try (Graph graph = new Graph();
        Session session = new Session(graph)) {
      Ops tf = Ops.create(graph);
      List<Placeholder<?>> inputs = inputs(tf, strided, FEATURES);
      layer.build(tf, inputs.stream().map(Operand::shape).toList());
      List<Map<String, Operand<?>>> calls = new ArrayList<>();
      for (Formulation form : Formulation.values()) {
        Map<String, Operand<?>> found = new LinkedHashMap<>();
        Stages stages = found::put;
        CallContext context =
            CallContext.of(Mode.INFERENCE).withFormulation(form).withStages(stages);
        found.put("y", layer.call(tf, List.copyOf(inputs), context));
        calls.add(found);
      }
      layer.initialize(session, 3);
      Map<String, NpyArray> arrays = arrays(strided, batch, centres, slots, FEATURES);
      for (Map<String, Operand<?>> call : calls) {
        assertEquals(List.of("h", "y"), call.keySet().stream().sorted().toList());
        Map<String, float[]> answer = new LinkedHashMap<>();
        call.forEach((name, value) -> answer.put(name, run(session, inputs, arrays, value)));
        answers.add(answer);
      }
    }
    Map<String, float[]> expected = answers.get(0);
    assertEquals(batch * centres * 6, expected.get("y").length);
    answers.forEach(
        found -> expected.forEach((name, values) -> assertClose(name, values, found.get(name))));
    double size = 0;
    for (float value : expected.get("y")) {
      size += Math.abs(value);
    }
    assertTrue(slots * centres == 0 || size > 0.01 * expected.get("y").length, "nothing but zeros");
  }

  private static void assertClose(String name, float[] expected, float[] found) {
    assertEquals(expected.length, found.length, name);
    for (int i = 0; i < expected.length; i++) {
      double allowed = 1e-6 * Math.max(1, Math.abs(expected[i]));
      assertEquals(expected[i], found[i], allowed, name + " at " + i);
    }
  }

  /** Half a million points: what is held is the result, the neighbours and some tiles. */
  @Tag(Fixtures.FULL)
  @EnabledOnOs(OS.LINUX)
  @ParameterizedTest
  @ValueSource(strings = {"KPConvLayer", "LightKPConvLayer"})
  void holdATileAtATime(String className) throws IOException {
    long held = ResidentMemory.ofProcess(Child.class, className)[0];
    long influences = 4L * LARGE * LARGE_SLOTS * LARGE_KERNEL;
    long largest = (long) LARGE_KERNEL * LARGE_FEATURES;
    long tiles =
        Runtime.getRuntime().availableProcessors() * 16L * 4 * ((1 << 18) / largest) * largest;
    long allowed = 4L * LARGE * (LARGE_FEATURES + 2 * LARGE_SLOTS) + tiles;
    System.out.printf(
        "%s: %,d points: held %d MiB (%d allowed); the influences are %d MiB%n",
        className, LARGE, held / MIB, allowed / MIB, influences / MIB);
    assertTrue(held <= allowed, held / MIB + " MiB held, allowed " + allowed / MIB);
    assertTrue(held >= 4L * LARGE * LARGE_FEATURES, "less than the result: " + held);
  }

  /** Runs a layer once in a process of its own; prints what it held. */
  static final class Child {
    public static void main(String[] arguments) {
      Layer layer = layer(arguments[0], LARGE_KERNEL, LARGE_FEATURES);
      try (Graph graph = new Graph();
          Session session = new Session(graph)) {
        Ops tf = Ops.create(graph);
        List<Placeholder<?>> inputs = inputs(tf, false, LARGE_FEATURES);
        layer.build(tf, inputs.stream().map(Operand::shape).toList());
        CallContext context = CallContext.of(Mode.INFERENCE).withFormulation(Formulation.FOLDED);
        Operand<TFloat32> y = layer.call(tf, List.<Operand<?>>copyOf(inputs), context);
        layer.initialize(session, 3);
        // Threads and kernels are there after the first run of a few points.
        for (int points : new int[] {64, LARGE}) {
          Map<String, NpyArray> arrays = arrays(false, 1, points, LARGE_SLOTS, LARGE_FEATURES);
          long held =
              Tensors.with(
                  arrays,
                  tensors -> {
                    Session.Runner runner = session.runner().fetch(y);
                    int next = 0;
                    for (Tensor tensor : tensors.values()) {
                      runner.feed(inputs.get(next++), tensor);
                    }
                    return ResidentMemory.peakOf(() -> runner.run().close());
                  });
          if (points == LARGE) {
            System.out.println(held);
          }
        }
      }
    }
  }

  private static float[] run(
      Session session,
      List<Placeholder<?>> inputs,
      Map<String, NpyArray> arrays,
      Operand<?> wanted) {
    return Tensors.with(
        arrays,
        tensors -> {
          Session.Runner runner = session.runner().fetch(wanted);
          int next = 0;
          for (Tensor tensor : tensors.values()) {
            runner.feed(inputs.get(next++), tensor);
          }
          try (var found = runner.run()) {
            return Tensors.toArray(found.get(0)).toFloats();
          }
        });
  }

  private static Layer layer(String className, int kernelPoints, int outputs) {
    String config =
        "{\"name\": \"kp\", \"sigma\": 0.8, \"num_kernel_points\": %d, \"Dout\": %d}"
            .formatted(kernelPoints, outputs);
    return StandardLayers.registry()
        .create(
            KerasObject.of(
                "src.model.deeplearn.layer.any",
                className,
                className,
                (ObjectNode) KerasObject.parseJson(config)));
  }

  /** What a layer takes, all sizes open. */
  private static List<Placeholder<?>> inputs(Ops tf, boolean strided, int features) {
    List<Placeholder<?>> inputs = new ArrayList<>();
    for (int coordinates = 0; coordinates < (strided ? 2 : 1); coordinates++) {
      inputs.add(tf.placeholder(TFloat32.class, Placeholder.shape(Shape.of(-1, -1, 3))));
    }
    inputs.add(tf.placeholder(TFloat32.class, Placeholder.shape(Shape.of(-1, -1, features))));
    inputs.add(tf.placeholder(TInt32.class, Placeholder.shape(Shape.of(-1, -1, -1))));
    return inputs;
  }

  /**
   * Points of a unit cube, each centre with any of them as neighbours; a strided layer's are more.
   */
  private static Map<String, NpyArray> arrays(
      boolean strided, int batch, int centres, int slots, int features) {
    Random random = new Random(5);
    int points = strided ? 2 * centres : centres;
    Map<String, NpyArray> arrays = new LinkedHashMap<>();
    arrays.put("Xa", floats(random, batch, points, 3));
    if (strided) {
      arrays.put("Xb", floats(random, batch, centres, 3));
    }
    arrays.put("F", floats(random, batch, points, features));
    int[] n = new int[batch * centres * slots];
    for (int i = 0; i < n.length; i++) {
      n[i] = random.nextInt(points);
    }
    arrays.put("N", NpyArray.of(n, batch, centres, slots));
    return arrays;
  }

  private static NpyArray floats(Random random, int... shape) {
    float[] values = new float[shape[0] * shape[1] * shape[2]];
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextFloat();
    }
    return NpyArray.of(values, shape[0], shape[1], shape[2]);
  }
}
