package io.github.kpconvx.layer;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * What a layer is called with at one place: a tensor, a constant, or a list or dictionary of such,
 * nested as in Keras.
 *
 * @param <T> what stands for a tensor: its place in a model, or the operand there
 * @see <a
 *     href="https://github.com/keras-team/keras/blob/v3.6.0/keras/src/ops/symbolic_arguments.py">Arguments
 *     of a call in Keras</a>
 */
public sealed interface Argument<T> {
  /**
   * A tensor.
   *
   * @param tensor the tensor
   * @param <T> what stands for it
   */
  record Tensor<T>(T tensor) implements Argument<T> {}

  /**
   * What is no tensor: a number, a text, null, or whatever Keras serialized.
   *
   * @param value the value as it was written
   * @param <T> what stands for a tensor
   */
  record Constant<T>(JsonNode value) implements Argument<T> {}

  /**
   * A list or tuple.
   *
   * @param items what it holds
   * @param <T> what stands for a tensor
   */
  record Items<T>(List<Argument<T>> items) implements Argument<T> {
    public Items {
      items = List.copyOf(items);
    }
  }

  /**
   * A dictionary.
   *
   * @param entries what it holds, in its order
   * @param <T> what stands for a tensor
   */
  record Entries<T>(Map<String, Argument<T>> entries) implements Argument<T> {
    public Entries {
      entries = Collections.unmodifiableMap(new LinkedHashMap<>(entries));
    }
  }

  /**
   * Tells a consumer each tensor. A dictionary's come in the order of its sorted keys, as Keras
   * flattens it.
   *
   * @param consumer is told
   */
  default void forEachTensor(Consumer<? super T> consumer) {
    if (this instanceof Tensor<T> leaf) {
      consumer.accept(leaf.tensor());
    } else if (this instanceof Items<T> list) {
      list.items().forEach(item -> item.forEachTensor(consumer));
    } else if (this instanceof Entries<T> dictionary) {
      dictionary.entries().entrySet().stream()
          .sorted(Map.Entry.comparingByKey())
          .forEach(entry -> entry.getValue().forEachTensor(consumer));
    }
  }

  /**
   * Tells a consumer each constant.
   *
   * @param consumer is told
   */
  default void forEachConstant(Consumer<? super JsonNode> consumer) {
    if (this instanceof Constant<T> constant) {
      consumer.accept(constant.value());
    } else if (this instanceof Items<T> list) {
      list.items().forEach(item -> item.forEachConstant(consumer));
    } else if (this instanceof Entries<T> dictionary) {
      dictionary.entries().values().forEach(entry -> entry.forEachConstant(consumer));
    }
  }

  /**
   * The tensors in Keras's order.
   *
   * @return the tensors
   */
  default List<T> tensors() {
    List<T> tensors = new ArrayList<>();
    forEachTensor(tensors::add);
    return tensors;
  }

  /**
   * The same structure of other tensors.
   *
   * @param change makes the other tensor
   * @param <U> what stands for a tensor there
   * @return the argument
   */
  default <U> Argument<U> map(Function<? super T, ? extends U> change) {
    if (this instanceof Tensor<T> leaf) {
      return new Tensor<>(change.apply(leaf.tensor()));
    }
    if (this instanceof Items<T> list) {
      return new Items<>(list.items().stream().<Argument<U>>map(item -> item.map(change)).toList());
    }
    if (this instanceof Entries<T> dictionary) {
      Map<String, Argument<U>> entries = new LinkedHashMap<>();
      dictionary.entries().forEach((key, value) -> entries.put(key, value.map(change)));
      return new Entries<>(entries);
    }
    return new Constant<>(((Constant<T>) this).value());
  }

  /**
   * Whether it says nothing: null, false, or a list of such. Keras writes out arguments that were
   * left alone, such as {@code training} and a {@code mask} for each input.
   *
   * @return true if so
   */
  default boolean isUnset() {
    if (this instanceof Constant<T> constant) {
      JsonNode value = constant.value();
      return value.isNull() || (value.isBoolean() && !value.booleanValue());
    }
    return this instanceof Items<T> list && list.items().stream().allMatch(Argument::isUnset);
  }
}
