package io.github.kpconvx.inference;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.Fixtures;
import io.github.kpconvx.keras.file.StoredModel;
import io.github.kpconvx.layer.KernelPoints;
import io.github.kpconvx.layer.Mode;
import io.github.kpconvx.layer.Operands;
import io.github.kpconvx.network.Network;
import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.numpy.NpzFile;
import io.github.kpconvx.tensor.Tensors;
import io.github.kpconvx.training.OptimizerSettings;
import io.github.kpconvx.training.TrainingStep;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;

/**
 * Whole runs of training of VL3D's networks against what Keras recorded of the same: the loss
 * before every step of Adam, with the layers' regularization losses.
 */
class VL3DTrainingRunTest {
  private static final Path MADE = Path.of("src/test/resources/vl3d/made");
  private static final float RATE = 0.001f;
  private static final int STEPS = 50;

  /** In parts of a loss; Python's own tests hold other versions of Keras to as much. */
  private static final double TOLERANCE = 1e-5;

  @ParameterizedTest
  @ValueSource(strings = {"point_net/keras-2.15", "point_net/keras-3.6"})
  void hasTheLossesOfKeras(String model) {
    compare(MADE.resolve(model + ".keras"));
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
    compare(MADE.resolve(model + ".keras"));
  }

  private static void compare(Path source) {
    Map<String, NpyArray> golden =
        NpzFile.read(Path.of(source.toString().replace(".keras", "-trained.npz")));
    double[] expected = golden.get("loss").toDoubles();
    assertEquals(STEPS, expected.length);
    double[] found = train(source, golden.get("target_0"));
    double worst = 0;
    for (int i = 0; i < STEPS; i++) {
      worst = Math.max(worst, Math.abs(found[i] - expected[i]) / Math.abs(expected[i]));
    }
    System.out.printf(
        "%s: losses from %.4f to %.4f; Java and Keras differ by %.1e of a loss%n",
        source, expected[0], expected[STEPS - 1], worst);
    assertTrue(
        worst <= TOLERANCE,
        () -> source + ": expected " + Arrays.toString(expected) + ", " + Arrays.toString(found));
    assertTrue(
        expected[STEPS - 1] < 0.95 * expected[0],
        () -> "no learning: " + Arrays.toString(expected));
  }

  /** The loss before each step, on the mean squared difference from the target. */
  private static double[] train(Path source, NpyArray target) {
    try (StoredModel stored = StoredModel.open(source);
        Graph graph = new Graph();
        Session session = new Session(graph);
        TFloat32 wanted = (TFloat32) Tensors.of(target)) {
      Ops tf = Ops.create(graph);
      Network network =
          Network.of(
              stored.config().orElseThrow(),
              StandardLayers.registry(VL3DModelsTest.gaussian(source.getParent())));
      Network.Built built = network.build(tf, Mode.TRAINING);
      Operand<TFloat32> y = Operands.floats(built.outputs().get("output_0"));
      Operand<TFloat32> placeholder = tf.placeholder(TFloat32.class, Placeholder.shape(y.shape()));
      int[] axes = IntStream.range(0, y.shape().numDimensions()).toArray();
      TrainingStep step =
          TrainingStep.create(
              tf,
              network,
              tf.math.mean(tf.math.squaredDifference(y, placeholder), tf.constant(axes)),
              OptimizerSettings.Adam.DEFAULT.create(graph, tf.constant(RATE)));
      Operand<TFloat32> total = tf.math.add(step.loss(), step.regularization());
      session.initialize();
      Path bare = source.resolveSibling("bare");
      network.loadWeights(
          network.match(stored.weights()),
          session,
          Files.isDirectory(bare) ? KernelPoints.fromFolder(bare) : KernelPoints.fromFileOnly());
      return Tensors.with(
          NpzFile.read(source.resolveSibling("in.npz")),
          inputs -> {
            double[] losses = new double[STEPS];
            for (int i = 0; i < STEPS; i++) {
              Session.Runner runner = session.runner().addTarget(step.run());
              built.inputs().forEach((name, input) -> runner.feed(input, inputs.get(name)));
              try (var results = runner.feed(placeholder, wanted).fetch(total).run()) {
                losses[i] = ((TFloat32) results.get(0)).getFloat();
              }
            }
            return losses;
          });
    }
  }
}
