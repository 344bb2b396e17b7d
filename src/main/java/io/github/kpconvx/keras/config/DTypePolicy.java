package io.github.kpconvx.keras.config;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.kpconvx.dtype.DType;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Keras's policy of a layer: in what type it computes and in what type it keeps its weights. They
 * differ where the policy is {@code mixed_float16} or {@code mixed_bfloat16}, whose weights are
 * float32.
 *
 * @param name the policy's name, such as {@code mixed_float16} or {@code float64}
 * @param compute the type that a layer computes in
 * @param variable the type of its weights
 * @see <a href="https://keras.io/api/mixed_precision/policy/">Dtype policies in Keras</a>
 */
public record DTypePolicy(String name, DType compute, DType variable) {
  private static final String MIXED = "mixed_";

  /** What Keras 3 and Keras 2 call the class of the policies that are understood. */
  private static final Set<String> CLASSES = Set.of("DTypePolicy", "FloatDTypePolicy", "Policy");

  /** What Keras computes in where nobody says otherwise. */
  public static final DTypePolicy FLOAT32 = new DTypePolicy("float32", DType.FLOAT32);

  private DTypePolicy(String name, DType both) {
    this(name, both, both);
  }

  /**
   * The policy of a name.
   *
   * @param name such as {@code float32} or {@code mixed_bfloat16}
   * @return the policy, if there is one
   */
  public static Optional<DTypePolicy> named(String name) {
    if (name.startsWith(MIXED)) {
      return DType.named(name.substring(MIXED.length()))
          .filter(DTypePolicy::isHalf)
          .map(type -> new DTypePolicy(name, type, DType.FLOAT32));
    }
    return DType.named(name).map(type -> new DTypePolicy(name, type));
  }

  private static boolean isHalf(DType type) {
    return type == DType.FLOAT16 || type == DType.BFLOAT16;
  }

  /**
   * Reads {@code dtype}: a name, or a serialized policy of Keras 3 or Keras 2; float32 where it is
   * missing or null.
   *
   * @param config the configuration of a layer
   * @param supported the types that the layer can compute in
   * @return the policy
   * @throws io.github.kpconvx.keras.KerasException if it is another; lists those that may be
   */
  public static DTypePolicy of(ConfigReader config, Collection<DType> supported) {
    JsonNode json = config.json("dtype");
    if (json.isNull()) {
      return FLOAT32;
    }
    boolean serialized = CLASSES.contains(Json.text(json.path("class_name")));
    return named(Json.text(serialized ? json.path("config").path("name") : json))
        .filter(policy -> supported.contains(policy.compute))
        .orElseThrow(() -> config.invalid("dtype", json, choices(supported)));
  }

  private static String[] choices(Collection<DType> supported) {
    List<String> names = new ArrayList<>();
    supported.forEach(type -> names.add(quoted(type.toString())));
    supported.stream().filter(DTypePolicy::isHalf).forEach(type -> names.add(quoted(MIXED + type)));
    return names.toArray(String[]::new);
  }

  private static String quoted(String name) {
    return '"' + name + '"';
  }
}
