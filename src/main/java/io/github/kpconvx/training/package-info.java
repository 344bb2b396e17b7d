/** Training of networks: losses, optimizer steps. */
package io.github.kpconvx.training;
