package io.github.kpconvx.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.pointcloud.Feature;
import io.github.kpconvx.pointcloud.PointClass;
import io.github.kpconvx.pointcloud.Preprocessing;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads how a model wants its point clouds prepared: the {@code pipeline.json} that lies beside it.
 */
final class PreprocessingFile {
  private static final List<String> KEYS =
      List.of(
          "tile",
          "margin",
          "neighbours",
          "dilation",
          "unit",
          "ground_cell",
          "height_unit",
          "features",
          "classes");

  private PreprocessingFile() {}

  /**
   * Reads a file.
   *
   * @param file the file
   * @return what it says
   * @throws KerasException if it is missing, no JSON, or lacks or has other keys
   */
  static Preprocessing read(Path file) {
    JsonNode json;
    try {
      json = KerasObject.parseJson(Files.readString(file));
    } catch (IOException e) {
      throw new KerasException("Cannot read the preprocessing " + file + ": " + e, e);
    }
    if (!(json instanceof ObjectNode object)) {
      throw new KerasException(file + ": expected a JSON object, found " + json.getNodeType());
    }
    ConfigReader reader = ConfigReader.of(file.toString(), object);
    reader.rejectUnknownKeys(KEYS);
    for (String key : KEYS) {
      if (!reader.has(key)) {
        throw new KerasException(file + ": misses the key " + key + ", expected all of " + KEYS);
      }
    }
    List<Feature> features = new ArrayList<>();
    reader.elements("features").forEach(feature -> features.add(Feature.of(feature.asText())));
    List<PointClass> classes = new ArrayList<>();
    for (JsonNode node : reader.elements("classes")) {
      if (!node.path("code").isInt()
          || !node.path("name").isTextual()
          || !node.path("color").isTextual()) {
        throw reader.invalid("classes", node, "{\"code\": …, \"name\": …, \"color\": \"#rrggbb\"}");
      }
      classes.add(
          PointClass.of(
              node.path("code").intValue(),
              node.path("name").textValue(),
              node.path("color").textValue()));
    }
    return new Preprocessing(
        reader.number("tile", 0),
        reader.number("margin", 0),
        reader.integer("neighbours", 0, 1),
        reader.integer("dilation", 0, 1),
        reader.number("unit", 0),
        reader.number("ground_cell", 0),
        reader.number("height_unit", 0),
        features,
        classes);
  }
}
