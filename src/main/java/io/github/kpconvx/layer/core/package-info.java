/** Keras's own layers that surround point-cloud layers in a network. */
package io.github.kpconvx.layer.core;
