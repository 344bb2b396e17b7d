/** The command line: one class for each command, each thin. */
package io.github.kpconvx.cli;
