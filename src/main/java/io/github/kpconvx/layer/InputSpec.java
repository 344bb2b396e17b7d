package io.github.kpconvx.layer;

import org.tensorflow.ndarray.Shape;
import org.tensorflow.types.family.TType;

/**
 * A tensor that a model takes.
 *
 * @param name its name
 * @param shape its shape; unknown dimensions are those that may differ from call to call
 * @param type its tensor type
 */
public record InputSpec(String name, Shape shape, Class<? extends TType> type) {}
