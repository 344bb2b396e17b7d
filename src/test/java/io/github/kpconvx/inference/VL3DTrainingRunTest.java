package io.github.kpconvx.inference;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.Fixtures;
import io.github.kpconvx.PythonEnvironment;
import io.github.kpconvx.VL3DModel;
import io.github.kpconvx.VL3DNetwork;
import io.github.kpconvx.layer.Mode;
import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.numpy.NpzFile;
import io.github.kpconvx.training.OptimizerSettings;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Whole runs of training of VL3D's networks against what Keras recorded, or computes live, of the
 * same: the loss before every step of Adam, with the layers' regularization losses.
 */
class VL3DTrainingRunTest {
  private static final double RATE = 0.001;
  private static final int STEPS = 50;

  /** In parts of a loss; Python's own tests hold other versions of Keras to as much. */
  private static final double TOLERANCE = 1e-5;

  @TempDir private Path directory;

  @ParameterizedTest
  @ValueSource(strings = {"point_net/keras-2.15", "point_net/keras-3.6"})
  void hasTheLossesOfKeras(String model) {
    compare(VL3DModel.MADE.resolve(model + ".keras"));
  }

  @Tag(Fixtures.FULL)
  @ParameterizedTest
  @ValueSource(
      strings = {
        "kpconv_autoencoder/keras-2.15",
        "kpconv_autoencoder/keras-3.6",
        "kpconvx_hierarchy/keras-2.15",
        "kpconvx_hierarchy/keras-3.6"
      })
  void networksOfKernelPointsToo(String model) {
    compare(VL3DModel.MADE.resolve(model + ".keras"));
  }

  private static void compare(Path source) {
    Map<String, NpyArray> golden =
        NpzFile.read(Path.of(source.toString().replace(".keras", "-trained.npz")));
    double[] expected = golden.get("loss").toDoubles();
    assertEquals(STEPS, expected.length);
    try (VL3DNetwork network = new VL3DNetwork(new VL3DModel(source), Mode.TRAINING)) {
      double[] found =
          network
              .training(OptimizerSettings.Adam.DEFAULT, RATE, golden.get("target_0"))
              .losses(STEPS);
      compare(source.toString(), expected, found);
    }
  }

  private static void compare(String what, double[] expected, double[] found) {
    int last = expected.length - 1;
    assertEquals(last, found.length - 1);
    double worst = 0;
    for (int i = 0; i <= last; i++) {
      worst = Math.max(worst, Math.abs(found[i] - expected[i]) / Math.abs(expected[i]));
    }
    System.out.printf(
        "%s: losses from %.4f to %.4f; Java and Keras differ by %.1e of a loss%n",
        what, expected[0], expected[last], worst);
    assertTrue(
        worst <= TOLERANCE,
        () -> what + ": expected " + Arrays.toString(expected) + ", " + Arrays.toString(found));
    assertTrue(
        expected[last] < 0.95 * expected[0], () -> "no learning: " + Arrays.toString(expected));
  }

  /**
   * VL3D's own networks, live. Adam with Keras's epsilon makes whole steps of gradients that are
   * nothing but rounding, those of biases ahead of a batch normalization; in {@code a1} that
   * decides the losses after some 20 steps, and versions of Keras differ by 1e-3 of them. So it is
   * compared for 20 steps, and for all 50 with an epsilon that rounding does not reach. Moving
   * statistics, and with them the answers in inference, hold what such steps moved; the loss after
   * the last step does not.
   */
  @Tag(Fixtures.FULL)
  @ParameterizedTest
  @CsvSource({
    ".venv-tf212, a3_trained, keras-2.12, 1e-7, 50",
    ".venv-tf212, a1_kpconv_autoencoder, keras-2.12, 1e-7, 20",
    ".venv-latest, a1_kpconv_autoencoder, keras-3.15, 1e-4, 50"
  })
  void endsAsKerasDoes(String environment, String name, String version, double epsilon, int steps)
      throws Exception {
    PythonEnvironment python = PythonEnvironment.find(environment);
    VL3DModel model = new VL3DModel(VL3DModel.ORIGINAL.resolve(name).resolve(version + ".keras"));
    Path trained = directory.resolve("trained.npz");
    ObjectNode job =
        model
            .job(model.file(), model.untracked())
            .put("adam", RATE)
            .put("epsilon", epsilon)
            .put("out", trained.toString());
    // One more, for the loss after the last.
    job.put("steps", steps + 1);
    Path jobs = directory.resolve("jobs.json");
    Files.writeString(jobs, "[" + job + "]");
    python.run("-m", "kpconvx_compat.vl3d.check", jobs.toString());
    Map<String, NpyArray> golden = NpzFile.read(trained);
    try (VL3DNetwork network = new VL3DNetwork(model, Mode.TRAINING)) {
      OptimizerSettings adam = new OptimizerSettings.Adam(0.9, 0.999, epsilon, 0);
      double[] found = network.training(adam, RATE, golden.get("target_0")).losses(steps + 1);
      compare(model + ", epsilon " + epsilon, golden.get("loss").toDoubles(), found);
    }
  }
}
