/** The command line: a class for each command, and what several of them share. */
package io.github.kpconvx.cli;
