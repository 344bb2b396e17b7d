/**
 * Operations of functional models that are no layers: {@code keras.ops} of Keras 3, and functions
 * of TensorFlow in models of Keras 2. {@link io.github.kpconvx.layer.operation.Operations} lists
 * them.
 */
package io.github.kpconvx.layer.operation;
