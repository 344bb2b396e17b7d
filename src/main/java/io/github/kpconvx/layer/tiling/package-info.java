/** How rows of points are computed tile by tile, on processors, by XLA or on a GPU. */
package io.github.kpconvx.layer.tiling;
