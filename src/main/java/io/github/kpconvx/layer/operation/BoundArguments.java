package io.github.kpconvx.layer.operation;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.NullNode;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.Json;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.Argument;
import io.github.kpconvx.layer.CallContext;
import io.github.kpconvx.layer.Mode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.index.Indices;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TNumber;

/**
 * The arguments of a call of an operation, by the names of the function's parameters, each read as
 * what the function expects there. Errors name the operation, the argument, what was found and what
 * was expected.
 *
 * @param owner the operation, for messages
 * @param tf the operations of the graph
 * @param isTensorFlow whether TensorFlow's rules of types hold, not Keras 3's: tensors are of one
 *     type, and numbers take it
 * @param context how the operation is called
 * @param values the arguments
 */
record BoundArguments(
    String owner,
    Ops tf,
    boolean isTensorFlow,
    CallContext context,
    Map<String, Argument<Operand<?>>> values) {

  /** An error that names the operation. */
  KerasException error(String message) {
    return new KerasException(owner + ": " + message);
  }

  private KerasException unexpected(String name, Argument<?> found, String expected) {
    return error("%s = %s, expected %s".formatted(name, describe(found), expected));
  }

  static String describe(Argument<?> argument) {
    if (argument instanceof Argument.Tensor<?> tensor && tensor.tensor() instanceof Operand<?> x) {
      return "a tensor of " + Tensors.type(x) + " " + x.shape();
    }
    return argument instanceof Argument.Constant<?> constant
        ? KerasObject.abbreviate(constant.value())
        : argument instanceof Argument.Items<?> list
            ? list.items().stream().map(BoundArguments::describe).toList().toString()
            : "a dictionary";
  }

  /** Whether gradients may be asked for. */
  boolean isDifferentiated() {
    return context.mode() != Mode.INFERENCE;
  }

  Argument<Operand<?>> argument(String name) {
    return values.get(name);
  }

  /** Whether an argument is None. */
  boolean isNone(String name) {
    return isNone(argument(name));
  }

  private static boolean isNone(Argument<Operand<?>> argument) {
    return argument instanceof Argument.Constant<Operand<?>> constant && constant.value().isNull();
  }

  /** Whether an argument is a tensor. */
  boolean isTensor(String name) {
    return argument(name) instanceof Argument.Tensor<Operand<?>>;
  }

  /** Whether an argument is a list or tuple. */
  boolean isList(String name) {
    return argument(name) instanceof Argument.Items<Operand<?>>
        || (argument(name) instanceof Argument.Constant<Operand<?>> constant
            && plain(constant.value()).isArray());
  }

  private JsonNode constant(String name, String expected) {
    if (argument(name) instanceof Argument.Constant<Operand<?>> constant) {
      return plain(constant.value());
    }
    throw unexpected(name, argument(name), expected);
  }

  /** What a scalar or array of NumPy holds. */
  private static JsonNode plain(JsonNode value) {
    return switch (Json.text(value.path("class_name"))) {
      case "__tuple__" -> value.path("items");
      case "__numpy__", "__tensor__" -> value.path("config").path("value");
      default -> value;
    };
  }

  boolean bool(String name) {
    JsonNode value = constant(name, "true or false");
    if (value.isNull()) {
      return false;
    }
    if (!value.isBoolean() && !value.isInt()) {
      throw unexpected(name, argument(name), "true or false");
    }
    return value.asBoolean();
  }

  double number(String name) {
    JsonNode value = constant(name, "a number");
    if (!value.isNumber()) {
      throw unexpected(name, argument(name), "a number");
    }
    return value.doubleValue();
  }

  int integer(String name) {
    return integer(name, argument(name));
  }

  int integer(String name, Argument<Operand<?>> found) {
    JsonNode value =
        found instanceof Argument.Constant<Operand<?>> constant ? plain(constant.value()) : null;
    if (value == null || !value.isNumber() || value.doubleValue() != value.intValue()) {
      throw unexpected(name, found, "an integer");
    }
    return value.intValue();
  }

  String text(String name) {
    JsonNode value = constant(name, "a text");
    if (!value.isTextual()) {
      throw unexpected(name, argument(name), "a text");
    }
    return value.textValue();
  }

  /** Whether an argument is a word. */
  boolean isText(String name, String word) {
    return argument(name) instanceof Argument.Constant<Operand<?>> constant
        && Json.text(constant.value()).equals(word);
  }

  /** One of several words. */
  String choice(String name, String... words) {
    String word = text(name);
    if (!Arrays.asList(words).contains(word)) {
      throw unexpected(name, argument(name), "one of " + String.join(", ", words));
    }
    return word;
  }

  /** The type that dtype names; another if it is None. */
  NumericType dtype(String name, NumericType otherwise) {
    return isNone(name) ? otherwise : NumericType.named(owner, text(name));
  }

  /** The parts of a list or tuple; a single one where there is none. */
  List<Argument<Operand<?>>> parts(String name) {
    return parts(argument(name));
  }

  static List<Argument<Operand<?>>> parts(Argument<Operand<?>> argument) {
    if (argument instanceof Argument.Items<Operand<?>> list) {
      return list.items();
    }
    if (argument instanceof Argument.Constant<Operand<?>> constant
        && plain(constant.value()).isArray()) {
      return StreamSupport.stream(plain(constant.value()).spliterator(), false)
          .<Argument<Operand<?>>>map(Argument.Constant::new)
          .toList();
    }
    return List.of(argument);
  }

  /** An integer, or a list of them. */
  int[] integers(String name) {
    return parts(name).stream().mapToInt(part -> integer(name, part)).toArray();
  }

  /** Sizes without tensors among them; −1 for None. */
  int[] openSizes(String name) {
    return parts(name).stream().mapToInt(part -> isNone(part) ? -1 : integer(name, part)).toArray();
  }

  /** A list of lists of integers. */
  int[][] integerLists(String name) {
    return parts(name).stream()
        .map(part -> parts(part).stream().mapToInt(item -> integer(name, item)).toArray())
        .toArray(int[][]::new);
  }

  // Axes.

  /** An axis of a tensor, from the front. */
  int axis(String name, Operand<?> x) {
    return axis(name, x, Tensors.rank(x));
  }

  /** An axis of a tensor once it has a given rank. */
  int axis(String name, Operand<?> x, int rank) {
    return axis(name, integer(name), x, rank);
  }

  /** An axis, from the front, of what a tensor becomes that then has a given rank. */
  int axis(String name, int axis, Operand<?> x, int rank) {
    if (axis < -rank || axis >= rank) {
      throw error(
          "%s %d is none of its input of shape %s, expected one from %d to %d"
              .formatted(name, axis, x.shape(), -rank, rank - 1));
    }
    return Math.floorMod(axis, rank);
  }

  /** Axes of a tensor, from the front and each once; all of them for None. */
  int[] axes(String name, Operand<?> x) {
    return axes(name, x, Tensors.rank(x));
  }

  /** Axes of what a tensor becomes that then has a given rank. */
  int[] axes(String name, Operand<?> x, int rank) {
    if (isNone(name)) {
      return IntStream.range(0, rank).toArray();
    }
    int[] axes = Arrays.stream(integers(name)).map(axis -> axis(name, axis, x, rank)).toArray();
    if (Arrays.stream(axes).distinct().count() < axes.length) {
      throw error("%s = %s has an axis twice".formatted(name, Arrays.toString(axes)));
    }
    return axes;
  }

  // Tensors.

  /** A tensor of any type; numbers become one. */
  Operand<TNumber> tensor(String name) {
    return tensor(name, argument(name));
  }

  private Operand<TNumber> tensor(String name, Argument<Operand<?>> argument) {
    if (argument instanceof Argument.Tensor<Operand<?>> tensor) {
      return Tensors.any(tensor.tensor());
    }
    if (argument.tensors().isEmpty()) {
      ConstantTensor constant = constantTensor(name, argument);
      return constant.operand(tf, constant.type());
    }
    if (argument instanceof Argument.Items<Operand<?>> list) {
      return Tensors.any(tf.stack(promoted(name, list.items(), Set.of())));
    }
    throw unexpected(name, argument, "a tensor");
  }

  private ConstantTensor constantTensor(String name, Argument<Operand<?>> argument) {
    return ConstantTensor.of(owner + ": " + name, json(argument));
  }

  private static JsonNode json(Argument<Operand<?>> argument) {
    if (argument instanceof Argument.Items<Operand<?>> list) {
      ArrayNode array = JsonNodeFactory.instance.arrayNode();
      list.items().forEach(item -> array.add(json(item)));
      return array;
    }
    return argument instanceof Argument.Constant<Operand<?>> constant
        ? constant.value()
        : NullNode.getInstance();
  }

  /** A tensor of floating-point numbers: integers and truth values become float32. */
  Operand<TNumber> floats(String name) {
    Operand<TNumber> x = tensor(name);
    if (Tensors.isFloat(x)) {
      return x;
    }
    if (isTensorFlow && isTensor(name)) {
      throw unexpected(name, argument(name), "a tensor of floating-point numbers");
    }
    return Tensors.cast(tf, x, NumericType.FLOAT32);
  }

  /** A list of tensors of any types. */
  List<Operand<TNumber>> tensors(String name) {
    return parts(name).stream().map(part -> tensor(name, part)).toList();
  }

  /** Several arguments in the type that they are computed in together. */
  List<Operand<TNumber>> promoted(String... names) {
    return promoted(Set.of(), names);
  }

  /** Several arguments in the type that they and others are computed in together. */
  List<Operand<TNumber>> promoted(Set<NumericType> others, String... names) {
    return promoted(
        String.join(" and ", names), Arrays.stream(names).map(this::argument).toList(), others);
  }

  /** The tensors of a list in the type that they are computed in together. */
  List<Operand<TNumber>> promotedList(String name) {
    return promoted(name, parts(name), Set.of());
  }

  private List<Operand<TNumber>> promoted(
      String name, List<Argument<Operand<?>>> arguments, Set<NumericType> others) {
    List<Object> found = new ArrayList<>();
    Set<NumericType> types = EnumSet.noneOf(NumericType.class);
    Set<NumericType> ofTensors = EnumSet.noneOf(NumericType.class);
    for (Argument<Operand<?>> argument : arguments) {
      if (argument.tensors().isEmpty()) {
        ConstantTensor constant = constantTensor(name, argument);
        types.add(constant.type());
        found.add(constant);
      } else {
        Operand<TNumber> tensor = tensor(name, argument);
        ofTensors.add(Tensors.type(tensor));
        found.add(tensor);
      }
    }
    types.addAll(ofTensors);
    NumericType constants = NumericType.common(types);
    types.addAll(others);
    NumericType common = NumericType.common(types);
    if (isTensorFlow && !ofTensors.isEmpty()) {
      common = NumericType.common(ofTensors);
      if (ofTensors.size() > 1 || (constants.isFloat() && !common.isFloat())) {
        throw error(
            "%s are of types %s, expected one type, as TensorFlow does not convert them"
                .formatted(name, types));
      }
    }
    List<Operand<TNumber>> all = new ArrayList<>();
    for (Object one : found) {
      all.add(
          one instanceof ConstantTensor constant
              ? constant.operand(tf, common)
              : Tensors.cast(tf, (Operand<?>) one, common));
    }
    return all;
  }

  /** A tensor, or number, in the type of another tensor. */
  Operand<TNumber> like(String name, Operand<?> other) {
    Argument<Operand<?>> argument = argument(name);
    return argument.tensors().isEmpty()
        ? constantTensor(name, argument).operand(tf, Tensors.type(other))
        : Tensors.cast(tf, tensor(name), Tensors.type(other));
  }

  /**
   * Sizes of a shape, some of which may be tensors; −1 where a size is None or unknown, as Keras 3
   * writes one that it does not know.
   */
  List<Operand<TInt32>> sizes(String name) {
    List<Operand<TInt32>> sizes = new ArrayList<>();
    if (isTensor(name) && Tensors.rank(tensor(name)) == 1) {
      Operand<TInt32> shape = Tensors.int32(tf, tensor(name));
      long rank = shape.shape().get(0);
      if (!Tensors.isKnown(rank)) {
        throw unexpected(name, argument(name), "a shape of known rank");
      }
      for (int axis = 0; axis < rank; axis++) {
        sizes.add(tf.stridedSlice(shape, Indices.at(axis)));
      }
      return sizes;
    }
    for (Argument<Operand<?>> part : parts(name)) {
      sizes.add(
          part.tensors().isEmpty()
              ? tf.constant(isNone(part) ? -1 : integer(name, part))
              : Tensors.int32(tf, tensor(name, part)));
    }
    return sizes;
  }
}
