package io.github.kpconvx.layer.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.CallContext;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.Mode;
import io.github.kpconvx.layer.RandomSource;
import java.util.List;
import java.util.stream.DoubleStream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/** What noise does in training: mean and standard deviation of many values, from one seed. */
class GaussianNoiseTest {
  private static final Shape SHAPE = Shape.of(20, 50, 20);

  private static Layer layer(String name, String config) {
    KerasObject object =
        KerasObject.of("keras.layers", name, null, (ObjectNode) KerasObject.parseJson(config));
    return GaussianNoise.CLASS_NAMES.contains(name)
        ? new GaussianNoise(object)
        : new Dropout(object);
  }

  /** What becomes of a tensor of one number. */
  private static double[] of(Layer layer, float x) {
    try (Graph graph = new Graph();
        Session session = new Session(graph)) {
      Ops tf = Ops.create(graph);
      Operand<TFloat32> input = tf.fill(tf.constant(SHAPE), tf.constant(x));
      layer.build(tf, List.of(SHAPE));
      CallContext context =
          CallContext.of(Mode.TRAINING)
              .withRandom(RandomSource.seeded(tf.constant(new long[] {3, 0})));
      Operand<TFloat32> y = layer.call(tf, List.of(input), context);
      try (TFloat32 found = (TFloat32) session.runner().fetch(y).run().get(0)) {
        return StreamSupport.stream(found.scalars().spliterator(), false)
            .mapToDouble(value -> value.getFloat())
            .toArray();
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "GaussianNoise, stddev, 0.5, 2, 0.5",
    "GaussianDropout, rate, 0.2, 2, 1",
    "GaussianDropout, rate, 0.5, 3, 3"
  })
  void hasTheMeanOfItsInputAndItsDeviation(
      String name, String key, double value, float x, double deviation) {
    double[] found = of(layer(name, "{\"%s\": %s}".formatted(key, value)), x);
    double mean = DoubleStream.of(found).average().orElseThrow();
    double square =
        DoubleStream.of(found).map(y -> (y - mean) * (y - mean)).average().orElseThrow();
    // 20,000 values: six standard deviations of the mean and of the standard deviation.
    assertEquals(x, mean, 6 * deviation / Math.sqrt(found.length));
    assertEquals(deviation, Math.sqrt(square), 6 * deviation / Math.sqrt(2.0 * found.length));
  }

  @Test
  void alphaDropoutTakesTwoValuesAsOftenAsItsRateSays() {
    double rate = 0.3;
    double least = -1.7580993408473766;
    double factor = 1 / Math.sqrt((1 - rate) * (1 + rate * least * least));
    double[] found = of(layer("AlphaDropout", "{\"rate\": 0.3}"), 2);
    double dropped = factor * least - factor * least * rate;
    double kept = factor * 2 - factor * least * rate;
    long drops = 0;
    for (double y : found) {
      boolean isDropped = Math.abs(y - dropped) < Math.abs(y - kept);
      assertEquals(isDropped ? dropped : kept, y, 1e-6);
      drops += isDropped ? 1 : 0;
    }
    assertEquals(rate, (double) drops / found.length, 6 * Math.sqrt(0.21 / found.length));
  }

  @Test
  void spatialDropoutDropsWholeChannels() {
    double[] found = of(layer("SpatialDropout1D", "{\"rate\": 0.5}"), 1);
    int drops = 0;
    for (int b = 0; b < 20; b++) {
      for (int c = 0; c < 20; c++) {
        double first = found[b * 1000 + c];
        for (int i = 0; i < 50; i++) {
          assertEquals(first, found[b * 1000 + i * 20 + c]);
        }
        drops += first == 0 ? 1 : 0;
      }
    }
    assertEquals(200, drops, 60);
  }

  @ParameterizedTest
  @CsvSource({"GaussianDropout, rate", "AlphaDropout, rate"})
  void trainingRefusesToDropAll(String name, String key) {
    Layer layer = layer(name, "{\"%s\": 1.0}".formatted(key));
    assertThrows(KerasException.class, () -> of(layer, 1));
  }
}
