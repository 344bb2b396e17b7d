package io.github.kpconvx.network;

import io.github.kpconvx.keras.KerasException;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Says which layers and operations of a model cannot be rebuilt: all of them at once. */
public final class UnsupportedModelException extends KerasException {
  private static final long serialVersionUID = 1L;

  private final transient List<UnsupportedLayer> layers;

  /**
   * An error of a model.
   *
   * @param layers what of it cannot be rebuilt
   */
  UnsupportedModelException(List<UnsupportedLayer> layers) {
    this("", layers, null);
  }

  private UnsupportedModelException(
      String before, List<UnsupportedLayer> layers, UnsupportedModelException cause) {
    super(before + message(layers), cause);
    this.layers = List.copyOf(layers);
  }

  private static String message(List<UnsupportedLayer> layers) {
    String list =
        layers.size() == 1
            ? layers.get(0).describe()
            : IntStream.range(0, layers.size())
                .mapToObj(i -> "(%d) %s".formatted(i + 1, layers.get(i).describe()))
                .collect(Collectors.joining("; "));
    return "Cannot rebuild "
        + (layers.size() == 1 ? "" : layers.size() + " layers and operations: ")
        + list
        + ". Ways out: register a factory for each class (META-INF/services, or LayerRegistry.with and"
        + " Loader.withLayers); or export the model in Python (model.export) and open that directory, whose"
        + " stored graph is run as it is (the engine auto or savedmodel)";
  }

  /**
   * What cannot be rebuilt.
   *
   * @return all layers and operations, those of nested models too, in the model's order
   */
  public List<UnsupportedLayer> layers() {
    return layers;
  }

  /**
   * The same error, told with what was asked for.
   *
   * @param before goes before the message
   * @return the error
   */
  public UnsupportedModelException told(String before) {
    return new UnsupportedModelException(before, layers, this);
  }
}
