/** What every package of the project may use: the root of its errors. */
package io.github.kpconvx;
