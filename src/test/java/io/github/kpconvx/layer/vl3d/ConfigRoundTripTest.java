package io.github.kpconvx.layer.vl3d;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.Fixtures;
import io.github.kpconvx.PythonEnvironment;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.file.KerasArchive;
import io.github.kpconvx.layer.core.BatchNormalization;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Configurations: what Python wrote, written back by Java; what Java wrote, read by Python. */
class ConfigRoundTripTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private Path directory;

  /** Every serialized layer of every parity and training model. */
  static Stream<Path> archives() {
    return Stream.of("savedmodels/parity", "savedmodels/training")
        .flatMap(folder -> Fixtures.directories(Path.of(folder)))
        .flatMap(Fixtures::directories)
        .map(directory -> directory.resolve("model.keras"))
        .filter(archive -> !layers(archive).isEmpty());
  }

  private static List<JsonNode> layers(Path archive) {
    try (KerasArchive keras = KerasArchive.open(archive)) {
      List<JsonNode> layers = new ArrayList<>();
      collect(keras.config(), layers);
      return layers;
    }
  }

  @ParameterizedTest
  @MethodSource("archives")
  void whatPythonWroteIsWrittenBackKeyForKey(Path archive) {
    for (JsonNode layer : layers(archive)) {
      KPConvXLayer read = new KPConvXLayer(KerasObject.of(layer));
      assertEquals(layer.get("config"), KerasObject.parseJson(read.getConfig()));
      assertEquals(layer, read.serialize().json());
    }
  }

  /** Also those inside of nested models. */
  private static void collect(JsonNode node, List<JsonNode> layers) {
    if (node.path("class_name").asText().equals(KPConvXLayer.CLASS_NAME)) {
      layers.add(node);
    } else {
      node.forEach(child -> collect(child, layers));
    }
  }

  @Test
  void theBuilderWritesEveryKeyThatPythonWrites() throws Exception {
    List<JsonNode> layers = new ArrayList<>();
    collect(JSON.readTree(Fixtures.text(Fixtures.of("defaults").resolve("config.json"))), layers);
    JsonNode python = layers.get(0).get("config");
    ObjectNode java =
        (ObjectNode) KerasObject.parseJson(KPConvXLayer.builder().build().getConfig());
    List<String> keys = new ArrayList<>();
    python.fieldNames().forEachRemaining(keys::add);
    List<String> found = new ArrayList<>();
    java.fieldNames().forEachRemaining(found::add);
    keys.sort(null);
    found.sort(null);
    assertEquals(keys, found);
  }

  @ParameterizedTest
  @ValueSource(strings = {".venv-tf218", ".venv-latest"})
  void pythonReadsWhatJavaWrote(String environment) throws Exception {
    PythonEnvironment python = PythonEnvironment.find(environment);
    long seed = ThreadLocalRandom.current().nextInt(1_000_000);
    System.out.println("Configurations drawn from seed " + seed + " for " + environment);
    Random random = new Random(seed);
    ArrayNode written = JSON.createArrayNode();
    for (int i = 0; i < 12; i++) {
      ObjectNode layer = layer(random, i);
      if (i % 3 == 2) {
        layer.remove(List.of("module", "registered_name"));
      }
      written.add(layer);
    }
    written.add(
        new FibonacciShellInitializer(List.of(0.0, 0.4, 1.25), List.of(1, 6, 9))
            .serialize(true)
            .json());
    written.add(BatchNormalization.withMomentum("norm", 0.8).serialize().json());
    Path source = directory.resolve("written.json");
    Path target = directory.resolve("read.json");
    Files.writeString(source, written.toString());
    python.run("-m", "kpconvx_compat.rewrite_configs", source.toString(), target.toString());
    JsonNode read = JSON.readTree(Files.readString(target));
    assertEquals(written.size(), read.size());
    for (int i = 0; i < written.size(); i++) {
      assertContains(written.get(i).get("config"), read.get(i), "object " + i);
    }
  }

  private static ObjectNode layer(Random random, int i) throws Exception {
    String[] activations = {
      "\"relu\"",
      "\"gelu\"",
      "{\"module\":\"keras.layers\",\"class_name\":\"ReLU\",\"config\":{\"name\":\"r\",\"trainable\":true,"
          + "\"dtype\":\"float32\",\"max_value\":6.0,\"negative_slope\":0.1,\"threshold\":0.2},\"registered_name\":null}"
    };
    String[] regularizers = {
      "null", "\"l2\"", "{\"class_name\":\"L1L2\",\"config\":{\"l1\":0.01,\"l2\":0.02}}"
    };
    String[] constraints = {
      "null",
      "\"non_neg\"",
      "{\"module\":\"keras.constraints\",\"class_name\":\"MinMaxNorm\",\"config\":{\"min_value\":0.1,"
          + "\"max_value\":2.0,\"rate\":0.5,\"axis\":0},\"registered_name\":null}"
    };
    String[] initializers = {
      "null",
      "\"he_uniform\"",
      "{\"module\":\"keras.initializers\",\"class_name\":\"VarianceScaling\",\"config\":{\"scale\":2.0,"
          + "\"mode\":\"fan_avg\",\"distribution\":\"uniform\",\"seed\":3},\"registered_name\":null}"
    };
    int blocks = 1 + random.nextInt(3);
    ArrayNode normalizations = JSON.createArrayNode();
    for (int t = 0; t < blocks; t++) {
      normalizations.add(
          BatchNormalization.withMomentum("norm_" + t, random.nextDouble()).serialize().json());
    }
    KPConvXLayer.Builder builder =
        KPConvXLayer.builder()
            .name("conv_" + i)
            .blocks(blocks)
            .dropPath(random.nextDouble())
            .sigma(0.1 + random.nextDouble())
            .shells(List.of(0.0, 0.5 + random.nextDouble()), List.of(1, 2 + random.nextInt(12)))
            .hiddenChannels(1 + random.nextInt(64))
            .groups(1 + random.nextInt(8))
            .deformable(random.nextBoolean())
            .bnMomentum(random.nextDouble())
            .set("initializer", JSON.readTree(initializers[random.nextInt(3)]))
            .set("regularizer", JSON.readTree(regularizers[random.nextInt(3)]))
            .set("constraint", JSON.readTree(constraints[random.nextInt(3)]))
            .set("activation", JSON.readTree(activations[random.nextInt(3)]));
    if (random.nextBoolean()) {
      builder.set("bn_htilde", normalizations);
    }
    return builder.build().serialize().json();
  }

  /** Python may add keys of its own version; all of Java's are there, numbers equal by value. */
  private static void assertContains(JsonNode expected, JsonNode found, String where) {
    if (expected.isNumber()) {
      assertEquals(expected.doubleValue(), found.doubleValue(), 1e-12, where);
    } else if (expected.isArray()) {
      assertEquals(expected.size(), found.size(), where);
      for (int i = 0; i < expected.size(); i++) {
        assertContains(expected.get(i), found.get(i), where + "[" + i + "]");
      }
    } else if (expected.isObject()) {
      for (Map.Entry<String, JsonNode> entry : expected.properties()) {
        JsonNode value = found.get(entry.getKey());
        assertNotNull(value, where + "." + entry.getKey() + " is missing in " + found);
        if (!entry.getKey().equals("dtype")) {
          assertContains(entry.getValue(), value, where + "." + entry.getKey());
        }
      }
    } else {
      assertEquals(expected, found, where);
    }
  }
}
