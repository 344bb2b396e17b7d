package io.github.kpconvx.layer.operation;

import static io.github.kpconvx.layer.operation.Operations.keras;
import static io.github.kpconvx.layer.operation.Operations.tensorFlow;
import static io.github.kpconvx.layer.operation.Tensors.any;
import static io.github.kpconvx.layer.operation.Tensors.scalar;

import java.util.List;
import java.util.Set;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.family.TNumber;

/** Operations on elements: arithmetic, comparison, logic, and functions of one number. */
final class Arithmetic {
  private static final String TWO = "x1, x2";
  private static final String TWO_OF_TENSORFLOW = "x>x1, y>x2";

  private Arithmetic() {}

  /** What two tensors of one type make, with broadcasting. */
  @FunctionalInterface
  interface Binary {
    Operand<?> apply(Ops tf, Operand<TNumber> a, Operand<TNumber> b);
  }

  /** What a tensor makes. */
  @FunctionalInterface
  interface Unary {
    Operand<?> apply(Ops tf, Operand<TNumber> x);
  }

  static void define() {
    binary((tf, a, b) -> tf.math.add(a, b), "Add", "__operators__.add", "math.add", "add");
    binary((tf, a, b) -> tf.math.sub(a, b), "Subtract", "math.subtract", "subtract");
    binary((tf, a, b) -> tf.math.mul(a, b), "Multiply", "math.multiply", "multiply");
    binary((tf, a, b) -> tf.math.maximum(a, b), "Maximum", "math.maximum", "maximum");
    binary((tf, a, b) -> tf.math.minimum(a, b), "Minimum", "math.minimum", "minimum");
    binary(Arithmetic::power, "Power", "math.pow", "pow");
    binary(
        (tf, a, b) -> tf.math.squaredDifference(a, b),
        "",
        "math.squared_difference",
        "squared_difference");
    comparisons();
    logic();
    divisions();
    unary();
    keras("condition, x1=None, x2=None", Function.of(Arithmetic::where), "Where");
    tensorFlow(
        "condition, x>x1=None, y>x2=None",
        Function.of(Arithmetic::where),
        "where",
        "compat.v1.where");
    keras("x, x_min, x_max", Function.of(Arithmetic::clip), "Clip");
    tensorFlow(
        "t>x, clip_value_min>x_min, clip_value_max>x_max",
        Function.of(Arithmetic::clip),
        "clip_by_value");
    Function cast = Function.of((tf, in) -> cast(tf, in));
    keras("x, dtype", cast, "Cast");
    tensorFlow("x, dtype", cast, "cast", "compat.v1.cast");
    tensorFlow(
        "inputs>x",
        Function.of(
            (tf, in) ->
                in.promotedList("x").stream()
                    .reduce((a, b) -> any(tf.math.add(a, b)))
                    .orElseThrow()),
        "math.add_n",
        "add_n");
    keras("condlist, choicelist, default=0", Function.of(Arithmetic::selectAmong), "Select");
  }

  private static void binary(Binary function, String keras, String... tensorFlow) {
    Function whole =
        Function.of(
            (tf, in) -> {
              List<Operand<TNumber>> both = in.promoted("x1", "x2");
              return function.apply(tf, both.get(0), both.get(1));
            });
    if (!keras.isEmpty()) {
      keras(TWO, whole, keras);
    }
    tensorFlow(TWO_OF_TENSORFLOW, whole, tensorFlow);
  }

  private static boolean isBool(Operand<?> x) {
    return Tensors.type(x) == NumericType.BOOL;
  }

  private static Operand<?> power(Ops tf, Operand<TNumber> a, Operand<TNumber> b) {
    NumericType type = Tensors.type(a);
    if (type == NumericType.UINT8 || type == NumericType.UINT16) { // TensorFlow has no such power.
      return Tensors.cast(
          tf, tf.math.pow(any(Tensors.int32(tf, a)), any(Tensors.int32(tf, b))), type);
    }
    return tf.math.pow(a, b);
  }

  private static void comparisons() {
    comparison(
        (tf, a, b) -> tf.math.equal(a, b), "Equal", "__operators__.eq", "math.equal", "equal");
    comparison(
        (tf, a, b) -> tf.math.notEqual(a, b),
        "NotEqual",
        "__operators__.ne",
        "math.not_equal",
        "not_equal");
    comparison((tf, a, b) -> tf.math.greater(a, b), "Greater", "math.greater", "greater");
    comparison(
        (tf, a, b) -> tf.math.greaterEqual(a, b),
        "GreaterEqual",
        "math.greater_equal",
        "greater_equal");
    comparison((tf, a, b) -> tf.math.less(a, b), "Less", "math.less", "less");
    comparison((tf, a, b) -> tf.math.lessEqual(a, b), "LessEqual", "math.less_equal", "less_equal");
  }

  private static void comparison(Binary function, String keras, String... tensorFlow) {
    binary((tf, a, b) -> tf.stopGradient(function.apply(tf, a, b)), keras, tensorFlow);
  }

  /** What truth values make; numbers that are not 0 are true. */
  @FunctionalInterface
  private interface Logical {
    Operand<TBool> apply(Ops tf, Operand<TBool> a, Operand<TBool> b);
  }

  private static void logic() {
    logical(
        (tf, a, b) -> tf.math.logicalAnd(a, b), "LogicalAnd", "math.logical_and", "logical_and");
    logical((tf, a, b) -> tf.math.logicalOr(a, b), "LogicalOr", "math.logical_or", "logical_or");
    logical((tf, a, b) -> tf.math.notEqual(a, b), "LogicalXor", "math.logical_xor", "logical_xor");
    Function not = Function.of((tf, in) -> tf.math.logicalNot(Tensors.bool(tf, in.tensor("x"))));
    keras("x", not, "LogicalNot");
    tensorFlow("x", not, "math.logical_not", "logical_not");
    bitwise((tf, a, b) -> tf.bitwise.bitwiseAnd(a, b), "BitwiseAnd", "bitwise.bitwise_and");
    bitwise((tf, a, b) -> tf.bitwise.bitwiseOr(a, b), "BitwiseOr", "bitwise.bitwise_or");
    bitwise((tf, a, b) -> tf.bitwise.bitwiseXor(a, b), "BitwiseXor", "bitwise.bitwise_xor");
    binary((tf, a, b) -> tf.bitwise.leftShift(a, b), "BitwiseLeftShift", "bitwise.left_shift");
    binary((tf, a, b) -> tf.bitwise.rightShift(a, b), "BitwiseRightShift", "bitwise.right_shift");
    binary((tf, a, b) -> tf.bitwise.leftShift(a, b), "LeftShift");
    binary((tf, a, b) -> tf.bitwise.rightShift(a, b), "RightShift");
    Function invert = Function.of((tf, in) -> tf.bitwise.invert(in.tensor("x")));
    keras("x", invert, "BitwiseNot", "BitwiseInvert");
    tensorFlow("x", invert, "bitwise.invert");
  }

  private static void logical(Logical function, String keras, String... tensorFlow) {
    Function whole =
        Function.of(
            (tf, in) ->
                function.apply(
                    tf, Tensors.bool(tf, in.tensor("x1")), Tensors.bool(tf, in.tensor("x2"))));
    keras(TWO, whole, keras);
    tensorFlow(TWO_OF_TENSORFLOW, whole, tensorFlow);
  }

  private static void bitwise(Binary function, String keras, String... tensorFlow) {
    Function whole =
        Function.of(
            (tf, in) -> {
              List<Operand<TNumber>> both = in.promoted("x", "y");
              return function.apply(tf, both.get(0), both.get(1));
            });
    keras("x, y", whole, keras);
    tensorFlow("x, y", whole, tensorFlow);
  }

  private static void divisions() {
    keras(TWO, ofFloats((tf, a, b) -> tf.math.div(a, b)), "Divide", "TrueDivide");
    keras(TWO, ofFloats((tf, a, b) -> tf.math.divNoNan(a, b)), "DivideNoNan");
    tensorFlow(
        TWO_OF_TENSORFLOW,
        quotient((tf, a, b) -> tf.math.div(a, b)),
        "math.truediv",
        "math.divide",
        "truediv",
        "divide",
        "__operators__.truediv");
    tensorFlow(
        TWO_OF_TENSORFLOW, quotient((tf, a, b) -> tf.math.divNoNan(a, b)), "math.divide_no_nan");
    binary(
        Arithmetic::floorDivide,
        "FloorDivide",
        "compat.v1.floor_div",
        "math.floordiv",
        "floordiv",
        "__operators__.floordiv");
    binary(
        Arithmetic::mod, "Mod", "math.floormod", "math.mod", "__operators__.mod", "compat.v1.mod");
    keras(TWO, ofFloats((tf, a, b) -> tf.math.atan2(a, b)), "Arctan2");
    tensorFlow("y>x1, x>x2", ofFloats((tf, a, b) -> tf.math.atan2(a, b)), "math.atan2", "atan2");
    keras(TWO, ofFloats(Arithmetic::logAddExp), "Logaddexp");
    keras(TWO, ofFloats(Arithmetic::hypotenuse), "Hypot");
  }

  private static Function ofFloats(Binary function) {
    return Function.of(
        (tf, in) -> {
          List<Operand<TNumber>> both = in.promoted(Set.of(NumericType.PYTHON_FLOAT), "x1", "x2");
          return function.apply(tf, both.get(0), both.get(1));
        });
  }

  /** TensorFlow divides integers in float64, small ones in float32. */
  private static Function quotient(Binary function) {
    return Function.of(
        (tf, in) -> {
          List<Operand<TNumber>> both = in.promoted("x1", "x2");
          NumericType type = Tensors.type(both.get(0));
          NumericType wide =
              switch (type) {
                case UINT8, UINT16 -> NumericType.FLOAT32;
                case INT32, INT64, PYTHON_INT -> NumericType.FLOAT64;
                default -> type;
              };
          return function.apply(
              tf, Tensors.cast(tf, both.get(0), wide), Tensors.cast(tf, both.get(1), wide));
        });
  }

  /** Without a gradient, as in TensorFlow. */
  private static Operand<?> floorDivide(Ops tf, Operand<TNumber> a, Operand<TNumber> b) {
    return tf.stopGradient(tf.math.floorDiv(a, b));
  }

  /** a − ⌊a / b⌋ · b, which has a gradient; integers by TensorFlow's own operation. */
  private static Operand<?> mod(Ops tf, Operand<TNumber> a, Operand<TNumber> b) {
    if (isBool(a)) {
      return tf.math.floorMod(any(Tensors.int32(tf, a)), any(Tensors.int32(tf, b)));
    }
    Operand<TNumber> value = any(tf.stopGradient(tf.math.floorMod(a, b)));
    if (!Tensors.isFloat(a)) {
      return value;
    }
    // The value is exact; a − ⌊a / b⌋ · b, which adds 0, has TensorFlow's gradient.
    Operand<TNumber> line = any(tf.math.sub(a, any(tf.math.mul(any(floorDivide(tf, a, b)), b))));
    return withGradientOf(tf, value, line);
  }

  /** A value whose gradient is that of something else of its shape. */
  static Operand<TNumber> withGradientOf(Ops tf, Operand<?> value, Operand<TNumber> other) {
    return any(tf.math.add(any(value), any(tf.math.sub(other, any(tf.stopGradient(other))))));
  }

  private static Operand<?> logAddExp(Ops tf, Operand<TNumber> a, Operand<TNumber> b) {
    Operand<TNumber> greater = any(tf.math.maximum(a, b));
    Operand<TNumber> gap = any(tf.math.abs(any(tf.math.sub(a, b))));
    return tf.math.add(greater, any(tf.math.log1p(any(tf.math.exp(any(tf.math.neg(gap)))))));
  }

  private static Operand<?> hypotenuse(Ops tf, Operand<TNumber> a, Operand<TNumber> b) {
    return tf.math.sqrt(any(tf.math.add(any(tf.math.square(a)), any(tf.math.square(b)))));
  }

  private static void unary() {
    same((tf, x) -> tf.math.neg(x), "Negative", "math.negative", "negative");
    same(Arithmetic::absolute, "Absolute", "math.abs", "abs");
    keras("x", Function.of((tf, in) -> absolute(tf, in.tensor("x"))), "Fabs");
    same((tf, x) -> tf.math.square(x), "Square", "math.square", "square");
    same((tf, x) -> tf.math.sign(x), "Sign", "math.sign", "sign");
    smooth((tf, x) -> tf.math.sqrt(x), "Sqrt", "math.sqrt", "sqrt");
    smooth((tf, x) -> tf.math.rsqrt(x), "Rsqrt", "math.rsqrt");
    smooth((tf, x) -> tf.math.reciprocal(x), "Reciprocal", "math.reciprocal");
    smooth((tf, x) -> tf.math.exp(x), "Exp", "math.exp", "exp");
    smooth((tf, x) -> tf.math.pow(scalar(tf, 2, x), x), "Exp2");
    smooth((tf, x) -> tf.math.expm1(x), "Expm1", "math.expm1");
    smooth((tf, x) -> tf.math.log(x), "Log", "math.log", "compat.v1.log");
    smooth((tf, x) -> tf.math.log1p(x), "Log1p", "math.log1p");
    smooth((tf, x) -> logarithm(tf, x, 2), "Log2");
    smooth((tf, x) -> logarithm(tf, x, 10), "Log10");
    smooth((tf, x) -> tf.math.sin(x), "Sin", "math.sin", "sin");
    smooth((tf, x) -> tf.math.cos(x), "Cos", "math.cos", "cos");
    smooth((tf, x) -> tf.math.tan(x), "Tan", "math.tan", "tan");
    smooth((tf, x) -> tf.math.asin(x), "Arcsin", "math.asin", "asin");
    smooth((tf, x) -> tf.math.acos(x), "Arccos", "math.acos", "acos");
    smooth((tf, x) -> tf.math.atan(x), "Arctan", "math.atan", "atan");
    smooth((tf, x) -> tf.math.sinh(x), "Sinh", "math.sinh", "sinh");
    smooth((tf, x) -> tf.math.cosh(x), "Cosh", "math.cosh", "cosh");
    smooth((tf, x) -> tf.math.tanh(x), "Tanh", "math.tanh", "tanh", "nn.tanh");
    smooth((tf, x) -> tf.math.asinh(x), "Arcsinh", "math.asinh", "asinh");
    smooth((tf, x) -> tf.math.acosh(x), "Arccosh", "math.acosh", "acosh");
    smooth((tf, x) -> tf.math.atanh(x), "Arctanh", "math.atanh", "atanh");
    smooth((tf, x) -> tf.math.erf(x), "Erf", "math.erf");
    smooth((tf, x) -> tf.math.sub(scalar(tf, 1, x), any(tf.math.erf(x))), "Erfc", "math.erfc");
    smooth((tf, x) -> tf.math.erfinv(x), "Erfinv", "math.erfinv");
    step((tf, x) -> tf.math.floor(x), "Floor", "math.floor", "floor");
    step((tf, x) -> tf.math.ceil(x), "Ceil", "math.ceil");
    step(Arithmetic::truncate, "Trunc");
    keras("x, decimals=0", Function.of(Arithmetic::round), "Round");
    tensorFlow(
        "x",
        Function.of((tf, in) -> tf.stopGradient(tf.math.round(in.tensor("x")))),
        "math.round",
        "round");
    property((tf, x) -> tf.math.isNan(x), false, "Isnan", "math.is_nan");
    property((tf, x) -> tf.math.isInf(x), false, "Isinf", "math.is_inf");
    property((tf, x) -> tf.math.isFinite(x), true, "Isfinite", "math.is_finite");
    keras("x, nan=0.0, posinf=None, neginf=None", Function.of(Arithmetic::nanToNum), "NanToNum");
    Function identity = Function.of((tf, in) -> tf.identity(in.tensor("x")));
    keras("x", identity, "Copy");
    tensorFlow("input>x", identity, "identity");
    Function stop = Function.of((tf, in) -> tf.stopGradient(in.tensor("x")));
    keras("variable>x", stop, "StopGradient");
    tensorFlow("input>x", stop, "stop_gradient");
    Function convert =
        Function.of(
            (tf, in) -> {
              Operand<TNumber> x = in.tensor("x");
              return tf.identity(Tensors.cast(tf, x, in.dtype("dtype", Tensors.type(x))));
            });
    keras("x, dtype=None, sparse=None, ragged=None", convert, "ConvertToTensor");
    tensorFlow("value>x, dtype=None, dtype_hint=None", convert, "convert_to_tensor");
  }

  /** A function that keeps its argument's type. */
  private static void same(Unary function, String keras, String... tensorFlow) {
    Function whole = Function.of((tf, in) -> function.apply(tf, in.tensor("x")));
    keras("x", whole, keras);
    tensorFlow("x", whole, tensorFlow);
  }

  /** A function of floating-point numbers, which whole numbers become. */
  private static void smooth(Unary function, String keras, String... tensorFlow) {
    Function whole = Function.of((tf, in) -> function.apply(tf, in.floats("x")));
    keras("x", whole, keras);
    tensorFlow("x", whole, tensorFlow);
  }

  /** A function whose slope is 0; whole numbers it makes float32. */
  private static void step(Unary function, String keras, String... tensorFlow) {
    smooth((tf, x) -> tf.stopGradient(function.apply(tf, x)), keras, tensorFlow);
  }

  private static void property(
      Unary function, boolean ofIntegers, String keras, String tensorFlow) {
    Function whole =
        Function.of(
            (tf, in) -> {
              Operand<TNumber> x = any(tf.stopGradient(in.tensor("x")));
              return Tensors.isFloat(x)
                  ? function.apply(tf, x)
                  : tf.fill(tf.shape(x), tf.constant(ofIntegers));
            });
    keras("x", whole, keras);
    tensorFlow("x", whole, tensorFlow);
  }

  private static Operand<?> absolute(Ops tf, Operand<TNumber> x) {
    return isBool(x) || Tensors.type(x).toString().startsWith("uint") ? x : tf.math.abs(x);
  }

  private static Operand<?> logarithm(Ops tf, Operand<TNumber> x, double base) {
    return tf.math.div(any(tf.math.log(x)), scalar(tf, Math.log(base), x));
  }

  private static Operand<?> truncate(Ops tf, Operand<TNumber> x) {
    return Tensors.select(tf, tf.math.less(x, scalar(tf, 0, x)), tf.math.ceil(x), tf.math.floor(x));
  }

  private static Operand<?> round(Ops tf, BoundArguments in) {
    Operand<TNumber> x = in.tensor("x");
    int decimals = in.integer("decimals");
    if (decimals == 0 || (decimals > 0 && !Tensors.isFloat(x))) {
      return tf.stopGradient(tf.math.round(x));
    }
    Operand<TNumber> floats = Tensors.isFloat(x) ? x : Tensors.cast(tf, x, NumericType.FLOAT32);
    Operand<TNumber> factor = scalar(tf, Math.pow(10, decimals), floats);
    Operand<TNumber> rounded = any(tf.math.round(any(tf.math.mul(floats, factor))));
    return Tensors.cast(tf, tf.stopGradient(tf.math.div(rounded, factor)), Tensors.type(x));
  }

  private static Operand<?> nanToNum(Ops tf, BoundArguments in) {
    Operand<TNumber> x = in.tensor("x");
    if (!Tensors.isFloat(x)) {
      return x;
    }
    double most =
        switch (Tensors.type(x)) {
          case FLOAT16 -> 65504;
          case BFLOAT16 -> 3.3895313892515355e38;
          case FLOAT64 -> Double.MAX_VALUE;
          default -> Float.MAX_VALUE;
        };
    Operand<TNumber> y = replace(tf, x, tf.math.isNan(x), in.number("nan"));
    y =
        replace(
            tf,
            y,
            tf.math.equal(x, scalar(tf, Double.POSITIVE_INFINITY, x)),
            in.isNone("posinf") ? most : in.number("posinf"));
    return replace(
        tf,
        y,
        tf.math.equal(x, scalar(tf, Double.NEGATIVE_INFINITY, x)),
        in.isNone("neginf") ? -most : in.number("neginf"));
  }

  private static Operand<TNumber> replace(
      Ops tf, Operand<TNumber> x, Operand<TBool> where, double value) {
    return Tensors.select(tf, where, tf.fill(tf.shape(x), scalar(tf, value, x)), x);
  }

  private static Operand<?> where(Ops tf, BoundArguments in) {
    if (in.isNone("x1") || in.isNone("x2")) {
      throw in.error("without x1 and x2 its shape depends on values, which is not supported");
    }
    Operand<TBool> condition = Tensors.bool(tf, in.tensor("condition"));
    List<Operand<TNumber>> both = in.promoted("x1", "x2");
    return Tensors.select(tf, condition, both.get(0), both.get(1));
  }

  private static Operand<?> selectAmong(Ops tf, BoundArguments in) {
    List<Operand<TNumber>> conditions = in.tensors("condlist");
    List<Operand<TNumber>> choices = in.promotedList("choicelist");
    if (conditions.size() != choices.size() || choices.isEmpty()) {
      throw in.error(
          "%d conditions and %d choices, expected as many of both and at least one"
              .formatted(conditions.size(), choices.size()));
    }
    Operand<TNumber> y = in.like("default", choices.get(0));
    for (int i = choices.size() - 1; i >= 0; i--) {
      y = Tensors.select(tf, Tensors.bool(tf, conditions.get(i)), choices.get(i), y);
    }
    return y;
  }

  private static Operand<?> clip(Ops tf, BoundArguments in) {
    Operand<TNumber> x = in.tensor("x");
    if (isBool(x)) {
      x = any(Tensors.int32(tf, x));
    }
    return tf.math.maximum(any(tf.math.minimum(x, in.like("x_max", x))), in.like("x_min", x));
  }

  private static Operand<?> cast(Ops tf, BoundArguments in) {
    Operand<TNumber> x = in.tensor("x");
    return tf.identity(Tensors.cast(tf, x, in.dtype("dtype", Tensors.type(x))));
  }
}
