package io.github.kpconvx.layer.function;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.NullNode;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tensorflow.EagerSession;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

class InitializerTest {

  private static Initializer read(String json) {
    return Initializer.of(
        "Dense \"head\"", "kernel_initializer", KerasObject.parseJson(json), null);
  }

  private static Initializer read(String className, String config) {
    return read("{\"class_name\": \"%s\", \"config\": {%s}}".formatted(className, config));
  }

  /** The values that an initializer makes eagerly. */
  private static float[] values(Initializer initializer, long seed, long... shape) {
    try (EagerSession session = EagerSession.create();
        TFloat32 tensor = initializer.call(Ops.create(session), Shape.of(shape), seed).asTensor()) {
      assertArrayEquals(shape, tensor.shape().asArray());
      float[] values = new float[(int) tensor.size()];
      tensor.copyTo(DataBuffers.of(values));
      return values;
    }
  }

  @Test
  void nullIsWhatTheCallerSays() {
    Initializer other = (tf, shape, seed) -> null;
    assertSame(other, Initializer.of("Owner", "key", NullNode.getInstance(), other));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"one_hot\"|Dense \"head\": unknown kernel_initializer \"one_hot\"; known initializers are"
            + " Constant, GlorotNormal, GlorotUniform, HeNormal, HeUniform, Identity, LecunNormal,"
            + " LecunUniform, Ones, Orthogonal, RandomNormal, RandomUniform, TruncatedNormal,"
            + " VarianceScaling, Zeros",
        "\"GLOROT_UNIFORM\"|unknown kernel_initializer",
        "3|unknown kernel_initializer 3",
        "{\"class_name\": \"Zeros\"}|unknown kernel_initializer {\"class_name\":\"Zeros\"}",
        "\"STFT\"|kernel_initializer STFT makes the kernels of spectrograms",
      })
  void refusesWhatItDoesNotKnow(String json, String message) {
    KerasException error = assertThrows(KerasException.class, () -> read(json));
    assertTrue(error.getMessage().contains(message), error.getMessage());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "Zeros|\"value\": 1|Dense \"head\": kernel_initializer Zeros: unknown configuration key"
            + " \"value\"; known keys are dtype",
        "Zeros|\"trainable\": true|unknown configuration key \"trainable\"",
        "Ones|\"dtype\": \"int32\"|dtype = \"int32\", expected \"float16\" or",
        "Constant|\"value\": \"a\"|value = \"a\", expected a finite number",
        "Constant|\"value\": [1, \"a\"]|value = \"a\", expected a finite number",
        "Constant|\"seed\": 1|unknown configuration key \"seed\"",
        "Identity|\"gain\": NaN|gain = \"NaN\", expected a finite number",
        "Identity|\"seed\": 1|unknown configuration key \"seed\"",
        "RandomNormal|\"stddev\": -1|stddev = -1, expected a finite number of at least 0.0",
        "RandomNormal|\"mean\": null|mean = null, expected a finite number",
        "RandomNormal|\"std\": 1|known keys are dtype, mean, seed, stddev",
        "TruncatedNormal|\"stddev\": -1|stddev = -1",
        "TruncatedNormal|\"mean\": \"a\"|mean = \"a\"",
        "TruncatedNormal|\"std\": 1|known keys are dtype, mean, seed, stddev",
        "RandomUniform|\"minval\": 1|maxval = 0.05, expected a finite number of at least 1.0",
        "RandomUniform|\"minval\": 1, \"maxval\": 0.5|maxval = 0.5, expected a finite number of",
        "RandomUniform|\"mean\": 1|known keys are dtype, maxval, minval, seed",
        "VarianceScaling|\"scale\": 0|scale = 0, expected a number greater than 0",
        "VarianceScaling|\"mode\": \"fan\"|mode = \"fan\", expected \"fan_in\" or \"fan_out\" or",
        "VarianceScaling|\"distribution\": \"gamma\"|distribution = \"gamma\", expected \"uniform\"",
        "VarianceScaling|\"gain\": 1|known keys are distribution, dtype, input_axes, mode,",
        "HeNormal|\"scale\": 1|known keys are dtype, input_axes, output_axes, seed",
        "HeNormal|\"input_axes\": \"a\"|input_axes = \"a\", expected null or an axis or a list of axes",
        "HeNormal|\"output_axes\": [0.5]|output_axes = 0.5, expected an integer",
        "Orthogonal|\"gain\": []|gain = [], expected a finite number",
        "Orthogonal|\"scale\": 1|known keys are dtype, gain, seed",
        "Orthogonal|\"seed\": 1.5|seed = 1.5, expected null or an integer or a serialized",
        "HeUniform|\"seed\": \"a\"|seed = \"a\", expected null",
        "HeUniform|\"seed\": 99999999999999999999|seed = 99999999999999999999, expected null",
        "HeUniform|\"seed\": {\"class_name\": \"Dice\", \"config\": {}}|seed = {\"class_name\"",
        "HeUniform|\"seed\": {\"module\": \"me\", \"class_name\": \"SeedGenerator\", \"config\": {}}"
            + "|seed = {\"module\"",
        "HeUniform|\"seed\": {\"class_name\": \"SeedGenerator\", \"config\": {\"seed\": \"a\"}}"
            + "|seed = {\"class_name\"",
      })
  void refusesAnArgumentThatIsNotAllowed(String className, String config, String message) {
    KerasException error = assertThrows(KerasException.class, () -> read(className, config));
    assertTrue(error.getMessage().contains(message), error.getMessage());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "Identity||2,3,3|shape of the weight = [2, 3, 3], expected a matrix",
        "Identity||3|shape of the weight = [3], expected a matrix",
        "Orthogonal||3|shape of the weight = [3], expected at least two dimensions",
        "HeNormal|\"input_axes\": [2], \"output_axes\": [0]|3,4|input_axes = [2], expected different",
        "HeNormal|\"input_axes\": [0], \"output_axes\": [-3]|3,4|output_axes = [-3], expected",
      })
  void refusesAShapeThatItIsNotMadeFor(
      String className, String config, String shape, String message) {
    long[] dimensions = Arrays.stream(shape.split(",", -1)).mapToLong(Long::parseLong).toArray();
    Initializer initializer = read(className, config == null ? "" : config);
    KerasException error =
        assertThrows(KerasException.class, () -> values(initializer, 1, dimensions));
    assertTrue(error.getMessage().contains(message), error.getMessage());
  }

  @Test
  void aConstantMayBeAsManyNumbersAsTheWeightHas() {
    Initializer identity = read("Constant", "\"value\": [1, 0, 0, 1]");
    assertArrayEquals(new float[] {1, 0, 0, 1}, values(identity, 1, 4));
    KerasException error = assertThrows(KerasException.class, () -> values(identity, 1, 3));
    assertTrue(error.getMessage().contains("value = [1,0,0,1], expected"), error.getMessage());
  }

  @Test
  void readsKeras2sDataTypeAndNumPyScalars() {
    assertArrayEquals(new float[] {0, 0}, values(read("Zeros", "\"dtype\": \"float32\""), 1, 2));
    String number =
        "{\"class_name\": \"__numpy__\", \"config\": {\"value\": 2.5, \"dtype\": \"float32\"}}";
    assertArrayEquals(
        new float[] {2.5f, 2.5f}, values(read("Constant", "\"value\": " + number), 1, 2));
  }

  /** Mean and deviation of many draws, and the bounds that they keep to. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "RandomNormal|\"mean\": 1, \"stddev\": 2|1|2|1000",
        "TruncatedNormal|\"mean\": 1, \"stddev\": 2|1|1.7592513|4",
        "RandomUniform|\"minval\": -1, \"maxval\": 3|1|1.1547005|2",
        // Fans of (blocks, m, D) = (2, 150, 100): 2·150 and 2·100.
        "GlorotUniform||0|0.0632456|0.1095445",
        "GlorotNormal||0|0.0632456|0.1438009",
        "HeUniform||0|0.0816497|0.1414214",
        "HeNormal||0|0.0816497|0.1856462",
        "LecunUniform||0|0.0577350|0.1",
        "LecunNormal||0|0.0577350|0.1312717",
        "VarianceScaling|\"mode\": \"fan_out\", \"distribution\": \"untruncated_normal\""
            + "|0|0.0707107|1000",
      })
  void drawsFromItsDistribution(
      String className, String config, double mean, double deviation, double farthest) {
    float[] values = values(read(className, config == null ? "" : config), 5, 2, 150, 100);
    double[] offsets =
        IntStream.range(0, values.length).mapToDouble(i -> values[i] - mean).toArray();
    double found = Math.sqrt(Arrays.stream(offsets).map(d -> d * d).average().orElseThrow());
    // Four standard errors of 30,000 draws; those of a deviation are at most as large.
    double error = 4 * deviation / Math.sqrt(values.length);
    assertEquals(0, Arrays.stream(offsets).average().orElseThrow(), error);
    assertEquals(deviation, found, error);
    double most = Arrays.stream(offsets).map(Math::abs).max().orElseThrow();
    assertTrue(most <= farthest * (1 + 1e-6), most + " is beyond " + farthest);
    if (farthest < 1000) {
      assertTrue(most > 0.99 * farthest, most + " is far from " + farthest);
    } else {
      assertTrue(most > 3 * deviation, "no draw is far from the mean");
    }
  }

  @ParameterizedTest
  @CsvSource({"20,30", "30,20", "25,25"})
  void orthogonalRowsOrColumns(int rows, int columns) {
    // As a weight of rank 3, whose leading dimensions are one.
    float[] q = values(read("Orthogonal", "\"gain\": 2"), 3, 5, rows / 5, columns);
    boolean wide = rows < columns;
    int vectors = Math.min(rows, columns);
    for (int a = 0; a < vectors; a++) {
      for (int b = 0; b <= a; b++) {
        double product = 0;
        for (int i = 0; i < Math.max(rows, columns); i++) {
          product +=
              wide
                  ? q[a * columns + i] * q[b * columns + i]
                  : q[i * columns + a] * q[i * columns + b];
        }
        assertEquals(a == b ? 4 : 0, product, 1e-5);
      }
    }
  }

  @Test
  void theSeedOfTheConfigurationWinsOverTheCallers() {
    Initializer seeded = read("RandomNormal", "\"seed\": 7");
    Initializer unseeded = read("RandomNormal", "\"seed\": null");
    float[] seven = values(seeded, 1, 8);
    assertArrayEquals(seven, values(seeded, 2, 8));
    assertArrayEquals(seven, values(unseeded, 7, 8));
    assertFalse(Arrays.equals(seven, values(unseeded, 8, 8)));
    assertArrayEquals(values(unseeded, -3, 8), values(unseeded, -3, 8));
  }

  @Test
  void aSeedGeneratorWithoutASeedTakesTheCallersAndCounts() {
    String generator =
        "\"seed\": {\"class_name\": \"SeedGenerator\", \"config\": {\"seed\": null}}";
    Initializer counting = read("RandomNormal", generator);
    float[] first = values(counting, 7, 8);
    assertArrayEquals(values(read("RandomNormal", ""), 7, 8), first);
    assertFalse(Arrays.equals(first, values(counting, 7, 8)));
  }
}
