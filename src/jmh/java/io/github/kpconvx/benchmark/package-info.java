/**
 * Times the layer on the JVM, in every form of inference and in what else can run it there. Whoever
 * is timed computes the same workload, and what it answers is compared with Python's before and
 * after.
 */
package io.github.kpconvx.benchmark;
