/** What layers are configured with: initializers, activations, regularizers, constraints. */
package io.github.kpconvx.layer.function;
