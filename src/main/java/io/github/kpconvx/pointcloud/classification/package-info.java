/** Classifying whole point clouds: how a model wants them prepared, and running it over them. */
package io.github.kpconvx.pointcloud.classification;
