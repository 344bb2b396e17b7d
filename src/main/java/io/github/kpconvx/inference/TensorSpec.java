package io.github.kpconvx.inference;

import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.types.family.TType;

/**
 * What a model takes or gives under a name.
 *
 * @param name the name
 * @param shape its shape; unknown dimensions may differ from call to call
 * @param type its tensor type
 */
public record TensorSpec(String name, Shape shape, Class<? extends TType> type) {

  /**
   * The data type as Keras names it.
   *
   * @return such as {@code float32}
   */
  public String dtype() {
    return dtype(type);
  }

  static String dtype(Class<? extends TType> type) {
    return switch (type.getSimpleName()) {
      case "TFloat16" -> "float16";
      case "TBfloat16" -> "bfloat16";
      case "TFloat32" -> "float32";
      case "TFloat64" -> "float64";
      case "TInt32" -> "int32";
      case "TInt64" -> "int64";
      case "TUint16" -> "uint16";
      case "TUint8" -> "uint8";
      case "TBool" -> "bool";
      case "TString" -> "string";
      default -> type.getSimpleName();
    };
  }

  /** Whether a tensor's type, rank and known dimensions are those asked for. */
  boolean accepts(Tensor tensor) {
    Shape found = tensor.shape();
    boolean fits = ((TType) tensor).type().equals(type);
    if (!fits || shape.isUnknown()) {
      return fits;
    }
    if (found.numDimensions() != shape.numDimensions()) {
      return false;
    }
    for (int d = 0; d < shape.numDimensions(); d++) {
      fits &= shape.get(d) == Shape.UNKNOWN_SIZE || shape.get(d) == found.get(d);
    }
    return fits;
  }

  /**
   * Data type and shape, as NumPy would print them.
   *
   * @return such as {@code float32 (None, None, 3)}
   */
  public String describe() {
    return describe(type, shape);
  }

  static String describe(Class<? extends TType> type, Shape shape) {
    return dtype(type) + " " + dimensions(shape);
  }

  /**
   * A shape as NumPy would print it.
   *
   * @param shape a shape, of which dimensions or all may be unknown
   * @return such as {@code (None, 3)}
   */
  static String dimensions(Shape shape) {
    if (shape.isUnknown()) {
      return "of any shape";
    }
    StringBuilder text = new StringBuilder("(");
    for (int d = 0; d < shape.numDimensions(); d++) {
      text.append(d == 0 ? "" : ", ")
          .append(shape.get(d) == Shape.UNKNOWN_SIZE ? "None" : shape.get(d));
    }
    return text.append(shape.numDimensions() == 1 ? ",)" : ")").toString();
  }
}
