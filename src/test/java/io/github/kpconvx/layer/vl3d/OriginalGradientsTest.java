package io.github.kpconvx.layer.vl3d;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.kpconvx.Fixtures;
import io.github.kpconvx.VL3DModel;
import io.github.kpconvx.VL3DNetwork;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.Gradients;
import io.github.kpconvx.layer.Mode;
import io.github.kpconvx.layer.Operands;
import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.numpy.NpzFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/** Gradients and losses of VL3D's own layers, against those that VL3D's code gave. */
class OriginalGradientsTest {
  private static Stream<Path> casesWith(String file) {
    return Fixtures.directories(VL3DModel.ORIGINAL)
        .filter(path -> Files.exists(path.resolve(file)));
  }

  static Stream<Path> gradients() {
    return casesWith("gradients.npz");
  }

  static Stream<Arguments> losses() throws IOException {
    List<Arguments> all = new ArrayList<>();
    for (Path directory : casesWith("losses.json").toList()) {
      JsonNode losses = KerasObject.parseJson(Files.readString(directory.resolve("losses.json")));
      losses
          .properties()
          .forEach(
              entry ->
                  all.add(
                      Arguments.of(
                          directory.resolve(entry.getKey() + ".keras"),
                          IntStream.range(0, entry.getValue().size())
                              .mapToObj(i -> entry.getValue().get(i).doubleValue())
                              .toList())));
    }
    return all.stream().filter(loss -> Files.exists((Path) loss.get()[0]));
  }

  @ParameterizedTest
  @MethodSource("gradients")
  void gradientsAsVL3D(Path directory) {
    Map<String, NpyArray> golden = NpzFile.read(directory.resolve("gradients.npz"));
    boolean answers = Float.isFinite(golden.get("loss").toFloats()[0]);
    VL3DModel model = new VL3DModel(directory.resolve("keras-2.12.keras"));
    try (VL3DNetwork run = new VL3DNetwork(model, Mode.TRAINING_FIXED)) {
      Ops tf = run.tf();
      Operand<TFloat32> loss = tf.reduceSum(tf.math.square(run.output()), run.axes());
      Map<String, Operand<TFloat32>> asked = new LinkedHashMap<>();
      run.inputs()
          .forEach(
              (name, input) -> {
                if (golden.containsKey(name)) {
                  asked.put(name, Operands.floats(input));
                }
              });
      run.network()
          .trainableVariables()
          .forEach((name, weight) -> asked.put(name.replace('/', '.'), weight.value()));
      Map<String, Operand<?>> wanted = new LinkedHashMap<>();
      List<Operand<TFloat32>> found = Gradients.of(tf, loss, List.copyOf(asked.values()));
      int next = 0;
      for (String name : asked.keySet()) {
        wanted.put(name, found.get(next++));
      }
      wanted.put("loss", loss);
      assertEquals(golden.keySet(), wanted.keySet());
      run.loadWeights();
      run.fetch(wanted)
          .forEach((name, gradient) -> compare(name, golden.get(name), gradient, answers));
    }
  }

  /** Where VL3D's is not a number, ours is finite, unless the answer itself is none. */
  private static void compare(String name, NpyArray golden, NpyArray gradient, boolean answers) {
    float[] expected = golden.toFloats();
    float[] found = gradient.toFloats();
    assertEquals(expected.length, found.length, name);
    double largest = 1;
    for (float value : expected) {
      largest = Float.isNaN(value) ? largest : Math.max(largest, Math.abs(value));
    }
    for (int i = 0; i < expected.length; i++) {
      if (Float.isNaN(expected[i])) {
        assertTrue(!answers || Float.isFinite(found[i]), name + " at " + i + " is " + found[i]);
      } else {
        assertEquals(expected[i], found[i], 1e-4 * Math.max(1, largest), name + " at " + i);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("losses")
  void lossesAsVL3D(Path file, List<Double> expected) {
    try (VL3DNetwork run = new VL3DNetwork(new VL3DModel(file), Mode.TRAINING_FIXED)) {
      Map<String, Operand<?>> wanted =
          new LinkedHashMap<>(run.network().regularizationLosses(run.tf()));
      run.loadWeights();
      double[] found =
          run.fetch(wanted).values().stream().mapToDouble(loss -> loss.toFloats()[0]).toArray();
      assertEquals(expected.size(), found.length, Arrays.toString(found));
      for (int i = 0; i < found.length; i++) {
        assertEquals(expected.get(i), found[i], 1e-5 * expected.get(i), wanted.toString());
      }
    }
  }
}
