package io.github.kpconvx.layer.vl3d;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.kpconvx.inference.StandardLayers;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.file.StoredModel;
import io.github.kpconvx.keras.weights.WeightStore;
import io.github.kpconvx.layer.Gradients;
import io.github.kpconvx.layer.KernelPoints;
import io.github.kpconvx.layer.Mode;
import io.github.kpconvx.layer.Operands;
import io.github.kpconvx.network.Network;
import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.numpy.NpzFile;
import io.github.kpconvx.tensor.Tensors;
import java.io.IOException;
import java.io.UncheckedIOException;
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
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/** Gradients and losses of VL3D's own layers, against those that VL3D's code gave. */
class OriginalGradientsTest {
  private static final Path CASES = Path.of("src/test/resources/vl3d/original");

  private static Stream<Path> casesWith(String file) {
    try (Stream<Path> cases = Files.list(CASES)) {
      return cases.filter(path -> Files.exists(path.resolve(file))).sorted().toList().stream();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
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

  private record Run(Network network, Network.Built built, Session session, Ops tf) {
    Map<String, NpyArray> fetch(Map<String, NpyArray> inputs, Map<String, Operand<?>> wanted) {
      return Tensors.with(
          inputs,
          tensors -> {
            Session.Runner runner = session.runner();
            built.inputs().forEach((name, input) -> runner.feed(input, tensors.get(name)));
            wanted.values().forEach(runner::fetch);
            Map<String, NpyArray> found = new LinkedHashMap<>();
            try (var results = runner.run()) {
              int next = 0;
              for (String name : wanted.keySet()) {
                found.put(name, Tensors.toArray(results.get(next++)));
              }
            }
            return found;
          });
    }
  }

  private interface Body {
    void accept(Run run);
  }

  private static void with(Path file, Body body) {
    GaussianFilter gaussian =
        file.getParent().toString().endsWith("_2025")
            ? GaussianFilter.FALLING
            : GaussianFilter.GROWING;
    Path bare = file.resolveSibling("bare");
    try (StoredModel weightsFile = StoredModel.open(file);
        WeightStore weights = weightsFile.weights();
        Graph graph = new Graph();
        Session session = new Session(graph)) {
      Ops tf = Ops.create(graph);
      KerasObject config = StoredModel.open(file).config().orElseThrow();
      Network network = Network.of(config, StandardLayers.registry(gaussian));
      Network.Built built = network.build(tf, Mode.TRAINING_FIXED);
      network.loadWeights(
          network.match(weights),
          session,
          Files.isDirectory(bare) ? KernelPoints.fromFolder(bare) : KernelPoints.fromFileOnly());
      body.accept(new Run(network, built, session, tf));
    }
  }

  @ParameterizedTest
  @MethodSource("gradients")
  void gradientsAsVL3D(Path directory) {
    Map<String, NpyArray> golden = NpzFile.read(directory.resolve("gradients.npz"));
    boolean answers = Float.isFinite(golden.get("loss").toFloats()[0]);
    with(
        directory.resolve("keras-2.12.keras"),
        run -> {
          Ops tf = run.tf();
          Operand<TFloat32> y = Operands.floats(run.built().outputs().get("output_0"));
          int[] axes = IntStream.range(0, y.shape().numDimensions()).toArray();
          Operand<TFloat32> loss = tf.reduceSum(tf.math.square(y), tf.constant(axes));
          Map<String, Operand<TFloat32>> asked = new LinkedHashMap<>();
          run.built()
              .inputs()
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
          run.fetch(NpzFile.read(directory.resolve("in.npz")), wanted)
              .forEach((name, gradient) -> compare(name, golden.get(name), gradient, answers));
        });
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
    with(
        file,
        run -> {
          Map<String, Operand<?>> wanted =
              new LinkedHashMap<>(run.network().regularizationLosses(run.tf()));
          double[] found =
              run.fetch(NpzFile.read(file.resolveSibling("in.npz")), wanted).values().stream()
                  .mapToDouble(loss -> loss.toFloats()[0])
                  .toArray();
          assertEquals(expected.size(), found.length, Arrays.toString(found));
          for (int i = 0; i < found.length; i++) {
            assertEquals(expected.get(i), found[i], 1e-5 * expected.get(i), wanted.toString());
          }
        });
  }
}
