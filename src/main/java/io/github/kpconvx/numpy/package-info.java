/** NumPy's {@code .npy} and {@code .npz} files. Depends on nothing else of the project. */
package io.github.kpconvx.numpy;
