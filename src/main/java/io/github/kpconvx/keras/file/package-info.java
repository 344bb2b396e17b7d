/** Kinds of model files, told apart by content. */
package io.github.kpconvx.keras.file;
