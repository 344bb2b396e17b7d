package io.github.kpconvx.layer;

import io.github.kpconvx.keras.KerasException;
import java.util.Collection;
import java.util.List;
import org.tensorflow.ndarray.Shape;

/** A layer that a file may hold by itself, without a model around it. */
public interface StandaloneLayer {
  /**
   * What a model takes that is this layer alone.
   *
   * @param weights the shapes of the weights that are there, which may tell what the configuration
   *     does not
   * @return the inputs, in the order of the layer's arguments
   * @throws KerasException if the weights are not this layer's
   */
  List<InputSpec> inputs(Collection<Shape> weights);
}
