/** SavedModel directories: object graphs, checkpoints, signatures, in and out. */
package io.github.kpconvx.keras.savedmodel;
