/** NumPy's {@code .npy} and {@code .npz} files. */
package io.github.kpconvx.numpy;
