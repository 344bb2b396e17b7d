package io.github.kpconvx.keras.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.keras.KerasException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class ConfigReaderTest {

  private static ConfigReader reader(String json) {
    return ConfigReader.of("Owner", (ObjectNode) KerasObject.parseJson(json));
  }

  private static void assertRefused(String message, Executable read) {
    assertEquals(message, assertThrows(KerasException.class, read).getMessage());
  }

  @Test
  void readsScalarsListsAndTuplesInTheFormsThatKerasWrites() {
    ConfigReader config =
        reader(
            """
            {"scalar": {"class_name": "__numpy__", "config": {"value": 3.0, "dtype": "float32"}},
             "tensor": {"class_name": "__tensor__", "config": {"value": 0.5, "dtype": "float32"}},
             "array": {"class_name": "__numpy__", "config": {"value": [1, 2], "dtype": "int64"}},
             "tuple": {"class_name": "__tuple__", "items": [4, 5]}}
            """);
    assertEquals(3, config.number("scalar", 0));
    assertEquals(3, config.integer("scalar", 0, 3));
    assertEquals(0.5, config.number("tensor", 0, 0.5));
    assertEquals(List.of(1, 2), config.integers("array", List.of(), 1));
    assertEquals(List.of(4.0, 5.0), config.numbers("tuple", List.of()));
    assertEquals(7, config.number("missing", 7, 7));
    assertEquals("Owner", config.owner());
  }

  @Test
  void namesWhatItFoundAndWhatItExpected() {
    ConfigReader config = reader("{\"n\": 1.5, \"x\": -2}");
    assertRefused(
        "Owner: n = 1.5, expected an integer", () -> config.integer("n", 0, Integer.MIN_VALUE));
    assertRefused(
        "Owner: x = -2, expected an integer of at least -1", () -> config.integer("x", 0, -1));
    assertRefused(
        "Owner: x = -2, expected a finite number of at least -1.5",
        () -> config.number("x", 0, -1.5));
    assertRefused(
        "Owner: y = 0.0, expected a finite number of at least 1.0", () -> config.number("y", 0, 1));
  }

  @Test
  void knowsTheKeysOfLayersFromThoseOfOtherObjects() {
    ConfigReader config = reader("{\"name\": \"a\", \"units\": 1}");
    config.rejectUnknownKeys(List.of("units"));
    config.allowOnly(List.of("units", "name"));
    assertRefused(
        "Owner: unknown configuration key \"name\"; known keys are bias, units",
        () -> config.allowOnly(List.of("units", "bias")));
    assertRefused(
        "Owner: unknown configuration key \"name\"; known keys are none",
        () -> config.allowOnly(List.of()));
    assertRefused(
        "Owner: unknown configuration key \"units\"; known keys are activity_regularizer,"
            + " autocast, batch_input_shape, batch_shape, dtype, name, trainable",
        () -> config.rejectUnknownKeys(List.of()));
  }
}
