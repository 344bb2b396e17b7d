/**
 * What {@code export_representation} writes of a kernel: its points and weights as tables and
 * pictures.
 *
 * <p>The pictures are SVG written element by element: text stays text, every mark has an identity
 * that other programs find it by, and the same kernel gives the same bytes on every machine.
 */
package io.github.kpconvx.report;
