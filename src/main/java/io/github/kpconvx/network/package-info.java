/**
 * Whole Keras networks: a registry of layer factories, and the graphs that functional models
 * describe.
 */
package io.github.kpconvx.network;
