package io.github.kpconvx.keras.weights;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.kpconvx.keras.SmallModel;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ClassNamesTest {
  @Test
  void snakeCaseIsThatOfKeras() {
    JsonNode names = SmallModel.json("class_names.json");
    assertTrue(names.size() > 30);
    names
        .properties()
        .forEach(
            name ->
                assertEquals(name.getValue().textValue(), ClassNames.toSnakeCase(name.getKey())));
  }

  @Test
  void groupsAreNumberedByClassFromTheSecondOn() {
    Map<String, Integer> taken = new HashMap<>();
    List<String> groups =
        List.of("Dense", "ReLU", "Dense", "Dense").stream()
            .map(name -> ClassNames.groupOf(new LayerSpec("any", name, List.of()), taken))
            .toList();
    assertEquals(List.of("dense", "re_lu", "dense_1", "dense_2"), groups);
  }
}
