/** A loaded model that answers. */
package io.github.kpconvx.inference;
