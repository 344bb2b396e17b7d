package io.github.kpconvx.inference;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.Fixtures;
import io.github.kpconvx.PythonEnvironment;
import io.github.kpconvx.VL3DModel;
import io.github.kpconvx.VL3DNetwork;
import io.github.kpconvx.layer.KernelPointsTarget;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.LayerVariable;
import io.github.kpconvx.layer.Mode;
import io.github.kpconvx.network.Network;
import io.github.kpconvx.network.WriteOptions;
import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.numpy.NpzFile;
import io.github.kpconvx.tensor.Tensors;
import io.github.kpconvx.training.OptimizerSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
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

  private record Case(VL3DModel source, Path trained) {}

  /** Those whose training drops nothing at random, or has an answer at all. */
  private static boolean trains(VL3DModel source) {
    return !source.name().matches("g1_kpconvx_autoencoder|.*one_neighbour");
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
    for (VL3DModel source : VL3DModel.all().toList()) {
      if (source.file().endsWith(version + ".keras")
          && !source.folder().startsWith(VL3DModel.RECORDED)
          && wanted.matcher(source.name()).matches()) {
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
  private Case write(VL3DModel source, ArrayNode jobs, boolean readsWeights) throws IOException {
    Path folder = Files.createDirectories(directory.resolve(source.name()));
    Path bare = Files.createDirectories(folder.resolve("bare"));
    Path archive = folder.resolve("model.keras");
    Path weights = folder.resolve("model.weights.h5");
    Path savedModel = folder.resolve("saved_model");
    boolean network = !source.name().startsWith("e_");
    for (Path target :
        network ? List.of(archive, weights, savedModel) : List.of(archive, weights)) {
      source.loader().convert(target, new WriteOptions(true, KernelPointsTarget.toFolder(bare)));
    }
    Path trained = folder.resolve("trained.npz");
    Optional<Path> untracked =
        Fixtures.files(bare).isEmpty() ? Optional.empty() : Optional.of(bare);
    ObjectNode first = source.job(archive, untracked);
    if (trains(source)) {
      first.put("adam", RATE).put("out", trained.toString());
    }
    jobs.add(first);
    if (readsWeights) {
      jobs.add(source.job(archive, untracked).put("weights", weights.toString()));
    }
    if (network) {
      jobs.add(source.job(savedModel, Optional.empty()));
    }
    return new Case(source, trained);
  }

  private static void compareStep(Case one) {
    if (!Files.exists(one.trained())) {
      return;
    }
    Map<String, NpyArray> golden = NpzFile.read(one.trained());
    try (VL3DNetwork run = new VL3DNetwork(one.source(), Mode.TRAINING)) {
      if (run.network().trainableVariables().isEmpty()) {
        return;
      }
      Map<String, NpyArray> step =
          run.training(OptimizerSettings.Adam.DEFAULT, RATE, golden.get("target_0")).step();
      assertArrayEquals(
          golden.get("loss").toDoubles(),
          step.remove("loss").toDoubles(),
          1e-5 * Math.max(1, golden.get("loss").toDoubles()[0]),
          one.source() + ": loss");
      compareWeights(one, golden, run, step);
    }
  }

  private static void compareWeights(
      Case one, Map<String, NpyArray> golden, VL3DNetwork run, Map<String, NpyArray> gradients) {
    Set<String> unknown = apart(run.network());
    int next = 0;
    for (Map.Entry<String, LayerVariable> weight : inOrder(one, run.network()).entrySet()) {
      String name = weight.getKey();
      boolean bare = unknown.contains(name);
      String key = bare ? "bare." + name.replace('/', '.') : "weight_" + next;
      float[] expected = golden.get(key).toFloats();
      float[] theirs =
          golden.containsKey("gradient_" + next) && !bare
              ? golden.get("gradient_" + next).toFloats()
              : new float[expected.length];
      float[] ours =
          gradients.containsKey(name) ? gradients.get(name).toFloats() : new float[expected.length];
      try (TFloat32 value = weight.getValue().read(run.session())) {
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
