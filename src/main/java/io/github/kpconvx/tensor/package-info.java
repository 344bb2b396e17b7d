/** TensorFlow's tensors and NumPy's arrays as each other; TensorFlow's errors in words. */
package io.github.kpconvx.tensor;
