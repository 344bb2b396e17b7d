package io.github.kpconvx.layer.vl3d;

import io.github.kpconvx.dtype.DType;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.LayerCall;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TNumber;

/**
 * A layer over points that takes coordinates, features and indices of neighbours as one list of
 * tensors of rank 3: their number, ranks, types and last sizes are checked when the layer is built
 * and each time that it is called.
 */
abstract class PointLayer extends Layer {
  private final List<Input> inputs;
  private List<Shape> built = List.of();

  /**
   * What the layer takes at one place.
   *
   * @param name its name in the layer's description, such as {@code Xa}
   * @param shape its shape there, such as {@code (B, R_a, 3)}
   * @param last its last size; unknown if any will do
   * @param kind what it holds
   */
  record Input(String name, String shape, long last, Kind kind) {
    static Input coordinates(String name, String points) {
      return new Input(name, "(B, %s, 3)".formatted(points), 3, Kind.COORDINATES);
    }

    static Input features(String name, String points) {
      return new Input(name, "(B, %s, D)".formatted(points), Shape.UNKNOWN_SIZE, Kind.FEATURES);
    }

    static Input indices(String name, String points, String slots) {
      return new Input(
          name, "(B, %s, %s)".formatted(points, slots), Shape.UNKNOWN_SIZE, Kind.INDICES);
    }
  }

  /** What a tensor holds. */
  enum Kind {
    COORDINATES,
    FEATURES,
    INDICES
  }

  PointLayer(KerasObject object, List<Input> inputs) {
    super(object);
    this.inputs = List.copyOf(inputs);
  }

  /** What errors begin with. */
  final String describe() {
    return serialize().describe();
  }

  /**
   * Checks the shapes that the layer is built for.
   *
   * @return D, the last size of the only input of features; 0 if there is none
   * @throws KerasException if they do not fit, or D is unknown
   */
  final long checkBuilt(List<Shape> shapes) {
    checkShapes(shapes);
    built = List.copyOf(shapes);
    for (int i = 0; i < inputs.size(); i++) {
      if (inputs.get(i).kind() == Kind.FEATURES) {
        Shape shape = shapes.get(i);
        if (shape.isUnknown() || shape.get(2) == Shape.UNKNOWN_SIZE) {
          throw new KerasException(
              describe()
                  + ": the feature dimension D is unknown; "
                  + inputs.get(i).name()
                  + " has shape "
                  + shape);
        }
        return shape.get(2);
      }
    }
    return 0;
  }

  private void checkShapes(List<Shape> shapes) {
    if (shapes.size() != inputs.size()) {
      throw new KerasException(
          "%s takes %s, %s; got %d"
              .formatted(
                  describe(),
                  inputs.size() == 1 ? "one input" : inputs.size() + " inputs",
                  inputs.stream().map(Input::name).collect(Collectors.joining(", ")),
                  shapes.size()));
    }
    for (int i = 0; i < inputs.size(); i++) {
      checkShape(i, shapes.get(i));
    }
  }

  private void checkShape(int index, Shape shape) {
    if (shape.isUnknown()) {
      return;
    }
    Input input = inputs.get(index);
    long last = input.last();
    String bound = "";
    if (input.kind() == Kind.FEATURES && !built.isEmpty()) {
      last = built.get(index).get(2);
      bound = " with D = " + last;
    }
    boolean fits =
        shape.numDimensions() == 3
            && (last == Shape.UNKNOWN_SIZE
                || shape.get(2) == Shape.UNKNOWN_SIZE
                || shape.get(2) == last);
    if (!fits) {
      throw new KerasException(
          "%s: %s has shape %s, expected %s%s"
              .formatted(describe(), input.name(), shape, input.shape(), bound));
    }
  }

  /** The inputs of a call, checked. */
  final Inputs inputs(LayerCall call) {
    List<Operand<?>> given = call.inputs();
    checkShapes(given.stream().map(Operand::shape).toList());
    for (int i = 0; i < inputs.size(); i++) {
      Input input = inputs.get(i);
      Operand<?> tensor = given.get(i);
      if (input.kind() != Kind.INDICES) {
        floats(tensor, input.name());
      } else if (!tensor.type().equals(TInt32.class) && !tensor.type().equals(TInt64.class)) {
        throw new KerasException(
            "%s: %s is %s, expected int32 or int64"
                .formatted(describe(), input.name(), DType.of(tensor.type())));
      }
    }
    return new Inputs(given);
  }

  /** Inputs whose types were checked. */
  static final class Inputs {
    private final List<Operand<?>> tensors;

    private Inputs(List<Operand<?>> tensors) {
      this.tensors = new ArrayList<>(tensors);
    }

    @SuppressWarnings("unchecked") // The type was checked.
    Operand<TFloat32> floats(int index) {
      return (Operand<TFloat32>) tensors.get(index);
    }

    @SuppressWarnings("unchecked") // The type was checked.
    Operand<? extends TNumber> indices(int index) {
      return (Operand<? extends TNumber>) tensors.get(index);
    }
  }
}
