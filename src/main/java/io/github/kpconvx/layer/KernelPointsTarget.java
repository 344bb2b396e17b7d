package io.github.kpconvx.layer;

import io.github.kpconvx.keras.KerasException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.tensorflow.types.TFloat32;

/**
 * Where the kernel points Q of a layer go when the file that is written cannot hold them.
 *
 * <p>VL3D's layer keeps Q as a bare TensorFlow variable; a {@code .keras} or {@code .weights.h5}
 * with it is no file of that layer. Q is never dropped silently: the caller says where it goes.
 *
 * @see KernelPoints
 */
@FunctionalInterface
public interface KernelPointsTarget {
  /** How far recomputed kernel points may be from those that are left out for them. */
  double TOLERANCE = 1e-6;

  /**
   * Where the kernel points of a layer go.
   *
   * @param layer the layer
   * @param weight which of its weights they are
   * @param points their values, of shape (m_q, 3) for kernel points
   * @return a file for them, of a row a line; empty if they are to be recomputed
   * @throws KerasException if they may not be left out
   */
  Optional<Path> of(Layer layer, LayerVariable weight, TFloat32 points);

  /**
   * Nowhere: kernel points that the file cannot hold are an error.
   *
   * @return the target
   */
  static KernelPointsTarget refused() {
    return (layer, weight, points) -> {
      throw new KerasException(
          layer.serialize().describe()
              + (weight.spec().name().startsWith("Q") ? ": its kernel points " : ": its weight ")
              + weight.spec().name()
              + " stand outside of Keras's weights, so that only a SavedModel holds them. Write a"
              + " SavedModel, or say which file or folder they go to (--kernel-points-out Q.csv)"
              + (weight.rules().initializer().isComputed()
                      && difference(weight, points) <= TOLERANCE
                  ? "; or leave them out by the name "
                      + KernelPoints.INITIALIZER
                      + ", as they are what it recomputes, to 1e-6"
                  : ""));
    };
  }

  /**
   * Left out, as they can be recomputed by {@link
   * io.github.kpconvx.layer.vl3d.FibonacciShellInitializer}; kernel points that differ from its are
   * an error.
   *
   * @return the target
   */
  static KernelPointsTarget recomputed() {
    return (layer, weight, points) -> {
      double difference = difference(weight, points);
      if (!(difference <= TOLERANCE)) {
        throw new KerasException(
            "%s: its kernel points %s differ by up to %.2g from those of %s, which can stand for them to %.0e only"
                .formatted(
                    layer.serialize().describe(),
                    weight.spec().name(),
                    difference,
                    KernelPoints.INITIALIZER,
                    TOLERANCE));
      }
      return Optional.empty();
    };
  }

  /**
   * To a file.
   *
   * @param csv the file
   * @return the target; every layer's go there
   */
  static KernelPointsTarget toCsv(Path csv) {
    return (layer, weight, points) -> Optional.of(csv);
  }

  /**
   * To files in a folder, {@code layer.weight.csv}, from which {@link KernelPoints#fromFolder}
   * reads them; the folder is there.
   *
   * @param folder the folder
   * @return the target, for weights of any shape
   */
  static KernelPointsTarget toFolder(Path folder) {
    return (layer, weight, points) ->
        Optional.of(folder.resolve(layer.name() + "." + weight.spec().name() + ".csv"));
  }

  /**
   * To a target for each layer.
   *
   * @param byLayer targets by layer name
   * @return the target; a layer that has none there is an error
   */
  static KernelPointsTarget byLayer(Map<String, KernelPointsTarget> byLayer) {
    Map<String, KernelPointsTarget> targets = Map.copyOf(byLayer);
    return (layer, weight, points) ->
        targets.getOrDefault(layer.name(), refused()).of(layer, weight, points);
  }

  /** The largest difference of a coordinate from the recomputed one; NaN if one is not a number. */
  private static double difference(LayerVariable weight, TFloat32 points) {
    try (TFloat32 computed = weight.computedValue()) {
      double largest = 0;
      for (int k = 0; k < points.shape().get(0); k++) {
        for (int c = 0; c < 3; c++) {
          largest = Math.max(largest, Math.abs(points.getFloat(k, c) - computed.getFloat(k, c)));
        }
      }
      return largest;
    }
  }
}
