package io.github.kpconvx.inference;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.Fixtures;
import io.github.kpconvx.PythonEnvironment;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.file.StoredModel;
import io.github.kpconvx.layer.KernelPoints;
import io.github.kpconvx.layer.KernelPointsTarget;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.LayerVariable;
import io.github.kpconvx.layer.Mode;
import io.github.kpconvx.layer.Operands;
import io.github.kpconvx.layer.vl3d.GaussianFilter;
import io.github.kpconvx.network.Network;
import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.numpy.NpzFile;
import io.github.kpconvx.tensor.Tensors;
import io.github.kpconvx.training.OptimizerSettings;
import io.github.kpconvx.training.TrainingStep;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;

/**
 * VL3D's models, written in Java, opened by the Keras that they are written for: the same answers,
 * and the same weights after a step of Adam there and here.
 */
class VL3DWrittenTest {
  private static final double RATE = 0.001;

  /** One of each kind: a network, trained kernel points, a loss of its own, no weights at all. */
  private static final Pattern REPRESENTATIVES =
      Pattern.compile(
          "a1_kpconv_autoencoder|e_kpconv_deformable|e_grouping_point_net|e_rbf_extract_gaussian"
              + "|e_down_mean|e_hourglass");

  @TempDir private Path directory;

  private record Case(Path source, Path written, Path trained) {}

  /** Those whose training drops nothing at random, or has an answer at all. */
  private static boolean trains(Path source) {
    return !source.toString().matches(".*(g1_kpconvx_autoencoder|one_neighbour).*");
  }

  @ParameterizedTest
  @CsvSource({".venv-keras2, keras-2.12", ".venv-tf218, keras-3.6"})
  void kerasOpensAndTrainsWhatIsWritten(String environment, String version) throws Exception {
    compare(environment, version, REPRESENTATIVES);
  }

  @ParameterizedTest
  @CsvSource({
    ".venv-tf212, keras-2.12",
    ".venv-keras2, keras-2.15",
    ".venv-tf218, keras-3.6",
    ".venv-latest, keras-3.15"
  })
  @Tag(Fixtures.FULL)
  void thatOfEveryVersionToo(String environment, String version) throws Exception {
    compare(environment, version, Pattern.compile(".*"));
  }

  private void compare(String environment, String version, Pattern wanted) throws Exception {
    // Keras 2.12 has other groups in a .weights.h5 than all that came after it.
    boolean readsWeights = !version.equals("keras-2.12") || environment.equals(".venv-tf212");
    PythonEnvironment python = PythonEnvironment.find(environment);
    ArrayNode jobs = JsonNodeFactory.instance.arrayNode();
    Map<String, Case> cases = new LinkedHashMap<>();
    for (Path source : VL3DModelsTest.files()) {
      if (source.endsWith(version + ".keras")
          && !source.startsWith(VL3DModelsTest.RECORDED)
          && wanted.matcher(source.getParent().getFileName().toString()).matches()) {
        cases.put(source.toString(), write(source, jobs, readsWeights));
      }
    }
    Path list = directory.resolve("jobs.json");
    Files.writeString(list, jobs.toString());
    python.run("-m", "kpconvx_compat.vl3d.check", list.toString()).stream()
        .filter(line -> line.startsWith("Keras"))
        .forEach(System.out::println);
    for (Case one : cases.values()) {
      compareStep(one);
    }
    assertTrue(cases.size() >= (wanted == REPRESENTATIVES ? 4 : 13), cases.size() + " cases");
  }

  /** Writes a model to each kind of file, and asks for a look at each. */
  private Case write(Path source, ArrayNode jobs, boolean readsWeights) throws IOException {
    Path folder =
        Files.createDirectories(directory.resolve(source.getParent().getFileName().toString()));
    Path bare = Files.createDirectories(folder.resolve("bare"));
    Path archive = folder.resolve("model.keras");
    Path weights = folder.resolve("model.weights.h5");
    Path savedModel = folder.resolve("saved_model");
    boolean network = !source.getParent().getFileName().toString().startsWith("e_");
    for (Path target :
        network ? List.of(archive, weights, savedModel) : List.of(archive, weights)) {
      VL3DModelsTest.loader(source)
          .convert(
              target,
              writer -> writer.replacing(true).withKernelPoints(KernelPointsTarget.toFolder(bare)));
    }
    Path trained = folder.resolve("trained.npz");
    ObjectNode first = job(jobs, source, archive, bare);
    if (trains(source)) {
      first.put("adam", RATE).put("out", trained.toString());
    }
    if (readsWeights) {
      job(jobs, source, archive, bare).put("weights", weights.toString());
    }
    if (network) {
      job(jobs, source, savedModel, null);
    }
    return new Case(source, archive, trained);
  }

  private static ObjectNode job(ArrayNode jobs, Path source, Path model, Path bare)
      throws IOException {
    ObjectNode job = jobs.addObject();
    job.put("model", model.toString());
    job.put("inputs", source.resolveSibling("in.npz").toAbsolutePath().toString());
    job.put("golden", source.resolveSibling("golden.npz").toAbsolutePath().toString());
    job.put(
        "gaussian",
        VL3DModelsTest.gaussian(source.getParent()) == GaussianFilter.FALLING ? "falls" : "grows");
    if (bare != null) {
      try (var files = Files.list(bare)) {
        if (files.findAny().isPresent()) {
          job.put("bare", bare.toString());
        }
      }
    }
    return job;
  }

  private static void compareStep(Case one) {
    if (!Files.exists(one.trained())) {
      return;
    }
    Map<String, NpyArray> golden = NpzFile.read(one.trained());
    try (StoredModel stored = StoredModel.open(one.source());
        Graph graph = new Graph();
        Session session = new Session(graph)) {
      Ops tf = Ops.create(graph);
      KerasObject config = stored.config().orElseThrow();
      Network network =
          Network.of(
              config, StandardLayers.registry(VL3DModelsTest.gaussian(one.source().getParent())));
      Network.Built built = network.build(tf, Mode.TRAINING);
      Operand<TFloat32> y = Operands.floats(built.outputs().get("output_0"));
      Operand<TFloat32> target = tf.placeholder(TFloat32.class, Placeholder.shape(y.shape()));
      int[] axes = IntStream.range(0, y.shape().numDimensions()).toArray();
      Operand<TFloat32> error =
          tf.math.mean(tf.math.squaredDifference(y, target), tf.constant(axes));
      if (network.trainableVariables().isEmpty()) {
        return;
      }
      TrainingStep step =
          TrainingStep.create(
              tf,
              network,
              error,
              OptimizerSettings.Adam.DEFAULT.create(graph, tf.constant((float) RATE)));
      session.initialize();
      Path bare = one.source().resolveSibling("bare");
      network.loadWeights(
          network.match(stored.weights()),
          session,
          Files.isDirectory(bare) ? KernelPoints.fromFolder(bare) : KernelPoints.fromFileOnly());
      Map<String, float[]> gradients = new LinkedHashMap<>();
      Tensors.with(
          NpzFile.read(one.source().resolveSibling("in.npz")),
          inputs -> {
            try (TFloat32 wanted = (TFloat32) Tensors.of(golden.get("target_0"))) {
              Session.Runner runner = session.runner().addTarget(step.run());
              built.inputs().forEach((name, input) -> runner.feed(input, inputs.get(name)));
              runner.feed(target, wanted);
              runner.fetch(tf.math.add(step.loss(), step.regularization()));
              step.gradients().values().forEach(runner::fetch);
              try (var found = runner.run()) {
                assertArrayEquals(
                    golden.get("loss").toDoubles(),
                    Tensors.toArray(found.get(0)).toDoubles(),
                    1e-5 * Math.max(1, golden.get("loss").toDoubles()[0]),
                    one.source() + ": loss");
                int next = 1;
                for (String name : step.gradients().keySet()) {
                  gradients.put(name, Tensors.toArray(found.get(next++)).toFloats());
                }
              }
            }
            return null;
          });
      compareWeights(one, golden, network, session, gradients);
    }
  }

  private static void compareWeights(
      Case one,
      Map<String, NpyArray> golden,
      Network network,
      Session session,
      Map<String, float[]> gradients) {
    Set<String> unknown = apart(network);
    int next = 0;
    for (Map.Entry<String, LayerVariable> weight : inOrder(one, network).entrySet()) {
      String name = weight.getKey();
      boolean bare = unknown.contains(name);
      String key = bare ? "bare." + name.replace('/', '.') : "weight_" + next;
      float[] expected = golden.get(key).toFloats();
      float[] theirs =
          golden.containsKey("gradient_" + next) && !bare
              ? golden.get("gradient_" + next).toFloats()
              : new float[expected.length];
      float[] ours = gradients.getOrDefault(name, new float[expected.length]);
      try (TFloat32 value = weight.getValue().read(session)) {
        float[] found = Tensors.toArray(value).toFloats();
        assertEquals(expected.length, found.length, one.source() + ": " + name);
        for (int i = 0; i < found.length; i++) {
          double apart = Math.abs(firstStep(theirs[i]) - firstStep(ours[i]));
          assertEquals(
              expected[i],
              found[i],
              1e-4 * Math.max(1, Math.abs(expected[i])) + apart,
              one.source() + ": " + name + " at " + i);
          assertEquals(
              theirs[i],
              ours[i],
              1e-4 * Math.max(1, Math.abs(theirs[i])),
              one.source() + ": gradient of " + name);
        }
      }
      next += bare ? 0 : 1;
    }
    assertTrue(!golden.containsKey("weight_" + next), one.source() + " has more weights in Keras");
  }

  /** The weights that Keras does not know. */
  private static Set<String> apart(Network network) {
    Set<String> names = new HashSet<>();
    for (Layer outer : network.layers()) {
      outer.visit(
          (prefix, layer) ->
              layer
                  .ownVariables()
                  .forEach(
                      (name, weight) -> {
                        if (layer.isApart(weight)) {
                          names.add(prefix + name);
                        }
                      }));
    }
    return names;
  }

  /** Keras 2 lists what is trained in a layer and its sublayers before all that is not. */
  private static Map<String, LayerVariable> inOrder(Case one, Network network) {
    if (!one.source().toString().matches(".*keras-2\\..*")) {
      return network.variables();
    }
    Map<String, LayerVariable> ordered = new LinkedHashMap<>();
    for (Layer layer : network.layers()) {
      for (boolean trained : new boolean[] {true, false}) {
        layer
            .variables()
            .forEach(
                (name, weight) -> {
                  if (weight.spec().trainable() == trained) {
                    ordered.put(name, weight);
                  }
                });
      }
    }
    return ordered;
  }

  /** Adam's first step from a gradient; where that is nothing but rounding, so is the step. */
  private static double firstStep(double gradient) {
    return RATE * gradient / (Math.abs(gradient) + 1e-7 / Math.sqrt(1 - 0.999));
  }
}
