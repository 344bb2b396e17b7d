/** What is known of a tensor before there is one: its data type, its shape, its name. */
package io.github.kpconvx.dtype;
