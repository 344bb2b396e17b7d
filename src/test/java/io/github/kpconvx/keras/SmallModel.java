package io.github.kpconvx.keras;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.kpconvx.keras.weights.LayerSpec;
import io.github.kpconvx.keras.weights.StoredWeight;
import io.github.kpconvx.keras.weights.WeightSpec;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.types.TFloat32;

/**
 * The model that python-compat/test_files/keras_small_model.py writes, as the reader is told of it.
 */
public final class SmallModel {
  public static final List<String> VERSIONS = List.of("3.6.0", "3.15.1");

  private SmallModel() {}

  /** A file beside the tests. */
  public static Path file(String name) {
    try {
      return Path.of(SmallModel.class.getResource("class_names.json").toURI()).resolveSibling(name);
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  public static JsonNode json(String name) {
    try {
      return new JsonMapper().readTree(Files.readAllBytes(file(name)));
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  public static LayerSpec spec(boolean deformable) {
    LayerSpec neck =
        new LayerSpec(
            "neck",
            "Sequential",
            List.of(),
            Map.of(
                "layers",
                List.of(
                    new LayerSpec("dense", "Dense", List.of(WeightSpec.of("kernel", true, 4, 4))),
                    new LayerSpec("leaky_re_lu", "LeakyReLU", List.of()),
                    dense("dense_1", 4, 4))));
    return LayerSpec.network(
        "Functional",
        List.of(
            new LayerSpec("F", "InputLayer", List.of()),
            dense("stem", 4, 4),
            kpconvx("kp", deformable),
            new LayerSpec("dropout", "Dropout", List.of()),
            kpconvx("kp_conv_x_layer", deformable),
            neck,
            dense("head", 4, 2)));
  }

  public static LayerSpec dense(String name, long inputs, long units) {
    return new LayerSpec(
        name,
        "Dense",
        List.of(WeightSpec.of("kernel", true, inputs, units), WeightSpec.of("bias", true, units)));
  }

  public static LayerSpec kpconvx(String name, boolean deformable) {
    List<LayerSpec> normalizations = new ArrayList<>();
    for (int block = 0; block < 2; block++) {
      normalizations.add(
          new LayerSpec(
              "bn_" + block,
              "BatchNormalization",
              List.of(
                  WeightSpec.of("gamma", true, 4),
                  WeightSpec.of("beta", true, 4),
                  WeightSpec.of("moving_mean", false, 4),
                  WeightSpec.of("moving_variance", false, 4))));
    }
    return new LayerSpec(
        name,
        "KPConvXLayer",
        List.of(
            new WeightSpec("Q", Shape.of(3, 3), deformable, true),
            WeightSpec.of("W", true, 2, 3, 4),
            WeightSpec.of("phi", true, 2, 4)),
        Map.of("bn_phi", normalizations));
  }

  /** Checks every value of what was found against what Python assigned. */
  public static void assertGolden(String golden, boolean withQ, Map<String, StoredWeight> found) {
    Map<String, JsonNode> expected = new LinkedHashMap<>();
    for (JsonNode weight : json(golden)) {
      String name = weight.get("name").textValue();
      if (withQ || !name.endsWith("/Q")) {
        expected.put(name, weight);
      }
    }
    assertEquals(expected.keySet(), found.keySet());
    expected.forEach(
        (name, weight) -> {
          float[] values = new float[weight.get("values").size()];
          for (int i = 0; i < values.length; i++) {
            values[i] = weight.get("values").get(i).floatValue();
          }
          assertArrayEquals(values, values(found.get(name)), name);
        });
  }

  public static float[] values(StoredWeight weight) {
    try (TFloat32 tensor = (TFloat32) weight.read()) {
      assertEquals(weight.shape(), tensor.shape());
      float[] values = new float[(int) tensor.size()];
      tensor.copyTo(DataBuffers.of(values));
      return values;
    }
  }
}
