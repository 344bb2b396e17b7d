/**
 * What a model expects of its weights, what a file holds, and how one is matched with the other.
 */
package io.github.kpconvx.keras.weights;
