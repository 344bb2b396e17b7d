package io.github.kpconvx.keras.weights;

import java.util.List;
import java.util.Locale;
import java.util.Map;

/** How Keras writes the names of classes in lower case. */
public final class ClassNames {
  private ClassNames() {}

  /**
   * A class name in Keras's snake case: {@code KPConvXLayer} is {@code kp_conv_x_layer}, {@code
   * LeakyReLU} is {@code leaky_re_lu}.
   *
   * <p>A capital A to Z that is not the first character begins a word when a small letter a to z
   * stands before or after it; what is neither letter, digit nor underscore is dropped.
   *
   * @param className a class name
   * @return its name in a weight file, and among the short names of Keras's objects
   */
  public static String toSnakeCase(String className) {
    StringBuilder word = new StringBuilder();
    className
        .codePoints()
        .filter(c -> Character.isLetterOrDigit(c) || c == '_')
        .forEach(word::appendCodePoint);
    StringBuilder snake = new StringBuilder();
    for (int i = 0; i < word.length(); i++) {
      char c = word.charAt(i);
      boolean capital = c >= 'A' && c <= 'Z';
      if (capital && i > 0 && (isSmall(word, i - 1) || isSmall(word, i + 1))) {
        snake.append('_');
      }
      snake.append(c);
    }
    return snake.toString().toLowerCase(Locale.ROOT);
  }

  private static boolean isSmall(CharSequence text, int index) {
    return index < text.length() && text.charAt(index) >= 'a' && text.charAt(index) <= 'z';
  }

  /**
   * The group of a layer within its list: the class in snake case, numbered from the second layer
   * of one class on ({@code dense}, {@code dense_1}).
   *
   * @param layer the layer
   * @param taken how often each name was given in this list; updated
   * @return the group's name
   */
  public static String groupOf(LayerSpec layer, Map<String, Integer> taken) {
    String name = toSnakeCase(layer.className());
    int earlier = taken.merge(name, 1, Integer::sum) - 1;
    return earlier == 0 ? name : name + "_" + earlier;
  }

  /**
   * Names joined for a message, cut where they would be too many to read.
   *
   * @param names any names
   * @return the first of them, and how many more there are; "nothing" for none
   */
  public static String list(List<String> names) {
    int shown = 12;
    if (names.isEmpty()) {
      return "nothing";
    }
    String text = String.join(", ", names.subList(0, Math.min(shown, names.size())));
    return names.size() <= shown ? text : text + " and " + (names.size() - shown) + " more";
  }
}
