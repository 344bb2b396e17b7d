package io.github.kpconvx.pointcloud.classification;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.pointcloud.Feature;
import io.github.kpconvx.pointcloud.PointClass;
import io.github.kpconvx.pointcloud.PointCloudException;
import io.github.kpconvx.pointcloud.Preprocessing;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads how a model wants its point clouds prepared: the JSON file {@code pipeline.json} that lies
 * beside it.
 */
public final class PreprocessingFile {
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

  private static final List<String> CLASS_KEYS = List.of("code", "name", "color");

  private PreprocessingFile() {}

  /**
   * Where a SavedModel keeps it.
   *
   * @param model the SavedModel's directory
   * @return {@code assets.extra/pipeline.json} in it, be it there or not
   */
  public static Path of(Path model) {
    return model.resolve("assets.extra").resolve("pipeline.json");
  }

  /**
   * Reads a file. All keys have to be there, and no others.
   *
   * @param file the file
   * @return what it says
   * @throws KerasException if it is missing, no JSON, has not these keys, or values of other types
   * @throws PointCloudException if a value is out of range; the message names the file
   */
  public static Preprocessing read(Path file) {
    try {
      return preprocessing(checked(ConfigReader.read(file), KEYS));
    } catch (PointCloudException e) {
      throw new PointCloudException(file + ": " + e.getMessage(), e);
    }
  }

  /** Checks that an object has these keys and no others. */
  private static ConfigReader checked(ConfigReader reader, List<String> keys) {
    reader.allowOnly(keys);
    for (String key : keys) {
      if (!reader.has(key)) {
        throw new KerasException(
            reader.owner() + ": misses the key " + key + ", expected all of " + keys);
      }
    }
    return reader;
  }

  private static Preprocessing preprocessing(ConfigReader reader) {
    List<Feature> features = reader.texts("features").stream().map(Feature::of).toList();
    List<PointClass> classes = new ArrayList<>();
    for (ConfigReader known : reader.objects("classes")) {
      checked(known, CLASS_KEYS);
      classes.add(
          PointClass.of(
              known.integer("code", 0, 0), known.text("name", ""), known.text("color", "")));
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
