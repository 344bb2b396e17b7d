package io.github.kpconvx.inference;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.kpconvx.VL3DModel;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.file.StoredModel;
import io.github.kpconvx.layer.operation.Operations;
import io.github.kpconvx.network.LayerRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * The page that lists what a network may be made of is what the tests prove: each layer and
 * operation that is registered is in a model that Keras wrote, beside an oracle's answer, with its
 * gradient where it has one. {@code -Dlayers.page=write} writes the page.
 */
class LayersPageTest {
  private static final Path PAGE = Path.of("src/site/layers.md");

  private static final Pattern VERSION = Pattern.compile("(?:keras|saved_model)-(\\d+\\.\\d+)");

  private static final String INTRODUCTION =
      """
      # Layers and operations

      What a network may be made of. Each is compared, in inference and training, with what the versions of Keras that are named
      computed (to 1e-5, gradients to 1e-4) and with an oracle in NumPy float64; "no gradient" is said where Keras has none.
      Functions of TensorFlow in models of Keras 2 that compute what an operation computes are said to be as that one.
      This page is written by its test, from the layers that are registered and the models that they are tested with.
      """;

  /** What is known of a layer or an operation. */
  private static final class Proof {
    private final Set<String> versions = new TreeSet<>();
    private boolean gradient;
    private boolean oracle;

    private void add(String version, boolean hasGradient, boolean hasOracle) {
      versions.add(version);
      gradient |= hasGradient;
      oracle |= hasOracle;
    }

    private String row(String name) {
      String kerass =
          versions.stream()
              .sorted((a, b) -> Runtime.Version.parse(a).compareTo(Runtime.Version.parse(b)))
              .collect(Collectors.joining(", "));
      return row(name, kerass);
    }

    private String row(String name, String files) {
      return "| `%s` | %s | %s |%n".formatted(name, files, gradient ? "yes" : "no gradient");
    }
  }

  private final Map<String, Proof> layers = new TreeMap<>();
  private final Map<String, Proof> operations = new TreeMap<>();
  private final Map<String, Proof> vl3d = new TreeMap<>();

  @Test
  void isWhatTheTestsProve() throws IOException {
    collect();
    LayerRegistry registry = StandardLayers.registry();
    String page =
        INTRODUCTION
            + section("Keras's layers", registry.builtIn(), layers)
            + section("VL3D's layers", registry.custom(), vl3d)
            + section("Operations of functional models", registry.operations(), operations);
    if ("write".equals(System.getProperty("layers.page"))) {
      Files.writeString(PAGE, page);
    }
    assertEquals(
        List.of(),
        unproven(),
        "of these no model, or no oracle's answer, is among src/test/resources/core");
    assertEquals(page, Files.readString(PAGE), "to write it: -Dlayers.page=write");
  }

  private static String section(String title, Set<String> names, Map<String, Proof> proofs) {
    StringBuilder rows = new StringBuilder();
    for (String name : names) {
      Optional<String> like = proven(name, proofs);
      rows.append(
          proofs.containsKey(name) || like.isEmpty()
              ? proofs.getOrDefault(name, new Proof()).row(name)
              : proofs.get(like.get()).row(name, "as `%s`".formatted(like.get())));
    }
    return "%n## %s%n%n| | files of Keras | gradient |%n|---|---|---|%n%s".formatted(title, rows);
  }

  /** The name itself, or that of an operation that computes the same, if an oracle answered it. */
  private static Optional<String> proven(String name, Map<String, Proof> proofs) {
    Set<String> same = Operations.names().contains(name) ? Operations.kin(name) : Set.of();
    return Stream.concat(Stream.of(name), same.stream())
        .filter(other -> proofs.containsKey(other) && proofs.get(other).oracle)
        .findFirst();
  }

  private List<String> unproven() {
    LayerRegistry registry = StandardLayers.registry();
    List<String> missing = new ArrayList<>();
    for (String name : registry.builtIn()) {
      if (proven(name, layers).isEmpty()) {
        missing.add(name);
      }
    }
    for (String name : registry.operations()) {
      if (proven(name, operations).isEmpty()) {
        missing.add("operation " + name);
      }
    }
    for (String name : registry.custom()) {
      if (!vl3d.containsKey(name)) {
        missing.add(name);
      }
    }
    return missing;
  }

  private void collect() {
    CoreModels.files()
        .forEach(
            file -> {
              Set<String> golden = CoreModels.golden(file).keySet();
              add(
                  file,
                  golden.stream().anyMatch(name -> name.startsWith("gradient/")),
                  golden.stream().anyMatch(name -> name.startsWith("oracle/")));
            });
    VL3DModel.all().forEach(model -> add(model.file(), true, true));
  }

  private void add(Path file, boolean hasGradient, boolean hasOracle) {
    Matcher version = VERSION.matcher(file.toString());
    if (!version.find()) {
      return; // A checkpoint of a run, whose network is among the others.
    }
    try (StoredModel model = StoredModel.open(file)) {
      model.config().ifPresent(config -> add(config, version.group(1), hasGradient, hasOracle));
    }
  }

  private void add(KerasObject object, String version, boolean hasGradient, boolean hasOracle) {
    Map<String, Proof> kind =
        object.isOperation() ? operations : object.isBuiltIn() ? layers : vl3d;
    kind.computeIfAbsent(object.operationName().orElse(object.className()), name -> new Proof())
        .add(version, hasGradient, hasOracle);
    addParts(object, object.configJson(), version, hasGradient, hasOracle);
  }

  /** The layers of a model, and those that stand in a layer's configuration. */
  private void addParts(
      KerasObject owner, JsonNode json, String version, boolean hasGradient, boolean hasOracle) {
    for (JsonNode part : json) {
      if (KerasObject.isKerasObject(part)) {
        add(owner.part(part), version, hasGradient, hasOracle);
      } else if (part.isContainerNode()) {
        addParts(owner, part, version, hasGradient, hasOracle);
      }
    }
  }
}
