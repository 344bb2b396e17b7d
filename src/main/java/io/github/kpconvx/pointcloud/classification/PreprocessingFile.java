package io.github.kpconvx.pointcloud.classification;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.pointcloud.PointClass;
import io.github.kpconvx.pointcloud.PointCloudException;
import io.github.kpconvx.pointcloud.receptive.CloudFeatures;
import io.github.kpconvx.pointcloud.receptive.Depth;
import io.github.kpconvx.pointcloud.receptive.Feature;
import io.github.kpconvx.pointcloud.receptive.Hierarchy;
import io.github.kpconvx.pointcloud.receptive.Oversampling;
import io.github.kpconvx.pointcloud.receptive.Preprocessing;
import io.github.kpconvx.pointcloud.receptive.Reduction;
import io.github.kpconvx.pointcloud.receptive.Selection;
import io.github.kpconvx.pointcloud.receptive.Tiles;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Reads how a model wants its point clouds prepared: the JSON file that lies beside it, {@code
 * pipeline.json} for a network of one depth, which takes X, F and N, {@code hierarchy.json} for one
 * of several depths.
 */
public final class PreprocessingFile {
  private static final List<String> COMMON =
      List.of("tile", "margin", "unit", "ground_cell", "height_unit", "features", "classes");

  private static final List<String> FLAT = with("neighbours", "dilation");

  private static final List<String> HIERARCHICAL = with("depths");

  private static final List<String> DEPTH_KEYS = List.of("share", "neighbours", "down", "up");

  private static final List<String> CLASS_KEYS = List.of("code", "name", "color");

  private PreprocessingFile() {}

  private static List<String> with(String... keys) {
    return Stream.concat(COMMON.stream(), Stream.of(keys)).toList();
  }

  /**
   * Where a SavedModel keeps it.
   *
   * @param model the SavedModel's directory
   * @return {@code assets.extra/hierarchy.json} in it if that is there, else {@code
   *     assets.extra/pipeline.json}, be it there or not
   * @throws PointCloudException if both are there
   */
  public static Path of(Path model) {
    Path flat = model.resolve("assets.extra").resolve("pipeline.json");
    Path hierarchical = flat.resolveSibling("hierarchy.json");
    if (!Files.exists(hierarchical)) {
      return flat;
    }
    if (Files.exists(flat)) {
      throw new PointCloudException(
          "%s has both %s and %s, expected one of them, the one that the model was trained with"
              .formatted(flat.getParent(), hierarchical.getFileName(), flat.getFileName()));
    }
    return hierarchical;
  }

  /**
   * Reads a file of either kind, which its keys tell. All keys have to be there, and no others.
   *
   * @param file the file
   * @return what it says
   * @throws KerasException if it is missing, no JSON, has not these keys, or values of other types
   * @throws PointCloudException if a value is out of range; the message names the file
   */
  public static Preprocessing read(Path file) {
    try {
      return preprocessing(ConfigReader.read(file));
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
    boolean hierarchical = reader.has("depths");
    checked(reader, hierarchical ? HIERARCHICAL : FLAT);
    Tiles tiles = new Tiles(reader.number("tile", 0), reader.number("margin", 0));
    CloudFeatures features =
        new CloudFeatures(
            reader.texts("features").stream().map(Feature::of).toList(),
            reader.number("ground_cell", 0),
            reader.number("height_unit", 0));
    double unit = reader.number("unit", 0);
    List<PointClass> classes = classes(reader);
    if (!hierarchical) {
      int neighbours = reader.integer("neighbours", 0, 1);
      int dilation = reader.integer("dilation", 0, 1);
      return Preprocessing.flat(tiles, features, neighbours, dilation, unit, classes);
    }
    Hierarchy hierarchy = new Hierarchy(depths(reader), unit, false, Oversampling.none());
    return new Preprocessing(tiles, features, hierarchy, Map.of(), Reduction.LAST, classes);
  }

  private static List<Depth> depths(ConfigReader reader) {
    List<Depth> depths = new ArrayList<>();
    for (ConfigReader depth : reader.objects("depths")) {
      checked(depth, DEPTH_KEYS);
      depths.add(
          new Depth(
              Selection.share(depth.integer("share", 0, 1)),
              depth.integer("neighbours", 0, 1),
              depth.integer("down", 0, 0),
              depth.integer("up", 0, 0)));
    }
    return depths;
  }

  private static List<PointClass> classes(ConfigReader reader) {
    List<PointClass> classes = new ArrayList<>();
    for (ConfigReader known : reader.objects("classes")) {
      checked(known, CLASS_KEYS);
      classes.add(
          PointClass.of(
              known.integer("code", 0, 0), known.text("name", ""), known.text("color", "")));
    }
    return classes;
  }
}
