/**
 * Golden data: what Python computed, stage by stage, and whether a model computes the same. Serves
 * regression tests, of this library and of those who use it.
 */
package io.github.kpconvx.golden;
