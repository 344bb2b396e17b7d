package io.github.kpconvx.inference;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.kpconvx.Fixtures;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.network.UnsupportedModelException;
import io.github.kpconvx.numpy.NpzFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

/** A SavedModel of layers that nobody knows answers by its stored graph. */
class UnsupportedSavedModelTest {
  private static final Path CASE = Fixtures.of("network_segmentation");

  @TempDir private Path directory;

  @BeforeEach
  void copy() throws IOException {
    Path sound = CASE.resolve("saved_model");
    try (Stream<Path> files = Files.walk(sound)) {
      for (Path file : files.toList()) {
        Path target = directory.resolve(sound.relativize(file).toString());
        if (!Files.isDirectory(target)) {
          Files.copy(file, target);
        }
      }
    }
    Path config = directory.resolve("assets.extra").resolve("keras_config.json");
    String text = Files.readString(config);
    assertTrue(text.contains("\"class_name\": \"Dense\""), text);
    Files.writeString(
        config, text.replace("\"class_name\": \"Dense\"", "\"class_name\": \"Denser\""));
  }

  @Test
  void isRunByItsStoredGraphAndSaysWhy() {
    try (Model model = KPConvX.load(directory)) {
      assertEquals(Engine.SAVEDMODEL, model.engine());
      assertTrue(
          model.engineReason().matches(".*cannot be rebuilt.*unknown layer Denser.*"),
          model.engineReason());
      assertArrayEquals(
          NpzFile.read(CASE.resolve("golden.npz")).get("output_0").toFloats(),
          model
              .predictArrays(NpzFile.read(CASE.resolve("inputs.npz")), model.outputs().keySet())
              .get("output_0")
              .toFloats(),
          1e-5f);
    }
  }

  @Test
  void isDescribedSo() {
    ModelDescription description = ModelDescription.of(directory);
    JsonNode json = description.toJson();
    assertEquals("savedmodel", json.get("engine").textValue());
    assertTrue(json.get("engine_reason").textValue().contains("Denser"), json.toString());
    assertFalse(json.get("unsupported").isEmpty());
    assertEquals("Denser", json.at("/unknown_layers/0/registered_as").textValue());
    assertEquals(
        "folded",
        ModelDescription.of(CASE.resolve("saved_model")).toJson().get("engine").textValue());
    assertTrue(
        ModelDescription.of(CASE.resolve("model.weights.h5")).toJson().get("engine").isNull());
  }

  @ParameterizedTest
  @EnumSource(
      mode = Mode.EXCLUDE,
      names = {"AUTO", "SAVEDMODEL"})
  void isAnErrorForWhoAsksForTheNetwork(Engine engine) {
    KPConvX.Loader loader = KPConvX.loader(directory).withEngine(engine);
    UnsupportedModelException error = assertThrows(UnsupportedModelException.class, loader::load);
    assertTrue(error.getMessage().startsWith(directory + ": Cannot rebuild "), error.getMessage());
  }

  @Test
  void damageIsNoReasonToRunTheStoredGraph() throws IOException {
    Path config = directory.resolve("assets.extra").resolve("keras_config.json");
    Files.writeString(config, Files.readString(config).replace("Denser", "Dense"));
    Path weights = directory.resolve("variables").resolve("variables.data-00000-of-00001");
    Files.write(weights, new byte[8]);
    KPConvX.Loader loader = KPConvX.loader(directory);
    assertTrue(assertThrows(KerasException.class, loader::load).getMessage().contains("variables"));
  }
}
