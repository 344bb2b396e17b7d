package io.github.kpconvx.keras.config;

/**
 * Numbers of a configuration, in row-major order.
 *
 * @param shape their shape; empty for a single number
 * @param values the numbers
 */
@SuppressWarnings("ArrayRecordComponent") // Handed on as a tensor, never compared.
public record NumberArray(long[] shape, double[] values) {}
