/**
 * What a layer is: weights, sublayers, how it is called, how it is trained. Knows no layer in
 * particular.
 */
package io.github.kpconvx.layer;
