/**
 * The port: {@link io.github.kpconvx.layer.KPConvXLayer} and what it is made of, built from
 * TensorFlow {@code Ops}.
 */
package io.github.kpconvx.layer;
