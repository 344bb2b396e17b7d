/** Keras's own language: configuration objects, weight files, archives and SavedModels. */
package io.github.kpconvx.keras;
