package io.github.kpconvx.network;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.core.Dropout;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Factories that are found as services. */
class LayerProvidersTest {
  @TempDir private Path directory;

  /** Names nothing. */
  public static class Nameless implements LayerFactory {
    @Override
    public Layer create(KerasObject object) {
      return new Dropout(object);
    }
  }

  /** For two classes, one of them an operation. */
  public static class OfTwo extends Nameless {
    @Override
    public Set<String> names() {
      return Set.of("mine>Thinning", "Halve");
    }
  }

  /** For one of the same. */
  public static class OfOne extends Nameless {
    @Override
    public Set<String> names() {
      return Set.of("Halve");
    }
  }

  /** Cannot be made. */
  public static class WithArgument extends OfOne {
    public WithArgument(int number) {}
  }

  private LayerRegistry registry(String... providers) throws IOException {
    Path services = Files.createDirectories(directory.resolve("META-INF/services"));
    StringBuilder lines = new StringBuilder();
    for (String provider : providers) {
      lines.append(LayerProvidersTest.class.getName()).append('$').append(provider).append('\n');
    }
    Files.writeString(services.resolve(LayerFactory.class.getName()), lines);
    try (URLClassLoader loader =
        new URLClassLoader(
            new URL[] {directory.toUri().toURL()}, LayerProvidersTest.class.getClassLoader())) {
      return LayerRegistry.empty().withProviders(loader);
    }
  }

  private static KerasObject object(String module, String className, String registered) {
    return KerasObject.parse(
        """
        {"module": "%s", "class_name": "%s", "registered_name": "%s",
         "config": {"name": "it", "rate": 0.5}}"""
            .formatted(module, className, registered));
  }

  @Test
  void isForAllTheClassesThatItNames() throws IOException {
    LayerRegistry registry = registry("OfTwo");
    assertTrue(registry.create(object("mine", "Thinning", "mine>Thinning")) instanceof Dropout);
    assertTrue(registry.create(object("mine.ops", "Halve", "Halve")) instanceof Dropout);
    KerasObject other = object("yours", "Thinning", "yours>Thinning");
    assertThrows(UnsupportedModelException.class, () -> registry.create(other));
  }

  @ParameterizedTest
  @CsvSource({
    "Nameless, Nameless names no class",
    "OfTwo OfOne, are both for Halve",
    "WithArgument, WithArgument",
    "Missing, Missing"
  })
  void whatCannotBeUsedIsNamed(String providers, String message) {
    KerasException error = assertThrows(KerasException.class, () -> registry(providers.split(" ")));
    assertTrue(error.getMessage().contains(message), error.getMessage());
  }
}
