package io.github.kpconvx.layer;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * What a layer is called with: {@code layer(*positional, **keywords)}.
 *
 * @param positional the arguments without a name
 * @param keywords the arguments by name
 * @param <T> what stands for a tensor
 */
public record Arguments<T>(List<Argument<T>> positional, Map<String, Argument<T>> keywords) {

  public Arguments {
    positional = List.copyOf(positional);
    keywords = Collections.unmodifiableMap(new LinkedHashMap<>(keywords));
  }

  /**
   * Tensors and nothing else.
   *
   * @param tensors the tensors
   * @param <T> what stands for a tensor
   * @return the arguments
   */
  public static <T> Arguments<T> of(List<? extends T> tensors) {
    return new Arguments<>(
        tensors.stream().<Argument<T>>map(Argument.Tensor::new).toList(), Map.of());
  }

  /**
   * The argument of a parameter, be it given by place or by name.
   *
   * @param parameters the names of all parameters in their order
   * @param name the name of one of them
   * @return the argument; empty if it was not given
   */
  public Optional<Argument<T>> find(List<String> parameters, String name) {
    int place = parameters.indexOf(name);
    return place < positional.size()
        ? Optional.of(positional.get(place))
        : Optional.ofNullable(keywords.get(name));
  }

  /**
   * The place of the first tensor of a parameter among all {@link #tensors}.
   *
   * @param parameters the names of all parameters in their order
   * @param name the name of one of them, which was given
   * @return the place
   */
  public int place(List<String> parameters, String name) {
    List<Argument<T>> before = new ArrayList<>();
    int place = parameters.indexOf(name);
    if (place < positional.size()) {
      before.addAll(positional.subList(0, place));
    } else {
      before.addAll(positional);
      for (Map.Entry<String, Argument<T>> keyword : keywords.entrySet()) {
        if (keyword.getKey().equals(name)) {
          break;
        }
        before.add(keyword.getValue());
      }
    }
    return before.stream().mapToInt(argument -> argument.tensors().size()).sum();
  }

  /**
   * The tensors among the arguments without a name, in Keras's order.
   *
   * @return the tensors
   */
  public List<T> inputs() {
    List<T> tensors = new ArrayList<>();
    positional.forEach(argument -> argument.forEachTensor(tensors::add));
    return tensors;
  }

  /**
   * All tensors, in Keras's order.
   *
   * @return the tensors
   */
  public List<T> tensors() {
    List<T> tensors = inputs();
    keywords.values().forEach(argument -> argument.forEachTensor(tensors::add));
    return tensors;
  }

  /**
   * The same arguments of other tensors.
   *
   * @param change makes the other tensor
   * @param <U> what stands for a tensor there
   * @return the arguments
   */
  public <U> Arguments<U> map(Function<? super T, ? extends U> change) {
    Map<String, Argument<U>> named = new LinkedHashMap<>();
    keywords.forEach((name, argument) -> named.put(name, argument.map(change)));
    return new Arguments<>(
        positional.stream().<Argument<U>>map(argument -> argument.map(change)).toList(), named);
  }
}
