package io.github.kpconvx.golden;

import io.github.kpconvx.inference.KPConvX;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.file.StoredModel;
import io.github.kpconvx.layer.Gradients;
import io.github.kpconvx.layer.LayerVariable;
import io.github.kpconvx.layer.Mode;
import io.github.kpconvx.layer.Operands;
import io.github.kpconvx.network.LayerRegistry;
import io.github.kpconvx.network.Network;
import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.numpy.NpzFile;
import io.github.kpconvx.tensor.Tensors;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/**
 * The gradients that {@code kpconvx_compat.port} keeps beside golden data: of the sum of all
 * floating-point outputs, each times a cotangent, by the inputs and the trained weights.
 *
 * @param golden the data
 * @param archive its model
 * @param file where the gradients are
 * @param arrays {@code cotangent/OUTPUT}, {@code input/NAME} and {@code weight/NUMBER}
 */
record GoldenGradients(GoldenData golden, Path archive, Path file, Map<String, NpyArray> arrays) {
  private static final String COTANGENT = "cotangent/";
  private static final String INPUT = "input/";
  private static final String WEIGHT = "weight/";
  private static final Tolerance TOLERANCE = new Tolerance(1e-4, 1e-4);

  static GoldenGradients read(Path directory) {
    Path file = directory.resolve("gradients.npz");
    return new GoldenGradients(
        GoldenData.read(directory), directory.resolve("model.keras"), file, NpzFile.read(file));
  }

  GoldenComparison compare(LayerRegistry layers) {
    KPConvX.Loader loader = golden.loader().withLayers(layers);
    try (StoredModel stored = StoredModel.open(archive);
        Graph graph = new Graph();
        Session session = new Session(graph)) {
      KerasObject config =
          stored
              .config()
              .orElseThrow(() -> new KerasException(archive + " holds no configuration"));
      Ops tf = Ops.create(graph);
      Network network = Network.of(config, layers);
      Network.Built built = network.build(tf, Mode.TRAINING_FIXED);
      network.loadWeights(network.match(stored.weights()), session, loader.kernelPoints());
      return compare(tf, session, network, built);
    }
  }

  private GoldenComparison compare(Ops tf, Session session, Network network, Network.Built built) {
    Map<String, Operand<TFloat32>> operands = new LinkedHashMap<>();
    Map<String, NpyArray> expected = new LinkedHashMap<>();
    under(INPUT)
        .forEach(
            name -> {
              Operand<?> input = built.inputs().get(name.substring(INPUT.length()));
              operands.put("gradient of " + name, Operands.floats(require(name, input)));
              expected.put("gradient of " + name, arrays.get(name));
            });
    List<String> weights = new ArrayList<>();
    for (Map.Entry<String, LayerVariable> weight : network.trainableVariables().entrySet()) {
      String key = WEIGHT + weights.size();
      weights.add(weight.getKey());
      String name = "gradient of weight " + weight.getKey();
      operands.put(name, weight.getValue().value());
      expected.put(name, require(key, arrays.get(key)));
    }
    long kept = under(WEIGHT).count();
    if (kept != weights.size()) {
      throw new KerasException(
          file + " has gradients of " + kept + " weights, the network trains " + weights);
    }
    List<Operand<TFloat32>> found =
        Gradients.of(tf, sum(tf, built), List.copyOf(operands.values()));
    Map<String, NpyArray> computed =
        Tensors.with(
            golden.inputs(),
            tensors -> {
              Session.Runner runner = session.runner();
              built.inputs().forEach((name, input) -> runner.feed(input, tensors.get(name)));
              found.forEach(runner::fetch);
              Map<String, NpyArray> all = new LinkedHashMap<>();
              try (Result results = runner.run()) {
                for (String name : operands.keySet()) {
                  all.put(name, Tensors.toArray(results.get(all.size())));
                }
              }
              return all;
            });
    return GoldenComparison.of(expected, computed, TOLERANCE);
  }

  private Operand<TFloat32> sum(Ops tf, Network.Built built) {
    Operand<TFloat32> sum = tf.constant(0f);
    for (String name : under(COTANGENT).toList()) {
      Operand<?> output = require(name, built.outputs().get(name.substring(COTANGENT.length())));
      Operand<TFloat32> y = Operands.floats(output);
      NpyArray factors = arrays.get(name);
      Operand<TFloat32> cotangent =
          tf.reshape(tf.constant(factors.toFloats()), tf.constant(factors.shape()));
      int[] axes = IntStream.range(0, factors.shape().length).toArray();
      sum = tf.math.add(sum, tf.reduceSum(tf.math.mul(y, cotangent), tf.constant(axes)));
    }
    return sum;
  }

  private Stream<String> under(String prefix) {
    return arrays.keySet().stream().filter(name -> name.startsWith(prefix));
  }

  private <T> T require(String name, T found) {
    if (found == null) {
      throw new KerasException(file + ": model and gradients do not agree in " + name);
    }
    return found;
  }
}
