/** Keras's JSON: serialized objects and the strict reading of their configurations. */
package io.github.kpconvx.keras.config;
