package io.github.kpconvx.cli;

import io.github.kpconvx.inference.Engine;
import java.util.Arrays;
import java.util.Locale;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads an engine's name, in any case; {@code native}, its earlier name, is {@code folded}. */
final class EngineConverter implements ITypeConverter<Engine> {
  private static final String NATIVE = "native";

  @Override
  public Engine convert(String text) {
    if (text.equalsIgnoreCase(NATIVE)) {
      return Engine.FOLDED;
    }
    return Arrays.stream(Engine.values())
        .filter(engine -> engine.name().equals(text.toUpperCase(Locale.ROOT)))
        .findFirst()
        .orElseThrow(
            () ->
                new TypeConversionException(
                    "expected one of "
                        + Arrays.toString(Engine.values())
                        + " but was '"
                        + text
                        + "'"));
  }
}
