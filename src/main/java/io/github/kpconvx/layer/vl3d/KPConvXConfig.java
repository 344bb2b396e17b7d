package io.github.kpconvx.layer.vl3d;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.ConfigReader;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.WeightRules;
import io.github.kpconvx.layer.core.BatchNormalization;
import io.github.kpconvx.layer.function.Activation;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The arguments of a {@link KPConvXLayer}, read from its Keras configuration and checked.
 * Immutable.
 *
 * @param blocks number of consecutive blocks, at least 1
 * @param dropPath probability in [0, 1] of dropping a block's residual branch while training
 * @param sigma influence distance of a kernel point in the unit of the coordinates, greater than 0
 * @param shellRadii radius of each spherical shell of kernel points, in the unit of the
 *     coordinates, at least 0
 * @param shellPoints number of kernel points on each shell, at least 1, exactly 1 where the radius
 *     is 0
 * @param hiddenChannels Keras's {@code DH}: channels of the inverted bottleneck, at least 1
 * @param groups how many consecutive channels share one modulation value; must divide the feature
 *     dimension
 * @param deformable whether the kernel points are trainable
 * @param weightRules initializer, regularizer and constraint of each weight tensor but Q
 * @param activation the activation between the matrix products
 * @param bnMomentum momentum of the batch normalizations that the layer makes itself, in [0, 1]
 * @param bnPhi a serialized normalization for each block, if given
 * @param bnHtilde likewise
 * @param bnHhat likewise
 */
public record KPConvXConfig(
    int blocks,
    double dropPath,
    double sigma,
    List<Double> shellRadii,
    List<Integer> shellPoints,
    int hiddenChannels,
    int groups,
    boolean deformable,
    WeightRules weightRules,
    Activation activation,
    double bnMomentum,
    Optional<List<KerasObject>> bnPhi,
    Optional<List<KerasObject>> bnHtilde,
    Optional<List<KerasObject>> bnHhat) {

  /** What get_config may tell besides, as it follows from other keys. */
  private static final List<String> DERIVED_KEYS = List.of("mq", "num_kernel_points");

  private static final List<String> BUILT_KEYS =
      List.of(
          "built_Q",
          "built_W",
          "built_Phi",
          "built_phi",
          "built_Psi",
          "built_psi",
          "built_Atilde",
          "built_btilde",
          "built_Ahat",
          "built_bhat");

  /** Far more than anybody trains; each costs a dozen weights before the first is read. */
  private static final int MAX_BLOCKS = 1024;

  private static final List<String> FORM_KEYS = List.of("initializer", "regularizer", "constraint");

  /**
   * Reads the configuration of a serialized layer.
   *
   * @param object the serialized layer; a missing key takes its default
   * @return the arguments
   * @throws KerasException if a key is unknown or a value is not allowed; names the key, the value
   *     and what is allowed
   */
  public static KPConvXConfig of(KerasObject object) {
    ConfigReader config = object.config();
    config.rejectUnknownKeys(
        Stream.concat(
                defaults().properties().stream().map(Map.Entry::getKey), DERIVED_KEYS.stream())
            .toList());
    BUILT_KEYS.forEach(key -> config.bool(key, false));
    int blocks = config.integer("blocks", 1, 1, MAX_BLOCKS);
    double dropPath = config.number("drop_path", 0);
    if (dropPath < 0 || dropPath > 1) {
      throw config.invalid("drop_path", dropPath, "a probability in [0, 1]");
    }
    double sigma = config.number("sigma", 1);
    if (sigma <= 0) {
      throw config.invalid("sigma", sigma, "a number greater than 0");
    }
    double momentum = config.number("bn_momentum", 0.9);
    if (momentum < 0 || momentum > 1) {
      throw config.invalid("bn_momentum", momentum, "a number in [0, 1]");
    }
    List<Double> radii = config.numbers("shell_radii", List.of(0.0, 0.5, 1.0));
    List<Integer> points = config.integers("shell_points", List.of(1, 7, 13), 1);
    checkShells(config, radii, points);
    int total = points.stream().mapToInt(Integer::intValue).sum();
    for (String key : DERIVED_KEYS) {
      if (config.integer(key, total, 0) != total) {
        throw config.invalid(key, config.json(key), total + ", the sum of shell_points");
      }
    }
    return new KPConvXConfig(
        blocks,
        dropPath,
        sigma,
        radii,
        points,
        config.integer("DH", 384, 1),
        config.integer("groups", 8, 1),
        config.bool("deformable", false),
        WeightRules.of(object, "", "glorot_uniform"),
        activation(config),
        momentum,
        normalizations(object, "bn_phi", blocks),
        normalizations(object, "bn_htilde", blocks),
        normalizations(object, "bn_hhat", blocks));
  }

  /**
   * Number of kernel points, m_q.
   *
   * @return the sum of {@link #shellPoints}
   */
  public int kernelPoints() {
    return shellPoints.stream().mapToInt(Integer::intValue).sum();
  }

  /**
   * What the kernel points start from.
   *
   * @return the initializer of the shells
   */
  public FibonacciShellInitializer shells() {
    return new FibonacciShellInitializer(shellRadii, shellPoints);
  }

  /**
   * The configuration of a layer with nothing but defaults.
   *
   * @return every key with its default
   */
  static ObjectNode defaults() {
    ObjectNode config = JsonNodeFactory.instance.objectNode();
    config.put("name", "kp_conv_x_layer").put("trainable", true).put("dtype", "float32");
    config.put("blocks", 1).put("drop_path", 0).put("sigma", 1.0);
    config.putArray("shell_radii").add(0.0).add(0.5).add(1.0);
    config.putArray("shell_points").add(1).add(7).add(13);
    config.put("DH", 384).put("groups", 8).put("deformable", false);
    FORM_KEYS.forEach(config::putNull);
    config.put("bn_momentum", 0.9).putNull("bn_phi").putNull("bn_htilde").putNull("bn_hhat");
    ObjectNode slope =
        JsonNodeFactory.instance.objectNode().put("name", "leaky_re_lu").put("negative_slope", 0.3);
    config.set("activation", KerasObject.of("keras.layers", "LeakyReLU", null, slope).json());
    BUILT_KEYS.forEach(key -> config.put(key, false));
    return config;
  }

  private static Activation activation(ConfigReader config) {
    JsonNode value =
        config.has("activation") ? config.json("activation") : defaults().get("activation");
    Activation activation = Activation.of(config.owner(), "activation", value);
    if (!activation.keepsShape()) {
      throw config.invalid("activation", value, "one that keeps the number of channels");
    }
    return activation;
  }

  private static void checkShells(ConfigReader config, List<Double> radii, List<Integer> points) {
    if (radii.size() != points.size() || radii.isEmpty()) {
      throw config.invalid(
          "shell_points", points, "as many entries as shell_radii = " + radii + ", at least one");
    }
    if (points.stream().mapToLong(Integer::longValue).sum()
        > FibonacciShellInitializer.MAX_POINTS) {
      throw config.invalid(
          "shell_points", points, "at most " + FibonacciShellInitializer.MAX_POINTS + " points");
    }
    for (int s = 0; s < radii.size(); s++) {
      if (radii.get(s) < 0) {
        throw config.invalid("shell_radii", radii, "radii of at least 0");
      }
      if (radii.get(s) == 0 && points.get(s) != 1) {
        throw config.invalid(
            "shell_points", points, "exactly 1 point on shell " + s + ", whose radius is 0");
      }
    }
  }

  private static Optional<List<KerasObject>> normalizations(
      KerasObject object, String key, int blocks) {
    ConfigReader config = object.config();
    if (config.json(key).isNull()) {
      return Optional.empty();
    }
    List<KerasObject> layers = new ArrayList<>();
    for (JsonNode element : config.elements(key)) {
      if (!KerasObject.isKerasObject(element)
          || !KerasObject.of(element).className().equals(BatchNormalization.CLASS_NAME)) {
        throw config.invalid(
            key, element, "null", "a list of serialized BatchNormalization layers");
      }
      layers.add(object.part(element));
    }
    if (layers.size() != blocks) {
      throw config.invalid(
          key, layers.size() + " normalizations", "one for each of the " + blocks + " blocks");
    }
    return Optional.of(List.copyOf(layers));
  }
}
