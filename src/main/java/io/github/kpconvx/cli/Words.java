package io.github.kpconvx.cli;

import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** How the constants of enumerations are written in files. */
final class Words {
  private Words() {}

  /** The constants by their names in small letters. */
  static <E extends Enum<E>> Map<String, E> of(Class<E> constants) {
    return Arrays.stream(constants.getEnumConstants())
        .collect(Collectors.toMap(one -> one.name().toLowerCase(Locale.ROOT), one -> one));
  }
}
